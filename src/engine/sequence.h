// One request in flight: its tokens, where its keys and values are, and what it
// has produced so far.
//
// Threads: thread-confined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/engine.h"

namespace revlm::engine {

// Whether every position of the prompt goes through the head.
inline bool ScoresPrompt(const Request& request) {
  return request.want_prompt_logprobs || request.want_prompt_logits;
}

struct Sequence {
  size_t request_idx = 0;
  const Request* request = nullptr;
  std::vector<int32_t> ids;  // prompt and new tokens
  int64_t num_done = 0;      // positions through the last layer
  int64_t max_length = 0;    // of ids
  // Of sequences that generate: where the pages of a layer begin among those of
  // its group; on disk, which column of which block it is.
  uint64_t kv_offset = 0;
  size_t kv_block = 0;
  int64_t kv_column = 0;
  Completion completion;
  bool is_finished = false;

  int64_t prompt_length() const {
    return static_cast<int64_t>(request->prompt.size());
  }
  bool generates() const { return max_length > prompt_length(); }
};

// Consecutive positions of one sequence in a pass. Their rows lie together.
struct Segment {
  Sequence* sequence = nullptr;
  int64_t first_row = 0;  // of the pass
  int64_t first_pos = 0;
  int64_t num_rows = 0;
};

}  // namespace revlm::engine
