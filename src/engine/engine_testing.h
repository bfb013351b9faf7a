// What the engine's tests share: temporary folders, random bytes, and small
// checkpoints with something changed.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "formats/checkpoint.h"
#include "formats/safetensors_writer.h"
#include "support/files.h"
#include "support/models.h"

namespace revlm::engine {

// Removed with everything in it at the end.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = ::testing::TempDir() + "revlm-engine-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string RandomBytes(size_t size, uint64_t seed) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(base::RandomBits(seed, i / 8) >> (i % 8 * 8));
  }
  return bytes;
}

struct TensorEntry {
  formats::TensorSpec spec;
  std::string bytes;
};

// A checkpoint to be written, with what a test changes of it.
struct ModelFiles {
  base::Json config;
  std::vector<TensorEntry> tensors;

  TensorEntry& Tensor(const std::string& name) {
    for (TensorEntry& tensor : tensors) {
      if (tensor.spec.name == name) return tensor;
    }
    ADD_FAILURE() << name << " is not there";
    return tensors.front();
  }
  void Drop(const std::string& name) {
    EXPECT_EQ(
        std::erase_if(tensors,
                      [&](auto& tensor) { return tensor.spec.name == name; }),
        1u);
  }
};

// The architecture `name` of tests/data/golden/arch.
inline ModelFiles LoadModelFiles(const std::string& name) {
  ModelFiles files;
  const std::string directory =
      testing::UnpackModel(std::string(REVLM_TEST_DATA) + "/golden/arch/" +
                           name)
          .value();
  files.config =
      base::Json::parse(testing::ReadFile(directory + "/config.json").value());
  const std::string path = directory + "/model.safetensors";
  const std::string bytes = testing::ReadFile(path).value();
  const auto header =
      formats::ParseSafetensorsHeader(base::AsBytes(bytes), bytes.size(), path)
          .value();
  for (const formats::TensorInfo& info : header.tensors) {
    files.tensors.push_back({{info.name, info.dtype, info.shape},
                             bytes.substr(info.offset_bytes, info.size_bytes)});
  }
  return files;
}

// Writes `files` to `directory`. With `shift_bytes`, every tensor begins that
// many bytes further on in the file.
inline void WriteModelFiles(const ModelFiles& files,
                            const std::string& directory,
                            size_t shift_bytes = 0) {
  std::filesystem::create_directories(directory);
  std::vector<formats::TensorSpec> specs;
  for (const TensorEntry& tensor : files.tensors) specs.push_back(tensor.spec);
  std::string file = formats::SerializeSafetensorsHeader(specs, {}).value();
  const uint64_t length =
      base::LoadUnaligned<uint64_t>(file.data()) + shift_bytes;
  std::memcpy(file.data(), &length, sizeof(length));
  file.append(shift_bytes, ' ');
  for (const TensorEntry& tensor : files.tensors) file += tensor.bytes;
  // Not through base/file.h, which waits for the disk.
  std::ofstream(directory + "/model.safetensors", std::ios::binary) << file;
  std::ofstream(directory + "/config.json") << files.config.dump();
}

}  // namespace revlm::engine
