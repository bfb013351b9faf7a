#include "verify/rounded_model.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <vector>

#include "base/file.h"
#include "engine/kernels.h"
#include "formats/safetensors_writer.h"
#include "memory/arena.h"

namespace revlm::verify {
namespace {

using engine::LinearTensors;
using engine::ModelSpec;
using engine::WeightLayout;
using formats::Checkpoint;
using formats::DType;
using formats::TensorInfo;

constexpr uint64_t kPieceBytes = uint64_t{4} << 20;
constexpr char kWeightsName[] = "model.safetensors";
constexpr const char* kCopiedNames[] = {"config.json",
                                        "generation_config.json"};

// The matrices that are rounded, by tensor.
std::map<int32_t, LinearTensors> RoundedTensors(const ModelSpec& spec) {
  std::map<int32_t, LinearTensors> tensors;
  const auto add = [&](const LinearTensors& linear) {
    tensors[linear.weight] = linear;
  };
  for (const engine::LayerTensors& layer : spec.layers) {
    for (const LinearTensors& linear : layer.qkv) add(linear);
    add(layer.attention_output);
    for (const LinearTensors& linear : layer.mlp_inputs) add(linear);
    add(layer.down);
  }
  return tensors;
}

uint64_t ElementBytes(const TensorInfo& tensor) {
  return formats::DTypeBits(tensor.dtype) / 8;
}

// How a matrix is taken in pieces of whole groups.
struct Pieces {
  int64_t num_rows = 0;  // of the tensor as it is stored
  int64_t num_columns = 0;
  int64_t rows = 0;  // of a piece, but for the last
};

Pieces PiecesOf(const LinearTensors& linear, WeightLayout layout,
                const Rounding& rounding) {
  const bool out_in = layout == WeightLayout::kOutIn;
  Pieces pieces = {
      .num_rows = out_in ? linear.out_features : linear.in_features,
      .num_columns = out_in ? linear.in_features : linear.out_features};
  int64_t unit = 1;
  if (!out_in) {
    unit = rounding.group_size == 0 ? pieces.num_rows : rounding.group_size;
  }
  const int64_t unit_bytes =
      unit * pieces.num_columns * static_cast<int64_t>(sizeof(float));
  const int64_t num_units = std::max<int64_t>(
      1, static_cast<int64_t>(kPieceBytes) / std::max<int64_t>(unit_bytes, 1));
  pieces.rows = std::min(unit * num_units, pieces.num_rows);
  return pieces;
}

// Rounds `num_rows` stored rows in place.
void RoundRows(const Rounding& rounding, WeightLayout layout, int64_t num_rows,
               int64_t num_columns, float* values) {
  const bool out_in = layout == WeightLayout::kOutIn;
  const int64_t num_inputs = out_in ? num_columns : num_rows;
  const int64_t num_outputs = out_in ? num_rows : num_columns;
  const int64_t stride = out_in ? 1 : num_columns;
  const int64_t group =
      rounding.group_size == 0 ? num_inputs : rounding.group_size;
  for (int64_t output = 0; output < num_outputs; ++output) {
    float* first = values + (out_in ? output * num_columns : output);
    for (int64_t input = 0; input < num_inputs; input += group) {
      RoundGroup(rounding, std::min(group, num_inputs - input), stride,
                 first + input * stride);
    }
  }
}

// Writes the tensors of one copy.
class CopyWriter {
 public:
  CopyWriter(const Checkpoint& model, const ModelSpec& spec,
             const Rounding& rounding, const memory::Arena& arena,
             const std::stop_token& stop, formats::SafetensorsWriter& writer)
      : model_(model),
        layout_(spec.family->layout),
        rounding_(rounding),
        raw_(arena.region(0)),
        values_(reinterpret_cast<float*>(arena.region(1).data())),
        stop_(stop),
        writer_(writer) {}

  Status Copy(const TensorInfo& tensor) {
    for (uint64_t done = 0; done < tensor.size_bytes; done += kPieceBytes) {
      const uint64_t size = std::min(kPieceBytes, tensor.size_bytes - done);
      REVLM_ASSIGN_OR_RETURN(const std::byte* bytes, Read(tensor, done, size));
      REVLM_TRY(writer_.Append({bytes, size}));
    }
    return {};
  }

