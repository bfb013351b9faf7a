#include "formats/safetensors_writer.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"
#include "base/quote.h"

namespace revlm::formats {
namespace {

using base::MakeError;

// The header as JSON text, and the bytes its tensors take.
struct HeaderText {
  std::string json;
  uint64_t data_bytes = 0;
};

Result<HeaderText> FormatHeader(const std::vector<TensorSpec>& tensors,
                                const SafetensorsMetadata& metadata) {
  HeaderText header;
  // Members are written in the order of the data, which a document would sort.
  const auto add_member = [&header](const std::string& key,
                                    const base::Json& value) {
    header.json += header.json.empty() ? "{" : ",";
    header.json += base::Json(key).dump() + ":" + value.dump();
  };
  if (!metadata.empty()) {
    base::Json values = base::Json::object();
    for (const auto& [key, value] : metadata) values[key] = value;
    add_member("__metadata__", values);
  }
  for (const TensorSpec& tensor : tensors) {
    const auto size = TensorSizeBytes(tensor.dtype, tensor.shape);
    const auto end =
        size ? base::CheckedAdd(header.data_bytes, *size) : std::nullopt;
    if (!end) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "tensor {}: too large, or not whole bytes",
                       base::Quote(tensor.name));
    }
    add_member(tensor.name, {{"dtype", DTypeName(tensor.dtype)},
                             {"shape", tensor.shape},
                             {"data_offsets", {header.data_bytes, *end}}});
    header.data_bytes = *end;
  }
  header.json += header.json.empty() ? "{}" : "}";
  header.json.resize(base::AlignUp(header.json.size(), 8), ' ');
  return header;
}

}  // namespace

Result<std::string> SerializeSafetensorsHeader(
    const std::vector<TensorSpec>& tensors,
    const SafetensorsMetadata& metadata) {
  HeaderText header;
  try {
    REVLM_ASSIGN_OR_RETURN(header, FormatHeader(tensors, metadata));
  } catch (const base::Json::exception& e) {  // text that is not UTF-8
    return MakeError(ErrorCode::kInvalidArgument, "{}", e.what());
  }
  const uint64_t length = header.json.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  bytes += header.json;
  // The reader's rules are the rules: repeated names, caps and bounds.
  const auto file_bytes = base::CheckedAdd(bytes.size(), header.data_bytes);
  if (!file_bytes) {
    return MakeError(ErrorCode::kInvalidArgument, "a file of over 2^64 bytes");
  }
  auto read_back =
      ParseSafetensorsHeader(base::AsBytes(bytes), *file_bytes, "header");
  if (!read_back) {
    return MakeError(ErrorCode::kInvalidArgument, "{}",
                     read_back.error().message);
  }
  return bytes;
}

Result<SafetensorsWriter> SafetensorsWriter::Create(
    const std::string& path, const std::vector<TensorSpec>& tensors,
    const SafetensorsMetadata& metadata) {
  auto header = SerializeSafetensorsHeader(tensors, metadata);
  if (!header) {
    return base::WithContext(std::move(header).error(), "writing " + path);
  }
  REVLM_ASSIGN_OR_RETURN(base::AtomicFile file, base::AtomicFile::Create(path));
  REVLM_TRY(file.Append(base::AsBytes(*header)));
  uint64_t data_bytes = 0;
  for (const TensorSpec& tensor : tensors) {
    data_bytes += *TensorSizeBytes(tensor.dtype, tensor.shape);
  }
  return SafetensorsWriter(std::move(file), path, data_bytes);
}

Status SafetensorsWriter::Append(std::span<const std::byte> bytes) {
  if (bytes.size() > missing_bytes_) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "writing {}: {} more bytes, the declared tensors have room "
        "for {}",
        path_, bytes.size(), missing_bytes_);
  }
  REVLM_TRY(file_.Append(bytes));
  missing_bytes_ -= bytes.size();
  return {};
}

Status SafetensorsWriter::Finish() {
  if (missing_bytes_ != 0) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "writing {}: {} bytes of the declared tensors are missing",
                     path_, missing_bytes_);
  }
  return file_.Commit();
}

}  // namespace revlm::formats
