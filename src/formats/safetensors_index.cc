#include "formats/safetensors_index.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/quote.h"
#include "formats/json_events.h"
#include "formats/model_directory.h"

namespace revlm::formats {
namespace {

using base::MakeError;
using base::Quote;

constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxShardNameBytes = 255;

// Collects the entries; shards are numbered as they appear.
class IndexReader : public JsonEvents {
 public:
  bool start_object(size_t) override {
    if (depth_ == 1 && key_ == "weight_map") {
      if (seen_map_) return Fail("duplicate key \"weight_map\"");
      seen_map_ = true;
      in_map_ = true;
    } else if (depth_ > 0 && !Skip()) {
      return JsonEvents::start_object(0);
    }
    return Open();
  }
  bool start_array(size_t) override {
    return Skip() ? Open() : JsonEvents::start_array(0);
  }
  bool end_object() override {
    in_map_ = false;
    return Close();
  }
  bool end_array() override { return Close(); }

  bool key(string_t& key) override {
    if (depth_ == 1 || in_map_) key_ = std::move(key);
    return true;
  }

  bool string(string_t& value) override {
    if (!in_map_) return Skip() || JsonEvents::string(value);
    if (!IsPlainName(value, kMaxShardNameBytes)) {
      return Fail(fmt::format(
          "tensor {} is in shard {}, allowed is a plain file name of letters, "
          "digits, \".\", \"_\" and \"-\"",
          Quote(key_), Quote(value)));
    }
    if (entries_.size() >= kMaxTensors) {
      return Fail(fmt::format("more than {} tensors", kMaxTensors));
    }
    const auto [shard, is_new] = shards_.try_emplace(
        std::move(value), static_cast<uint32_t>(shards_.size()));
    if (is_new && shards_.size() > kMaxShards) {
      return Fail(fmt::format("more than {} shards", kMaxShards));
    }
    entries_.push_back({std::move(key_), shard->second});
    return true;
  }

  // Values outside weight_map are skipped.
  bool null() override { return Skip() || JsonEvents::null(); }
  bool boolean(bool value) override {
    return Skip() || JsonEvents::boolean(value);
  }
  bool number_integer(number_integer_t value) override {
    return Skip() || JsonEvents::number_integer(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Skip() || JsonEvents::number_unsigned(value);
  }
  bool number_float(number_float_t value, const string_t& text) override {
    return Skip() || JsonEvents::number_float(value, text);
  }

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
    for (auto& entry : index.entries)
      entry.shard_idx = new_idx[entry.shard_idx];
    std::ranges::sort(index.entries, {}, &SafetensorsIndex::Entry::tensor);
    return index;
  }

 private:
  std::string Place() const override {
    if (depth_ == 0) return "instead of the index";
    return fmt::format("for {}", Quote(key_));
  }

  // Whether a value here is one to skip: inside the index and not in, nor
  // instead of, the weight map.
  bool Skip() const {
    return depth_ > 0 && !in_map_ && !(depth_ == 1 && key_ == "weight_map");
  }
  bool Open() {
    if (depth_ >= kMaxDepth) {
      return Fail(fmt::format("nesting deeper than {}", kMaxDepth));
    }
    ++depth_;
    return true;
  }
  bool Close() {
    --depth_;
    return true;
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
  REVLM_TRY(reader.Read(text, source));
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