  Status Round(const TensorInfo& tensor, const LinearTensors& linear) {
    const Pieces pieces = PiecesOf(linear, layout_, rounding_);
    const uint64_t row_bytes =
        static_cast<uint64_t>(pieces.num_columns) * ElementBytes(tensor);
    for (int64_t row = 0; row < pieces.num_rows; row += pieces.rows) {
      const int64_t num_rows = std::min(pieces.rows, pieces.num_rows - row);
      const int64_t num_values = num_rows * pieces.num_columns;
      REVLM_ASSIGN_OR_RETURN(
          const std::byte* bytes,
          Read(tensor, static_cast<uint64_t>(row) * row_bytes,
               static_cast<uint64_t>(num_rows) * row_bytes));
      engine::BestKernels().widen(engine::WeightType(tensor), bytes, num_values,
                                  values_);
      RoundRows(rounding_, layout_, num_rows, pieces.num_columns, values_);
      REVLM_TRY(writer_.Append(
          std::as_bytes(std::span(values_, static_cast<size_t>(num_values)))));
    }
    return {};
  }

 private:
  Result<const std::byte*> Read(const TensorInfo& tensor, uint64_t offset,
                                uint64_t size_bytes) {
    if (stop_.stop_requested()) {
      return base::MakeError(ErrorCode::kCancelled,
                             "rounding {}: stopped on request", model_.path());
    }
    return model_.file(tensor.file_idx)
        .ReadUnaligned(tensor.offset_bytes + offset, size_bytes, raw_);
  }

  const Checkpoint& model_;
  const WeightLayout layout_;
  const Rounding& rounding_;
  const std::span<std::byte> raw_;
  float* const values_;
  const std::stop_token& stop_;
  formats::SafetensorsWriter& writer_;
};

// What raw bytes and values of a piece take, at most.
std::array<memory::Region, 2> RegionsFor(const Checkpoint& model,
                                         const ModelSpec& spec,
                                         const Rounding& rounding) {
  uint64_t raw_bytes = kPieceBytes;  // of what is copied
  uint64_t value_bytes = 0;
  for (const auto& [tensor_idx, linear] : RoundedTensors(spec)) {
    const Pieces pieces = PiecesOf(linear, spec.family->layout, rounding);
    const auto num_values =
        static_cast<uint64_t>(pieces.rows * pieces.num_columns);
    raw_bytes = std::max(raw_bytes,
                         num_values * ElementBytes(model.tensor(tensor_idx)));
    value_bytes = std::max(value_bytes, num_values * sizeof(float));
  }
  return {{{memory::Use::kScratch, base::UnalignedReadBytes(raw_bytes)},
           {memory::Use::kScratch, value_bytes}}};
}

// The tensors of a copy.
std::vector<formats::TensorSpec> SpecsOf(
    const Checkpoint& model, const std::map<int32_t, LinearTensors>& rounded) {
  std::vector<formats::TensorSpec> specs;
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const TensorInfo& tensor = model.tensors()[i];
    const bool is_rounded = rounded.contains(static_cast<int32_t>(i));
    specs.push_back(
        {tensor.name, is_rounded ? DType::kF32 : tensor.dtype, tensor.shape});
  }
  return specs;
}

Status WriteWeights(const Checkpoint& model, const Rounding& rounding,
                    const std::string& path, memory::Budget& budget,
                    const std::stop_token& stop) {
  REVLM_ASSIGN_OR_RETURN(const ModelSpec spec, engine::DescribeModel(model));
  const std::map<int32_t, LinearTensors> rounded = RoundedTensors(spec);
  REVLM_ASSIGN_OR_RETURN(
      formats::SafetensorsWriter writer,
      formats::SafetensorsWriter::Create(path, SpecsOf(model, rounded)));
  REVLM_ASSIGN_OR_RETURN(
      const memory::Arena arena,
      memory::Arena::Map(budget, RegionsFor(model, spec, rounding)));
  CopyWriter copy(model, spec, rounding, arena, stop, writer);
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const auto found = rounded.find(static_cast<int32_t>(i));
    REVLM_TRY(found == rounded.end()
                  ? copy.Copy(model.tensors()[i])
                  : copy.Round(model.tensors()[i], found->second));
  }
  return writer.Finish();
}

