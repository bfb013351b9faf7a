// Which requests go through the model together.
//
// Requests are taken in their order. A group is what is in flight at once: its
// prompts go through the weights in one pass or several, then those that
// generate decode together, one pass a token. What limits a group are the rows
// of a pass, keys and values, and results held until they are handed over.
//
// Threads: pure functions. Determinism: of the arguments alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "engine/kv_pages.h"

namespace revlm::engine {

// What a request needs, without its content.
struct RequestShape {
  int64_t prompt_tokens = 0;
  int64_t new_tokens = 0;     // at most; 0: nothing is generated
  int64_t head_rows = 0;      // scored in the pass of its prompt
  uint64_t result_bytes = 0;  // heap, until it is complete

  int64_t max_length() const { return prompt_tokens + new_tokens; }
};

struct GroupLimits {
  int64_t max_requests = INT64_MAX;
  int64_t max_rows = 0;   // of a pass
  uint64_t kv_bytes = 0;  // of all layers, in memory; not when spilled
  uint64_t result_bytes = 0;
  bool spills = false;  // keys and values are on disk
  double max_groups = std::numeric_limits<double>::infinity();
};

// One pass over the weights for prompts begin .. end - 1.
struct PassShape {
  size_t begin = 0;
  size_t end = 0;
  int64_t num_rows = 0;
  int64_t num_head_rows = 0;
  // One layer of keys and values that are not kept.
  uint64_t kv_scratch_bytes = 0;
};

struct GroupShape {
  size_t begin = 0;
  size_t end = 0;
  std::vector<PassShape> prompt_passes;
  int64_t num_generating = 0;
  int64_t num_decode_passes = 0;
  int64_t decode_tokens = 0;    // over all of them
  int64_t kv_positions = 0;     // that they look back to
  uint64_t layer_kv_bytes = 0;  // of sequences that generate, in pages
  uint64_t result_bytes = 0;
};

// The groups in order. A request that breaks the limits alone gets a group of
// its own. Empty when there would be more than max_groups.
std::vector<GroupShape> MakeGroups(std::span<const RequestShape> requests,
                                   const GroupLimits& limits,
                                   const KvPages& pages, int64_t num_layers);

}  // namespace revlm::engine
