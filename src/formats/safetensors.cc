#include "formats/safetensors.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/quote.h"

namespace revlm::formats {
namespace {

using base::MakeError;
using base::Quote;

constexpr uint64_t kLengthFieldBytes = 8;
constexpr size_t kMaxDepth = 4;

// Collects the header's records. Offsets are still relative to the data.
class HeaderReader : public base::JsonSink {
 public:
  Status Open(char bracket) override {
    if (bracket == '[') return OpenArray();
    if (state_ == State::kStart) return Enter(State::kTop);
    if (state_ != State::kTop) return Unexpected("object");
    if (name_ == "__metadata__") {
      if (has_metadata_) return Corrupt("duplicate key \"__metadata__\"");
      has_metadata_ = true;
      return Enter(State::kMetadata);
    }
    if (header_.tensors.size() >= kMaxTensors) {
      return Corrupt(fmt::format("more than {} tensors", kMaxTensors));
    }
    header_.tensors.push_back({.name = std::move(name_), .shape = {}});
    dtype_.reset();
    has_shape_ = false;
    offsets_.reset();
    return Enter(State::kTensor);
  }

  Status Close() override {
    switch (state_) {
      case State::kShape:
      case State::kOffsets:
        return Enter(State::kTensor);
      case State::kTensor:
        REVLM_TRY(FinishTensor());
        return Enter(State::kTop);
      case State::kMetadata:
        return Enter(State::kTop);
      default:
        return Enter(State::kEnd);
    }
  }

  Status Key(std::string_view key) override {
    if (state_ != State::kTensor) {
      name_ = key;
      return {};
    }
    if (key == "dtype") return Field(State::kDType, dtype_.has_value());
    if (key == "shape") return Field(State::kShapeField, has_shape_);
    if (key == "data_offsets") {
      return Field(State::kOffsetsField, offsets_.has_value());
    }
    return Corrupt(
        fmt::format("unknown key {} in tensor {}", Quote(key), Quote(Name())));
  }

  Status String(std::string_view value) override {
    if (state_ == State::kMetadata) return AddMetadata(value);
    if (state_ != State::kDType) return Unexpected("string");
    dtype_ = DTypeFromName(value);
    if (!dtype_) {
      return MakeError(ErrorCode::kUnsupported,
                       "tensor {} has dtype {}, which this version does not "
                       "know",
                       Quote(Name()), Quote(value));
    }
    return Enter(State::kTensor);
  }

  Status Integer(int64_t value) override {
    if (value < 0) return Unexpected("negative number");
    const auto number = static_cast<uint64_t>(value);
    if (state_ == State::kShape) {
      auto& shape = header_.tensors.back().shape;
      if (shape.size() >= kMaxRank) {
        return Corrupt(fmt::format("tensor {} has more than {} dimensions",
                                   Quote(Name()), kMaxRank));
      }
      shape.push_back(number);
      return {};
    }
    if (state_ != State::kOffsets) return Unexpected("number");
    if (offsets_->count < 2) offsets_->values[offsets_->count] = number;
    ++offsets_->count;
    return {};
  }

  Status Other(std::string_view found) override {
    return Unexpected(Quote(found));
  }

  SafetensorsHeader& header() { return header_; }

 private:
  enum class State {
    kStart,
    kTop,
    kMetadata,
    kTensor,  // between the fields of a tensor
    kDType,   // a field's key was read, its value comes next
    kShapeField,
    kOffsetsField,
    kShape,  // inside the array
    kOffsets,
    kEnd,
  };
  struct Offsets {
    uint64_t values[2] = {0, 0};
    uint64_t count = 0;  // may exceed 2 in a bad file
  };

  const std::string& Name() const { return header_.tensors.back().name; }

  static Status Corrupt(std::string problem) {
    return std::unexpected<Error>(
        Error{ErrorCode::kCorrupt, std::move(problem)});
  }

  Status Unexpected(std::string_view what) const {
    if (state_ == State::kTop || state_ == State::kMetadata) {
      return Corrupt(fmt::format(
          "unexpected {} for {}{}", what, Quote(name_),
          state_ == State::kMetadata ? " of \"__metadata__\"" : ""));
    }
    return Corrupt(
        fmt::format("unexpected {} in tensor {}", what, Quote(Name())));
  }

  Status Enter(State state) {
    state_ = state;
    return {};
  }

  Status OpenArray() {
    if (state_ == State::kShapeField) {
      has_shape_ = true;
      return Enter(State::kShape);
    }
    if (state_ == State::kOffsetsField) {
      offsets_ = Offsets{};
      return Enter(State::kOffsets);
    }
    return Unexpected("array");
  }

  Status Field(State state, bool seen) {
    if (seen) {
      return Corrupt(fmt::format("duplicate key in tensor {}", Quote(Name())));
    }
    return Enter(state);
  }

  Status AddMetadata(std::string_view value) {
    metadata_bytes_ += name_.size() + value.size() + kMetadataEntryBytes;
    if (metadata_bytes_ > kMaxMetadataBytes) {
      return Corrupt(fmt::format("\"__metadata__\" takes more than {} bytes",
                                 kMaxMetadataBytes));
    }
    header_.metadata.emplace_back(std::move(name_), value);
    return {};
  }