Status CopySmallFile(const std::string& from, const std::string& to) {
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(from, base::Caching::kPageCache));
  REVLM_ASSIGN_OR_RETURN(const std::string text,
                         base::ReadWholeFile(file, formats::kMaxConfigBytes));
  return base::WriteFileAtomically(to, text);
}

}  // namespace

Result<RoundedModel> RoundedModel::Make(const Checkpoint& model,
                                        const Rounding& rounding,
                                        const std::string& parent,
                                        memory::Budget& budget,
                                        const std::stop_token& stop) {
  RoundedModel rounded(parent + "/" + std::string(rounding.name));
  REVLM_TRY(rounded.CopySmallFiles(model));
  REVLM_TRY(WriteWeights(
      model, rounding, rounded.directory_ + "/" + kWeightsName, budget, stop));
  REVLM_ASSIGN_OR_RETURN(rounded.checkpoint_,
                         Checkpoint::Open(rounded.directory_));
  return rounded;
}

Result<RoundedModel> RoundedModel::MakeOutline(const Checkpoint& model,
                                               const std::string& parent) {
  RoundedModel outline(parent + "/outline");
  REVLM_TRY(outline.CopySmallFiles(model));
  REVLM_ASSIGN_OR_RETURN(const ModelSpec spec, engine::DescribeModel(model));
  const std::vector<formats::TensorSpec> specs =
      SpecsOf(model, RoundedTensors(spec));
  REVLM_ASSIGN_OR_RETURN(const std::string header,
                         formats::SerializeSafetensorsHeader(specs, {}));
  uint64_t size_bytes = header.size();
  for (const formats::TensorSpec& tensor : specs) {
    size_bytes += *formats::TensorSizeBytes(tensor.dtype, tensor.shape);
  }
  const std::string path = outline.directory_ + "/" + kWeightsName;
  REVLM_TRY(base::WriteFileAtomically(path, header));
  std::error_code failed;
  std::filesystem::resize_file(path, size_bytes, failed);
  if (failed) {
    return base::MakeError(ErrorCode::kUnavailable,
                           "giving {} its size of {} bytes: {}; name another "
                           "folder",
                           path, size_bytes, failed.message());
  }
  REVLM_ASSIGN_OR_RETURN(outline.checkpoint_,
                         Checkpoint::Open(outline.directory_));
  return outline;
}

Status RoundedModel::CopySmallFiles(const Checkpoint& model) {
  std::error_code failed;
  std::filesystem::create_directories(directory_, failed);
  if (failed) {
    return base::MakeError(ErrorCode::kUnavailable,
                           "making the folder {}: {}; name another one",
                           directory_, failed.message());
  }
  for (const std::string name : kCopiedNames) {
    const bool is_there = std::ranges::any_of(
        model.small_files(),
        [&](const formats::SmallFile& file) { return file.name == name; });
    if (!is_there) continue;
    REVLM_TRY(
        CopySmallFile(model.path() + "/" + name, directory_ + "/" + name));
  }
  return {};
}

uint64_t RoundedModel::MakeBytes(const Checkpoint& model, const ModelSpec& spec,
                                 const Rounding& rounding) {
  return memory::Arena::MappedBytes(RegionsFor(model, spec, rounding));
}

RoundedModel::~RoundedModel() {
  if (directory_.empty()) return;
  checkpoint_.reset();
  // What it wrote, and the folder if nothing else is in it.
  std::error_code ignored;
  for (const std::string name : kCopiedNames) {
    std::filesystem::remove(directory_ + "/" + name, ignored);
  }
  std::filesystem::remove(directory_ + "/" + kWeightsName, ignored);
  std::filesystem::remove(directory_, ignored);
}

}  // namespace revlm::verify
