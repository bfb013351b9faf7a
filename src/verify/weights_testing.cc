#include "verify/weights_testing.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>

#include "engine/kernels.h"
#include "engine/model.h"
#include "formats/safetensors_writer.h"

namespace revlm::verify {
namespace {

namespace fs = std::filesystem;

using formats::DType;

struct alignas(base::kMaxDirectAlignment) AlignedBlock {
  std::byte bytes[base::kMaxDirectAlignment];
};

std::vector<std::byte> Stored(const TestTensor& tensor) {
  const size_t count = tensor.values.size();
  std::vector<uint16_t> halves(count);
  switch (tensor.dtype) {
    case DType::kBf16:
      engine::BestKernels().narrow_to_bf16(
          tensor.values.data(), static_cast<int64_t>(count), halves.data());
      break;
    case DType::kF16:
      std::ranges::transform(tensor.values, halves.begin(), [](float value) {
        return std::bit_cast<uint16_t>(static_cast<_Float16>(value));
      });
      break;
    default: {
      const auto raw = std::as_bytes(std::span(tensor.values));
      return {raw.begin(), raw.end()};
    }
  }
  const auto raw = std::as_bytes(std::span(halves));
  return {raw.begin(), raw.end()};
}

}  // namespace

Result<TestModel> OpenTestModel(const std::string& directory) {
  TestModel model;
  REVLM_ASSIGN_OR_RETURN(formats::Checkpoint checkpoint,
                         formats::Checkpoint::Open(directory));
  REVLM_ASSIGN_OR_RETURN(const std::string text,
                         checkpoint.ReadTokenizerJson());
  REVLM_ASSIGN_OR_RETURN(
      tokenizer::Tokenizer tokens,
      tokenizer::Tokenizer::FromJson(text, formats::kTokenizerName));
  model.checkpoint =
      std::make_unique<formats::Checkpoint>(std::move(checkpoint));
  model.tokenizer = std::make_unique<tokenizer::Tokenizer>(std::move(tokens));
  model.name = fs::path(directory).filename().string();
  return model;
}

Result<std::vector<TestTensor>> ReadTensors(
    const formats::Checkpoint& checkpoint) {
  std::vector<TestTensor> tensors;
  for (const formats::TensorInfo& info : checkpoint.tensors()) {
    TestTensor tensor = {
        .name = info.name, .dtype = info.dtype, .shape = info.shape};
    std::vector<AlignedBlock> buffer(base::UnalignedReadBytes(info.size_bytes) /
                                     sizeof(AlignedBlock));
    REVLM_ASSIGN_OR_RETURN(
        const std::byte* bytes,
        checkpoint.file(info.file_idx)
            .ReadUnaligned(info.offset_bytes, info.size_bytes,
                           std::as_writable_bytes(std::span(buffer))));
    tensor.values.resize(info.size_bytes * 8 / formats::DTypeBits(info.dtype));
    engine::BestKernels().widen(engine::WeightType(info), bytes,
                                static_cast<int64_t>(tensor.values.size()),
                                tensor.values.data());
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Result<TestModel> MakeTestModel(
    const std::string& directory, const std::string& name,
    const std::vector<TestTensor>& tensors,
    const std::function<void(std::string&)>& edit_config) {
  const std::string target = fmt::format("{}/weights_test_{}/{}",
                                         ::testing::TempDir(), getpid(), name);
  fs::remove_all(target);
  fs::create_directories(target);
  fs::copy(directory + "/tokenizer.json", target);
  std::ostringstream config;
  config << std::ifstream(directory + "/config.json").rdbuf();
  std::string text = config.str();
  if (edit_config) edit_config(text);
  std::ofstream(target + "/config.json") << text;
  std::vector<formats::TensorSpec> specs;
  for (const TestTensor& tensor : tensors) {
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
  }
  REVLM_ASSIGN_OR_RETURN(
      formats::SafetensorsWriter writer,
      formats::SafetensorsWriter::Create(target + "/model.safetensors", specs));
  for (const TestTensor& tensor : tensors) {
    REVLM_TRY(writer.Append(Stored(tensor)));
  }
  REVLM_TRY(writer.Finish());
  return OpenTestModel(target);
}

}  // namespace revlm::verify
