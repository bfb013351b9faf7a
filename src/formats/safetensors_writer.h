// Writes a safetensors file: declare the tensors, then append their bytes.
//
//   auto writer = SafetensorsWriter::Create(
//       "out.safetensors", {{"hidden.0", DType::kF32, {4, 128}}});
//   writer->Append(first_rows);
//   writer->Append(other_rows);
//   writer->Finish();
//
// The file appears under its name, complete and synced, when Finish succeeds;
// otherwise nothing is left behind.
//
// Threads: thread-compatible. Memory: the header; appended bytes go straight to
// the file. Errors: kInvalidArgument (a declaration the reader would refuse, or
// more or fewer bytes than declared), kUnavailable (I/O).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "formats/safetensors.h"

namespace revlm::formats {

struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<uint64_t> shape;
};

// Length field and header of a file whose data are `tensors` in this order,
// padded with spaces to a multiple of 8 bytes.
Result<std::string> SerializeSafetensorsHeader(
    const std::vector<TensorSpec>& tensors,
    const SafetensorsMetadata& metadata);

class SafetensorsWriter {
 public:
  static Result<SafetensorsWriter> Create(
      const std::string& path, const std::vector<TensorSpec>& tensors,
      const SafetensorsMetadata& metadata = {});

  // The next bytes of the data; a piece may end anywhere.
  Status Append(std::span<const std::byte> bytes);

  // REQUIRES: called once, after all bytes were appended.
  Status Finish();

 private:
  SafetensorsWriter(base::AtomicFile file, std::string path,
                    uint64_t missing_bytes)
      : file_(std::move(file)),
        path_(std::move(path)),
        missing_bytes_(missing_bytes) {}

  base::AtomicFile file_;
  std::string path_;
  uint64_t missing_bytes_;  // declared, not yet appended
};

}  // namespace revlm::formats
