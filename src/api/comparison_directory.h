// The directory of one comparison (docs/formats/comparison.md).
//
// It is new or empty when a comparison begins, for scratch files, and is filled
// at the end: a comparison that did not come to its end leaves nothing, not
// even a directory that it made.
//
// Threads: thread-compatible. Errors: kInvalidArgument (not empty),
// kUnavailable (I/O, disk full); of reading, kNotFound, kInvalidArgument,
// kCorrupt.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/compared_models.h"
#include "base/error.h"
#include "revlm/compare.h"
#include "revlm/verify_text.h"
#include "verify/behaviour.h"
#include "verify/text_evidence.h"

namespace revlm {

// By pair, what each prompt brings.
using PromptTable = std::vector<std::vector<verify::PromptDivergence>>;

// What verdicts follow from, beside what is in the comparison.
struct Evidence {
  PromptTable values;
  // Of the only pair, whose target gave nothing but texts.
  std::optional<verify::TextScores> texts;
};

class ComparisonDirectory {
 public:
  // The one that options name, or a new one.
  static Result<ComparisonDirectory> Create(const CompareOptions& options);
  ComparisonDirectory(ComparisonDirectory&& other) noexcept;
  // Removes the directory when it was made here and nothing was written.
  ~ComparisonDirectory();

  const std::string& path() const { return path_; }

  // prompts.jsonl, evidence.jsonl and, last, verdicts.json.
  Status Write(const Comparison& comparison, const ComparePrompts& prompts,
               const PromptTable& values);
  // answers.jsonl, texts.jsonl and, last, verdicts.json.
  Status WriteTexts(const Comparison& comparison,
                    std::span<const GivenAnswer> answers,
                    const verify::TextScores& scores);

 private:
  ComparisonDirectory(std::string path, std::string linked_from)
      : path_(std::move(path)), linked_from_(std::move(linked_from)) {}

  Status WriteVerdicts(const Comparison& comparison);

  std::string path_;
  std::string linked_from_;  // runs_dir, whose `latest` is to lead here
  bool is_new_ = false;
  bool is_written_ = false;
};

struct StoredComparison {
  Comparison comparison;  // as it was written
  Evidence evidence;      // without prompts that have no value
};
Result<StoredComparison> ReadComparison(const std::string& path);

}  // namespace revlm
