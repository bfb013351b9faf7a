// A file accepted is one whose tensors lie in its data, one after the other by
// offset, and whose declaration, written again, is read as the same; a file
// refused is refused as corrupt or of an unknown dtype.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "formats/safetensors_writer.h"

namespace revlm::formats {
namespace {

void CheckAccepted(const SafetensorsHeader& header, uint64_t file_bytes) {
  REVLM_CHECK(std::ranges::is_sorted(header.tensors, {}, &TensorInfo::name));
  std::vector<TensorInfo> tensors = header.tensors;
  std::ranges::sort(tensors, {}, [](const TensorInfo& tensor) {
    return std::pair(tensor.offset_bytes, tensor.size_bytes);
  });
  uint64_t end = header.data_begin;
  std::vector<TensorSpec> specs;
  for (const TensorInfo& tensor : tensors) {
    REVLM_CHECK(tensor.offset_bytes == end);
    REVLM_CHECK(TensorSizeBytes(tensor.dtype, tensor.shape) ==
                tensor.size_bytes);
    end += tensor.size_bytes;
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
  }
  REVLM_CHECK(end == file_bytes);

  const auto bytes = SerializeSafetensorsHeader(specs, header.metadata);
  REVLM_CHECK(bytes.has_value());
  const auto again = ParseSafetensorsHeader(
      base::AsBytes(*bytes), bytes->size() + end - header.data_begin, "again");
  REVLM_CHECK(again.has_value());
  REVLM_CHECK(again->metadata == header.metadata);
  REVLM_CHECK(again->tensors.size() == header.tensors.size());
  for (size_t i = 0; i < header.tensors.size(); ++i) {
    TensorInfo moved = again->tensors[i];
    moved.offset_bytes += header.data_begin - again->data_begin;
    REVLM_CHECK(moved == header.tensors[i]);
  }
}

}  // namespace
}  // namespace revlm::formats

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto header = revlm::formats::ParseSafetensorsHeader(
      std::as_bytes(std::span(data, size)), size, "input");
  if (header) {
    revlm::formats::CheckAccepted(*header, size);
  } else {
    REVLM_CHECK(header.error().code == revlm::ErrorCode::kCorrupt ||
                header.error().code == revlm::ErrorCode::kUnsupported);
  }
  return 0;
}
