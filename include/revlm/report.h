// Renders results for people and for programs. Computes nothing: every number
// shown is one that the results hold.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "revlm/compare.h"
#include "revlm/error.h"
#include "revlm/inspect.h"
#include "revlm/library.h"
#include "revlm/plan.h"
#include "revlm/prompts.h"
#include "revlm/run.h"
#include "revlm/status.h"

namespace revlm {

enum class Charset { kAscii, kUtf8 };
enum class Color { kNever, kAlways };

struct TextStyle {
  Charset charset = Charset::kAscii;
  Color color = Color::kNever;
  int32_t columns = 80;
  int32_t rows = 24;  // of a view that is redrawn
};

// Results of runs of more operations are not shown as text: they are read from
// results.jsonl.
inline constexpr int64_t kMaxTableRows = 16;

// Text for a terminal, ends with a line end.
std::string RenderText(const RunSummary& summary, const TextStyle& style);
std::string RenderText(const InspectReport& report, const TextStyle& style);
std::string RenderText(const PlanReport& report, const TextStyle& style);
std::string RenderText(const EnrollReport& report, const TextStyle& style);
std::string RenderText(const IdentifyReport& report, const TextStyle& style);
std::string RenderText(const LibraryReport& report, const TextStyle& style);
// A table of the prompts, and how one of them was made.
std::string RenderText(const PromptsReport& report, const TextStyle& style);
std::string RenderExplanation(const PromptsReport& report,
                              const TextStyle& style);
// A view of at most 80 columns, and of fewer rows than there are, 23 at most.
std::string RenderText(const RunStatus& status, const TextStyle& style);
// The same in one line, for a log.
std::string RenderLine(const RunStatus& status, Charset charset);

// The table of pairs, and each pair in plain words.
std::string RenderText(const Comparison& comparison, int exit_code,
                       const TextStyle& style);
std::string RenderExplanation(const Comparison& comparison,
                              const TextStyle& style);

// One JSON document (docs/formats/command-output.md), ends with a line end.
std::string RenderJson(const RunSummary& summary, int exit_code);
// The same in pieces, one for each result: the whole may be larger than memory.
using TextSink = std::function<void(std::string_view)>;
void RenderJson(const RunSummary& summary, int exit_code, const TextSink& sink);
std::string RenderJson(const InspectReport& report, int exit_code);
std::string RenderJson(const PlanReport& report, int exit_code);
std::string RenderJson(const RunStatus& status, int exit_code);
// `schema`: kCompareSchema, or that of another command that has a comparison to
// show.
std::string RenderJson(const Comparison& comparison, std::string_view schema,
                       int exit_code);
std::string RenderJson(const EnrollReport& report, int exit_code);
std::string RenderJson(const IdentifyReport& report, int exit_code);
std::string RenderJson(const LibraryReport& report, int exit_code);
std::string RenderJson(const PromptsReport& report, int exit_code);
// The document of a command that failed; `schema` as of its success.
std::string RenderJson(const Error& error, std::string_view schema,
                       int exit_code);

inline constexpr std::string_view kRunSchema = "revlm.run/1";
inline constexpr std::string_view kInspectSchema = "revlm.inspect/1";
inline constexpr std::string_view kPlanSchema = "revlm.plan/1";
inline constexpr std::string_view kMonitorSchema = "revlm.monitor/1";
inline constexpr std::string_view kCompareSchema = "revlm.compare/1";
inline constexpr std::string_view kVerifySchema = "revlm.verify/1";
inline constexpr std::string_view kExplainSchema = "revlm.explain/1";
inline constexpr std::string_view kPromptsSchema = "revlm.prompts/1";
inline constexpr std::string_view kEnrollSchema = "revlm.enroll/1";
inline constexpr std::string_view kIdentifySchema = "revlm.identify/1";
inline constexpr std::string_view kLibrarySchema = "revlm.library/1";

// `text` made fit for a terminal: control characters, invisible direction marks
// and, with kAscii, everything beyond ASCII appear as escapes.
std::string Printable(std::string_view text, Charset charset);

// 2.8 MiB
std::string FormatBytes(uint64_t bytes);

}  // namespace revlm
