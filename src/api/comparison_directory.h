// The directory of one comparison (docs/formats/comparison.md).
//
// It is new or empty when a comparison begins, or holds what the same
// comparison kept when it was stopped (api/unfinished_folder.h), and is
// filled at the end. Of a comparison that kept nothing nothing is left, not
// even a directory that it made.
//
// Threads: thread-compatible; held against other processes. Errors:
// kInvalidArgument (not empty), kUnavailable (in use, I/O, disk full); of
// reading, kNotFound, kInvalidArgument, kCorrupt.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/compared_models.h"
#include "api/unfinished_folder.h"
#include "base/error.h"
#include "base/json.h"
#include "revlm/compare.h"
#include "revlm/verify_text.h"
#include "verify/behaviour.h"
#include "verify/text_evidence.h"

namespace revlm {

// By pair, what each prompt brings, but for the last ones without a value.
using PromptTable = std::vector<std::vector<verify::PromptDivergence>>;

// What verdicts follow from, beside what is in the comparison.
struct Evidence {
  PromptTable values;
  // Of the only pair, whose target gave nothing but texts.
  std::optional<verify::TextScores> texts;
};

class ComparisonDirectory {
 public:
  // The one that options name; else one in which a comparison of this plan was
  // stopped, or a new one.
  static Result<ComparisonDirectory> Open(const CompareOptions& options,
                                          const base::Json& plan);
  ComparisonDirectory(ComparisonDirectory&& other) noexcept;
  // Removes the directory when it was made for this and nothing is in it.
  ~ComparisonDirectory();

  const std::string& path() const { return path_; }
  UnfinishedFolder& unfinished() { return unfinished_; }

  // prompts.jsonl, evidence.jsonl and, last, verdicts.json.
  Status Write(const Comparison& comparison, const ComparePrompts& prompts,
               const PromptTable& values);
  // answers.jsonl, texts.jsonl and, last, verdicts.json.
  Status WriteTexts(const Comparison& comparison,
                    std::span<const GivenAnswer> answers,
                    const verify::TextScores& scores);

 private:
  ComparisonDirectory(std::string path, std::string linked_from, bool is_new,
                      UnfinishedFolder unfinished)
      : path_(std::move(path)),
        linked_from_(std::move(linked_from)),
        is_new_(is_new),
        unfinished_(std::move(unfinished)) {}

  static Result<ComparisonDirectory> OpenAt(std::string path,
                                            const std::string& linked_from,
                                            bool is_new,
                                            const base::Json& plan);
  Status WriteVerdicts(const Comparison& comparison);

  std::string path_;
  std::string linked_from_;  // runs_dir, whose `latest` is to lead here
  bool is_new_;              // made for this comparison
  bool is_half_written_ = false;
  UnfinishedFolder unfinished_;
};

struct StoredComparison {
  Comparison comparison;  // as it was written
  Evidence evidence;
};
Result<StoredComparison> ReadComparison(const std::string& path);

}  // namespace revlm
