#include "engine/schedule.h"

#include <algorithm>

namespace revlm::engine {
namespace {

// Appends a request to a group's passes.
void AddPrompt(const RequestShape& request, size_t request_idx,
               const GroupLimits& limits, const KvPages& pages,
               GroupShape& group) {
  std::vector<PassShape>& passes = group.prompt_passes;
  if (passes.empty() ||
      passes.back().num_rows + request.prompt_tokens > limits.max_rows) {
    passes.push_back({.begin = request_idx});
  }
  PassShape& pass = passes.back();
  pass.end = request_idx + 1;
  pass.num_rows += request.prompt_tokens;
  pass.num_head_rows += request.head_rows;
  if (request.new_tokens == 0) {
    pass.kv_scratch_bytes += pages.SequenceBytes(request.prompt_tokens);
  }
}

// Whether a group can take a further request.
bool Fits(const RequestShape& request, const GroupShape& group,
          const GroupLimits& limits, const KvPages& pages,
          uint64_t num_layers) {
  if (group.result_bytes + request.result_bytes > limits.result_bytes ||
      static_cast<int64_t>(group.end - group.begin) >= limits.max_requests) {
    return false;
  }
  if (request.new_tokens == 0) {
    // Where nothing generates, a pass's results are handed over after it.
    return group.num_generating > 0 ||
           group.prompt_passes.back().num_rows + request.prompt_tokens <=
               limits.max_rows;
  }
  return group.num_generating < limits.max_rows &&
         (limits.spills ||
          num_layers * (group.layer_kv_bytes +
                        pages.SequenceBytes(request.max_length())) <=
              limits.kv_bytes);
}

}  // namespace

std::vector<GroupShape> MakeGroups(std::span<const RequestShape> requests,
                                   const GroupLimits& limits,
                                   const KvPages& pages, int64_t num_layers) {
  std::vector<GroupShape> groups;
  for (size_t i = 0; i < requests.size(); ++i) {
    const RequestShape& request = requests[i];
    if (groups.empty() || !Fits(request, groups.back(), limits, pages,
                                static_cast<uint64_t>(num_layers))) {
      if (static_cast<double>(groups.size() + 1) > limits.max_groups) return {};
      groups.push_back({.begin = i});
    }
    GroupShape& group = groups.back();
    group.end = i + 1;
    AddPrompt(request, i, limits, pages, group);
    group.result_bytes += request.result_bytes;
    if (request.new_tokens == 0) continue;
    ++group.num_generating;
    group.layer_kv_bytes += pages.SequenceBytes(request.max_length());
    // The first new token comes of the prompt's pass.
    group.num_decode_passes =
        std::max(group.num_decode_passes, request.new_tokens - 1);
    group.decode_tokens += request.new_tokens - 1;
    group.kv_positions +=
        (request.new_tokens - 1) * request.prompt_tokens +
        (request.new_tokens - 1) * (request.new_tokens - 2) / 2;
  }
  return groups;
}

}  // namespace revlm::engine
