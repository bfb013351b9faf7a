#include "support/models.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "formats/safetensors.h"
#include "formats/safetensors_writer.h"
#include "support/files.h"

namespace revlm::testing {
namespace {

namespace fs = std::filesystem;

std::string DataPath(const std::string& name) {
  return std::string(REVLM_TEST_DATA) + "/" + name;
}

// This process's folder for unpacked models, removed at its end.
class UnpackFolder {
 public:
  UnpackFolder()
      : path_(fs::temp_directory_path() /
              ("revlm-test-" + std::to_string(getpid()))) {}
  ~UnpackFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  const fs::path path_;
};

std::string UnpackedPath(const std::string& packed_directory,
                         const std::string& suffix) {
  static const UnpackFolder folder;
  const std::string name = fs::path(packed_directory).filename().string();
  return (folder.path() / (name + suffix)).string();
}

bool EndsIn(const std::string& text, const std::string& end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

Result<std::string> ReadMaybePacked(const std::string& path) {
  return EndsIn(path, ".zst") ? ReadZstd(path) : ReadFile(path);
}

// IEEE 754 binary16 from the value of a bf16, rounded to nearest even.
uint16_t Bf16ToF16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  const _Float16 half = static_cast<_Float16>(value);
  uint16_t out;
  std::memcpy(&out, &half, sizeof(out));
  return out;
}

Status ConvertToF16(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const std::string file, ReadFile(path));
  REVLM_ASSIGN_OR_RETURN(
      const formats::SafetensorsHeader header,
      formats::ParseSafetensorsHeader(base::AsBytes(file), file.size(), path));
  std::vector<formats::TensorInfo> tensors = header.tensors;
  for (formats::TensorInfo& tensor : tensors) {
    tensor.dtype = formats::DType::kF16;
  }
  std::vector<formats::TensorSpec> to_write;
  for (const formats::TensorInfo& tensor : tensors) {
    to_write.push_back({tensor.name, tensor.dtype, tensor.shape});
  }
  REVLM_ASSIGN_OR_RETURN(auto writer,
                         formats::SafetensorsWriter::Create(path, to_write));
  for (const formats::TensorInfo& tensor : tensors) {
    std::vector<uint16_t> halves(tensor.size_bytes / 2);
    std::memcpy(halves.data(), file.data() + tensor.offset_bytes,
                tensor.size_bytes);
    for (uint16_t& half : halves) half = Bf16ToF16(half);
    REVLM_TRY(writer.Append(std::as_bytes(std::span<uint16_t>(halves))));
  }
  return writer.Finish();
}

Result<std::string> Unpack(const std::string& packed_directory,
                           const std::string& suffix) {
  const std::string directory = UnpackedPath(packed_directory, suffix);
  fs::create_directories(directory);
  for (const fs::directory_entry& entry :
       fs::directory_iterator(packed_directory)) {
    std::string name = entry.path().filename().string();
    if (name.rfind("golden", 0) == 0 || name == "prompts.json") continue;
    REVLM_ASSIGN_OR_RETURN(const std::string content,
                           ReadMaybePacked(entry.path().string()));
    if (EndsIn(name, ".zst")) name.resize(name.size() - 4);
    REVLM_TRY(base::WriteFileAtomically(directory + "/" + name, content));
  }
  return directory;
}

}  // namespace

Result<std::string> UnpackModel(const std::string& packed_directory) {
  return Unpack(packed_directory, "");
}

Result<std::string> UnpackModelAsF16(const std::string& packed_directory) {
  REVLM_ASSIGN_OR_RETURN(const std::string directory,
                         Unpack(packed_directory, "-fp16"));
  REVLM_TRY(ConvertToF16(directory + "/model.safetensors"));
  return directory;
}

Result<Golden> ReadGolden(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const std::string file, ReadMaybePacked(path));
  REVLM_ASSIGN_OR_RETURN(
      const formats::SafetensorsHeader header,
      formats::ParseSafetensorsHeader(base::AsBytes(file), file.size(), path));
  Golden golden;
  for (const formats::TensorInfo& info : header.tensors) {
    GoldenTensor& tensor = golden[info.name];
    tensor.shape = info.shape;
    const char* data = file.data() + info.offset_bytes;
    if (info.dtype == formats::DType::kF32) {
      tensor.floats.resize(info.size_bytes / sizeof(float));
      std::memcpy(tensor.floats.data(), data, info.size_bytes);
      continue;
    }
    for (uint64_t i = 0; i < info.size_bytes; i += sizeof(int64_t)) {
      tensor.integers.push_back(
          static_cast<int32_t>(base::LoadUnaligned<int64_t>(data + i)));
    }
  }
  return golden;
}

std::vector<std::string> GoldenCaseNames() {
  std::vector<std::string> names;
  for (const char* group : {"arch", "models"}) {
    for (const fs::directory_entry& entry :
         fs::directory_iterator(DataPath(std::string("golden/") + group))) {
      names.push_back(std::string(group) + "/" +
                      entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<GoldenCase> LoadGoldenCase(const std::string& name) {
  GoldenCase result = {.name = name};
  const std::string packed = DataPath("golden/" + name);
  REVLM_ASSIGN_OR_RETURN(result.golden,
                         ReadGolden(packed + "/golden.safetensors.zst"));
  const std::string model = fs::path(name).filename().string();
  const std::string example = std::string(REVLM_EXAMPLES) + "/models/aster-s0";
  if (name.rfind("arch/", 0) == 0) {
    REVLM_ASSIGN_OR_RETURN(result.directory, UnpackModel(packed));
  } else if (model == "aster-s0") {
    result.directory = example;
  } else if (model == "aster-s0-fp16") {
    REVLM_ASSIGN_OR_RETURN(result.directory, UnpackModelAsF16(example));
  } else {
    REVLM_ASSIGN_OR_RETURN(result.directory,
                           UnpackModel(DataPath("zoo/" + model)));
  }
  while (result.golden.count(fmt::format("ids.{}", result.num_prompts)) > 0) {
    ++result.num_prompts;
  }
  return result;
}

double NormalizedError(const float* found, const float* expected,
                       size_t count) {
  double error = 0;
  double norm = 0;
  for (size_t i = 0; i < count; ++i) {
    const double difference =
        static_cast<double>(found[i]) - static_cast<double>(expected[i]);
    error += difference * difference;
    norm += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  return error / norm;
}

}  // namespace revlm::testing
