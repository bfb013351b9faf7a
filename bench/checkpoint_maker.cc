#include "checkpoint_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/random.h"
#include "support/files.h"

namespace revlm::bench {
namespace {

using formats::TensorSpec;

constexpr uint64_t kMaxFileBytes = uint64_t{4} << 30;
constexpr size_t kPieceElements = 4 << 20;

uint16_t ToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return static_cast<uint16_t>(bits >> 16);
}

uint64_t CountOf(const TensorSpec& tensor) {
  uint64_t count = 1;
  for (const uint64_t dim : tensor.shape) count *= dim;
  return count;
}

// FNV-1a, so that a tensor's values depend on its name alone everywhere.
uint64_t SeedOf(std::string_view name) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return hash;
}

constexpr float kSpread = 0.02f * 1.7320508f;  // of a uniform distribution

// Adds `size` times elements first .. first + out.size() - 1 of a seed's
// weights: four from each random number.
void AddElements(uint64_t seed, float size, uint64_t first,
                 std::span<float> out) {
  for (size_t i = 0; i < out.size(); i += 4) {
    uint64_t bits = base::RandomBits(seed, (first + i) / 4);
    for (size_t j = i; j < std::min(i + 4, out.size()); ++j, bits >>= 16) {
      const float unit = static_cast<float>(bits & 0xffff) / 32768.0f - 1.0f;
      out[j] += size * kSpread * unit;
    }
  }
}

void FillElements(const TensorSpec& tensor, const Weights& weights,
                  uint64_t first, std::span<float> values,
                  std::span<uint16_t> out) {
  const uint64_t seed = SeedOf(tensor.name);
  std::ranges::fill(values, 0.0f);
  if (tensor.shape.size() == 1) {
    const bool is_bias = std::string_view(tensor.name).ends_with(".bias");
    std::ranges::fill(values, is_bias ? 0.0f : 1.0f);
  } else if (weights.noise) {
    AddElements(seed, 1, first, values);
    AddElements(seed + weights.seed, *weights.noise, first, values);
  } else {
    AddElements(seed + weights.seed, 1, first, values);
  }
  std::ranges::transform(values, out.begin(), ToBf16);
}

Status WriteTensors(const std::string& path,
                    const std::vector<TensorSpec>& tensors,
                    const Weights& weights) {
  REVLM_ASSIGN_OR_RETURN(formats::SafetensorsWriter writer,
                         formats::SafetensorsWriter::Create(path, tensors));
  std::vector<float> values(kPieceElements);
  std::vector<uint16_t> piece(kPieceElements);
  for (const TensorSpec& tensor : tensors) {
    const uint64_t count = CountOf(tensor);
    for (uint64_t done = 0; done < count; done += kPieceElements) {
      const std::span<uint16_t> part(
          piece.data(), std::min<uint64_t>(kPieceElements, count - done));
      FillElements(tensor, weights, done, std::span(values).first(part.size()),
                   part);
      REVLM_TRY(writer.Append(std::as_bytes(part)));
    }
  }
  return writer.Finish();
}

// One file, or several and their index, as Hugging Face names them.
Status WriteWeights(const Shape& shape, const std::string& directory,
                    const Weights& weights) {
  std::vector<std::vector<TensorSpec>> files(1);
  uint64_t file_bytes = 0;
  uint64_t total_bytes = 0;
  for (const TensorSpec& tensor : TensorsOf(shape)) {
    const uint64_t bytes = 2 * CountOf(tensor);
    if (file_bytes + bytes > kMaxFileBytes) {
      files.emplace_back();
      file_bytes = 0;
    }
    file_bytes += bytes;
    total_bytes += bytes;
    files.back().push_back(tensor);
  }
  if (files.size() == 1) {
    return WriteTensors(directory + "/model.safetensors", files.front(),
                        weights);
  }
  std::string map;
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string name =
        fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, files.size());
    REVLM_TRY(WriteTensors(directory + "/" + name, files[i], weights));
    for (const TensorSpec& tensor : files[i]) {
      map += fmt::format("{}\"{}\": \"{}\"", map.empty() ? "" : ",\n",
                         tensor.name, name);
    }
  }
  return base::WriteFileAtomically(
      directory + "/model.safetensors.index.json",
      fmt::format("{{\"metadata\": {{\"total_size\": {}}},\n\"weight_map\": "
                  "{{{}}}}}\n",
                  total_bytes, map));
}

}  // namespace

Status MakeCheckpoint(const Shape& shape, const std::string& directory,
                      const Weights& weights) {
  const std::string config = ConfigText(shape);
  auto existing =
      base::OpenFile(directory + "/config.json", base::Caching::kPageCache);
  if (existing &&
      base::ReadWholeFile(*existing, 1 << 20).value_or("") == config) {
    return {};
  }
  std::filesystem::create_directories(directory);
  REVLM_TRY(WriteWeights(shape, directory, weights));
  REVLM_ASSIGN_OR_RETURN(
      const std::string tokenizer,
      testing::ReadZstd(fmt::format("{}/tokenizers/{}.tokenizer.json.zst",
                                    REVLM_TEST_DATA, shape.tokenizer)));
  REVLM_TRY(
      base::WriteFileAtomically(directory + "/tokenizer.json", tokenizer));
  return base::WriteFileAtomically(directory + "/config.json", config);
}

}  // namespace revlm::bench
