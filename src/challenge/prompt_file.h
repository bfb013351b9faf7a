// Prompt files.
//
//   text:   one prompt a line; lines of nothing but blanks are skipped.
//   .jsonl: one JSON object a line: {"prompt": TEXT, "id": TEXT,
//           "max_tokens": NUMBER, "priority": NUMBER}; all but "prompt"
//           optional, other members are ignored, blank lines skipped. Ids must
//           differ.
//
// Both are UTF-8 with "\n" or "\r\n" line ends. A prompt may be empty only in a
// .jsonl file.
//
// Threads: pure functions. Errors: kNotFound and kUnavailable from the system;
// kInvalidArgument for a file that is not as above, with file, line, what was
// found and what is allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "challenge/prompt.h"

namespace revlm::challenge {

struct PromptLimits {
  uint64_t max_file_bytes = 64 << 20;
  uint64_t max_line_bytes = 1 << 20;
  size_t max_prompts = 1'000'000;
  size_t max_id_bytes = 200;
};

// Reads `path`; a name that ends in ".jsonl" says JSON Lines.
Result<std::vector<Prompt>> ReadPromptFile(const std::string& path,
                                           const PromptLimits& limits = {});

// The prompts of a file's `content`; `path` names it in errors.
Result<std::vector<Prompt>> ParsePromptText(std::string_view content,
                                            const std::string& path,
                                            const PromptLimits& limits);
Result<std::vector<Prompt>> ParsePromptJsonLines(std::string_view content,
                                                 const std::string& path,
                                                 const PromptLimits& limits);

}  // namespace revlm::challenge
