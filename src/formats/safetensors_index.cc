#include "formats/safetensors_index.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/json.h"
#include "base/quote.h"
#include "formats/model_directory.h"

namespace revlm::formats {
namespace {

using base::MakeError;
using base::Quote;

constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxShardNameBytes = 255;

// Collects the entries of weight_map and skips the rest; shards are numbered as
// they appear.
class IndexReader : public base::JsonSink {
 public:
  Status Open(char bracket) override {
    if (AtMap()) {
      if (bracket == '[') return Unexpected("array");
      if (seen_map_) return Corrupt("duplicate key \"weight_map\"");
      seen_map_ = true;
      in_map_ = true;
    } else if (in_map_) {
      return Unexpected(bracket == '{' ? "object" : "array");
    }
    ++depth_;
    return {};
  }
  Status Close() override {
    in_map_ = false;
    --depth_;
    return {};
  }
  Status Key(std::string_view name) override {
    if (depth_ == 1 || in_map_) key_ = name;
    return {};
  }
  Status String(std::string_view value) override {
    return in_map_ ? Add(value) : Skip("string");
  }
  Status Integer(int64_t) override { return Skip("number"); }
  Status Other(std::string_view found) override { return Skip(Quote(found)); }

  bool seen_map() const { return seen_map_; }

  // The index with shards in byte order.
  SafetensorsIndex Take() {
    SafetensorsIndex index;
    std::vector<uint32_t> new_idx(shards_.size());
    for (auto& [name, idx] : shards_) {
      new_idx[idx] = static_cast<uint32_t>(index.shards.size());
      index.shards.push_back(name);
    }
    index.entries = std::move(entries_);
    for (auto& entry : index.entries) {
      entry.shard_idx = new_idx[entry.shard_idx];
    }
    std::ranges::sort(index.entries, {}, &SafetensorsIndex::Entry::tensor);
    return index;
  }

 private:
  // Whether the value read next is the weight map.
  bool AtMap() const { return depth_ == 1 && key_ == "weight_map"; }

  static Status Corrupt(std::string problem) {
    return std::unexpected<Error>(
        Error{ErrorCode::kCorrupt, std::move(problem)});
  }
  Status Unexpected(std::string_view what) const {
    return Corrupt(fmt::format("unexpected {} for {}", what, Quote(key_)));
  }
  Status Skip(std::string_view what) const {
    if (in_map_ || AtMap()) return Unexpected(what);
    return {};
  }

  Status Add(std::string_view shard_name) {
    if (!IsPlainName(shard_name, kMaxShardNameBytes)) {
      return Corrupt(fmt::format(
          "tensor {} is in shard {}, allowed is a plain file name of letters, "
          "digits, \".\", \"_\" and \"-\"",
          Quote(key_), Quote(shard_name)));
    }
    if (entries_.size() >= kMaxTensors) {
      return Corrupt(fmt::format("more than {} tensors", kMaxTensors));
    }
    const auto [shard, is_new] = shards_.try_emplace(
        std::string(shard_name), static_cast<uint32_t>(shards_.size()));
    if (is_new && shards_.size() > kMaxShards) {
      return Corrupt(fmt::format("more than {} shards", kMaxShards));
    }
    entries_.push_back({std::move(key_), shard->second});
    return {};
  }

  size_t depth_ = 0;
  bool seen_map_ = false;
  bool in_map_ = false;
  std::string key_;  // the last key of the index or of weight_map
  std::map<std::string, uint32_t> shards_;
  std::vector<SafetensorsIndex::Entry> entries_;
};

}  // namespace

Result<SafetensorsIndex> ParseSafetensorsIndex(std::string_view text,
                                               const std::string& source) {
  IndexReader reader;
  const base::JsonRoute route = {.path = {}, .sink = &reader};
  REVLM_TRY(base::ParseJsonWithSinks(text, source, {.max_depth = kMaxDepth},
                                     {&route, 1}));
  if (!reader.seen_map()) {
    return MakeError(ErrorCode::kCorrupt, "{}: \"weight_map\" is missing",
                     source);
  }
  SafetensorsIndex index = reader.Take();
  const auto twice = std::ranges::adjacent_find(
      index.entries, {}, &SafetensorsIndex::Entry::tensor);
  if (twice != index.entries.end()) {
    return MakeError(ErrorCode::kCorrupt, "{}: duplicate key {}", source,
                     Quote(twice->tensor));
  }
  return index;
}

Status CheckIndexAgainstShards(const SafetensorsIndex& index,
                               std::span<const TensorInfo> tensors,
                               const std::string& source) {
  const auto twice = std::ranges::adjacent_find(tensors, {}, &TensorInfo::name);
  if (twice != tensors.end()) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: tensor {} is in two shards, {} and {}", source,
                     Quote(twice->name), index.shards[twice->file_idx],
                     index.shards[std::next(twice)->file_idx]);
  }
  auto tensor = tensors.begin();
  for (const auto& entry : index.entries) {
    if (tensor == tensors.end() || tensor->name > entry.tensor ||
        (tensor->name == entry.tensor && tensor->file_idx != entry.shard_idx)) {
      return MakeError(ErrorCode::kCorrupt,
                       "{}: tensor {} is not in shard {}, where the index says "
                       "it is",
                       source, Quote(entry.tensor),
                       index.shards[entry.shard_idx]);
    }
    if (tensor->name < entry.tensor) break;
    ++tensor;
  }
  if (tensor != tensors.end()) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: tensor {} of shard {} is not in the index", source,
                     Quote(tensor->name), index.shards[tensor->file_idx]);
  }
  return {};
}

}  // namespace revlm::formats