  // Checks what one tensor says about itself.
  Status FinishTensor() {
    TensorInfo& tensor = header_.tensors.back();
    if (!dtype_ || !has_shape_ || !offsets_) {
      return Corrupt(fmt::format("tensor {} lacks its {}", Quote(Name()),
                                 !dtype_       ? "dtype"
                                 : !has_shape_ ? "shape"
                                               : "data_offsets"));
    }
    const auto [begin, end] = offsets_->values;
    if (offsets_->count != 2 || begin > end) {
      return Corrupt(fmt::format(
          "data_offsets of tensor {} are not a begin and an end after it",
          Quote(Name())));
    }
    const auto size = TensorSizeBytes(*dtype_, tensor.shape);
    if (!size) {
      return Corrupt(fmt::format(
          "shape of tensor {} is too large or not whole bytes", Quote(Name())));
    }
    if (*size != end - begin) {
      return Corrupt(
          fmt::format("tensor {} takes {} bytes by shape and dtype, {} by "
                      "data_offsets",
                      Quote(Name()), *size, end - begin));
    }
    tensor.dtype = *dtype_;
    tensor.offset_bytes = begin;
    tensor.size_bytes = *size;
    return {};
  }

  State state_ = State::kStart;
  SafetensorsHeader header_;
  std::string name_;  // the last key outside tensors
  bool has_metadata_ = false;
  uint64_t metadata_bytes_ = 0;
  // Of the tensor being read:
  std::optional<DType> dtype_;
  bool has_shape_ = false;
  std::optional<Offsets> offsets_;
};

Result<uint64_t> ParseLength(std::span<const std::byte> prefix,
                             uint64_t file_size_bytes,
                             const std::string& source) {
  if (file_size_bytes < kLengthFieldBytes ||
      prefix.size() < kLengthFieldBytes) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: {} bytes, a safetensors file has more than 8 "
                     "(incomplete download?)",
                     source, file_size_bytes);
  }
  const auto length = base::LoadUnaligned<uint64_t>(prefix.data());
  const uint64_t allowed =
      std::min(kMaxSafetensorsHeaderBytes, file_size_bytes - kLengthFieldBytes);
  if (length == 0 || length > allowed) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: header of {} bytes, allowed are 1 to {} (incomplete "
                     "download, or not a safetensors file?)",
                     source, length, allowed);
  }
  return length;
}

// The tensors by offset must fill the data exactly.
Status CheckLayout(const std::vector<TensorInfo>& tensors, uint64_t data_bytes,
                   const std::string& source) {
  std::vector<uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](uint32_t i) {
    return std::pair(tensors[i].offset_bytes, tensors[i].size_bytes);
  });
  uint64_t end = 0;
  for (const uint32_t i : order) {
    const TensorInfo& tensor = tensors[i];
    if (tensor.offset_bytes != end) {
      return MakeError(ErrorCode::kCorrupt,
                       "{}: {} before tensor {}: it begins at byte {} of the "
                       "data, the one before ends at {}",
                       source, tensor.offset_bytes < end ? "overlap" : "hole",
                       Quote(tensor.name), tensor.offset_bytes, end);
    }
    end += tensor.size_bytes;  // no overflow: it is this tensor's data_offsets
  }
  if (end != data_bytes) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: the tensors end at byte {} of the data, the file at "
                     "{} (incomplete download?)",
                     source, end, data_bytes);
  }
  return {};
}

template <typename Records, typename Projection>
Status CheckUnique(const Records& sorted, Projection name,
                   const std::string& source) {
  const auto twice = std::ranges::adjacent_find(sorted, {}, name);
  if (twice == sorted.end()) return {};
  return MakeError(ErrorCode::kCorrupt, "{}: duplicate key {}", source,
                   Quote(std::invoke(name, *twice)));
}

}  // namespace

Result<SafetensorsHeader> ParseSafetensorsHeader(
    std::span<const std::byte> prefix, uint64_t file_size_bytes,
    const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const uint64_t length,
                         ParseLength(prefix, file_size_bytes, source));
  const uint64_t data_begin = kLengthFieldBytes + length;
  if (prefix.size() < data_begin) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: {} bytes given, its header ends at {}", source,
                     prefix.size(), data_begin);
  }
  const std::string_view text(
      reinterpret_cast<const char*>(prefix.data()) + kLengthFieldBytes, length);
  if (text.front() != '{') {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: header begins with {}, allowed is \"{{\" (not a "
                     "safetensors file?)",
                     source, Quote(text.substr(0, 1)));
  }
  HeaderReader reader;
  const base::JsonRoute route = {.path = {}, .sink = &reader};
  REVLM_TRY(base::ParseJsonWithSinks(text, source, {.max_depth = kMaxDepth},
                                     {&route, 1}));
  SafetensorsHeader header = std::move(reader.header());
  header.data_begin = data_begin;
  REVLM_TRY(CheckLayout(header.tensors, file_size_bytes - data_begin, source));
  std::ranges::sort(header.tensors, {}, &TensorInfo::name);
  REVLM_TRY(CheckUnique(header.tensors, &TensorInfo::name, source));
  std::ranges::sort(header.metadata);
  REVLM_TRY(CheckUnique(header.metadata,
                        &SafetensorsMetadata::value_type::first, source));
  for (TensorInfo& tensor : header.tensors) tensor.offset_bytes += data_begin;
  return header;
}

Result<SafetensorsHeader> ReadSafetensorsHeader(const base::File& file) {
  std::vector<std::byte> prefix(kLengthFieldBytes);
  REVLM_TRY(file.ReadAt(0, prefix));
  REVLM_ASSIGN_OR_RETURN(const uint64_t length,
                         ParseLength(prefix, file.size_bytes(), file.path()));
  prefix.resize(kLengthFieldBytes + length);
  REVLM_TRY(file.ReadAt(0, prefix));
  file.DropFromPageCache(0, prefix.size());
  return ParseSafetensorsHeader(prefix, file.size_bytes(), file.path());
}

}  // namespace revlm::formats
