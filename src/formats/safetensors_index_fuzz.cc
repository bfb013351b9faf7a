// An index accepted has sorted tensors without repetition, each in a shard with
// a plain name, and every shard has a tensor; an index refused is corrupt.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string_view>

#include "base/check.h"
#include "formats/model_directory.h"
#include "formats/safetensors_index.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using revlm::formats::SafetensorsIndex;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto index = revlm::formats::ParseSafetensorsIndex(text, "input");
  if (!index) {
    REVLM_CHECK(index.error().code == revlm::ErrorCode::kCorrupt);
    return 0;
  }
  REVLM_CHECK(
      std::ranges::adjacent_find(index->shards, std::greater_equal<>{}) ==
      index->shards.end());
  std::set<uint32_t> used;
  for (size_t i = 0; i < index->entries.size(); ++i) {
    const SafetensorsIndex::Entry& entry = index->entries[i];
    REVLM_CHECK(i == 0 || index->entries[i - 1].tensor < entry.tensor);
    REVLM_CHECK(entry.shard_idx < index->shards.size());
    used.insert(entry.shard_idx);
  }
  REVLM_CHECK(used.size() == index->shards.size());
  for (const std::string& shard : index->shards) {
    REVLM_CHECK(revlm::formats::IsPlainName(shard, 255));
  }
  return 0;
}
