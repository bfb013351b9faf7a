// The answers of a target that is not run here: from a file, from the directory
// of a run, or given.
//
// Threads: pure functions. Memory: the answers; a file's size is checked first.
// Errors: kNotFound and kUnavailable from the system; kInvalidArgument for a
// file that is not as revlm/verify_text.h says, a run that is not finished or
// was drawn at temperature 0; kCorrupt for a damaged run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "revlm/verify_text.h"
#include "verify/answers.h"

namespace revlm {

struct TargetAnswers {
  std::string alias;
  std::string reference;  // where they come from
  std::vector<GivenAnswer> answers;
  // Where each of them was read, for messages; empty: they were given.
  std::vector<std::string> places;
  // Whether all answers have token ids, and of a run the tokenizer they are of,
  // as the digest of its file.
  bool have_ids = false;
  std::string tokenizer_sha256;
  std::optional<verify::Decoding> decoding;  // of a run
  std::optional<bool> special_tokens;        // of a run
  int64_t num_failed = 0;                    // operations without an answer
};

Result<TargetAnswers> ReadTargetAnswers(const VerifyTextOptions& options);

}  // namespace revlm
