#include "verify/model_weights_sketch.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "engine/kernels.h"
#include "memory/arena.h"

namespace revlm::verify {
namespace {

using engine::ModelSpec;
using fingerprint::HeadShape;
using fingerprint::RowProduct;
using fingerprint::TokenFrame;
using fingerprint::WeightSketch;
using formats::Checkpoint;
using formats::TensorInfo;

constexpr uint64_t kBlockBytes = uint64_t{1} << 20;

uint64_t ElementBytes(const TensorInfo& tensor) {
  return formats::DTypeBits(tensor.dtype) / 8;
}

// Reads rows of tensors, widened to f32.
class RowReader {
 public:
  static Result<RowReader> Create(const Checkpoint& checkpoint,
                                  memory::Budget& budget) {
    uint64_t longest = 0;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
      if (!tensor.shape.empty()) {
        longest = std::max(longest, tensor.shape.back());
      }
    }
    const uint64_t num_floats = std::max(longest, kBlockBytes / 4);
    const memory::Region regions[] = {
        {memory::Use::kScratch, base::UnalignedReadBytes(num_floats * 4)},
        {memory::Use::kScratch, num_floats * 4}};
    REVLM_ASSIGN_OR_RETURN(memory::Arena arena,
                           memory::Arena::Map(budget, regions));
    return RowReader(checkpoint, std::move(arena));
  }

  // How many rows of so many elements one call may ask for, at least 1.
  static uint64_t RowsAtOnce(uint64_t width) {
    return std::max<uint64_t>(1, kBlockBytes / (4 * width));
  }

  // Rows first .. first + count - 1 of a matrix of `width` columns, valid until
  // the next call.
  Result<std::span<const float>> Read(const TensorInfo& tensor, uint64_t width,
                                      uint64_t first, uint64_t count) {
    const uint64_t element = ElementBytes(tensor);
    REVLM_ASSIGN_OR_RETURN(
        const std::byte* stored,
        checkpoint_.file(tensor.file_idx)
            .ReadUnaligned(tensor.offset_bytes + first * width * element,
                           count * width * element, arena_.region(0)));
    float* const out = reinterpret_cast<float*>(arena_.region(1).data());
    engine::BestKernels().widen(engine::WeightType(tensor), stored,
                                static_cast<int64_t>(count * width), out);
    return std::span<const float>(out, count * width);
  }

 private:
  RowReader(const Checkpoint& checkpoint, memory::Arena arena)
      : checkpoint_(checkpoint), arena_(std::move(arena)) {}

  const Checkpoint& checkpoint_;
  memory::Arena arena_;
};

HeadShape ShapeOf(const ModelSpec& spec) {
  return {.head_dim = static_cast<uint32_t>(spec.head_dim),
          .rotary_dim = static_cast<uint32_t>(spec.rope.rotary_dim()),
          .queries_per_key =
              static_cast<uint32_t>(spec.num_heads / spec.num_kv_heads)};
}

class Sketcher {
 public:
  Sketcher(const Checkpoint& checkpoint, const ModelSpec& spec,
           const tokenizer::Tokenizer& tokenizer,
           std::span<const uint32_t> layers, RowReader reader,
           const std::stop_token& stop)
      : checkpoint_(checkpoint),
        spec_(spec),
        tokenizer_(tokenizer),
        layers_(layers),
        reader_(std::move(reader)),
        stop_(stop),
        width_(static_cast<uint64_t>(spec.hidden_size)),
        frame_(width_),
        sketch_(ShapeOf(spec), static_cast<uint32_t>(layers.size()),
                static_cast<uint32_t>(spec.num_kv_heads)) {}

  Result<WeightSketch> Run() {
    REVLM_TRY(ReadEmbeddings());
    for (uint32_t i = 0; i < sketch_.num_layers(); ++i) {
      REVLM_TRY(CheckStop());
      REVLM_TRY(SketchLayer(i));
    }
    return std::move(sketch_);
  }

 private:
  // A row of the sketch and the output of the projections that it is of.
  struct Output {
    uint32_t key_head = 0;
    uint32_t head = 0;
    size_t row = 0;
    uint64_t output = 0;
  };

  Status CheckStop() const {
    if (!stop_.stop_requested()) return {};
    return base::MakeError(ErrorCode::kCancelled,
                           "reading the weights of {}: stopped on request",
                           checkpoint_.path());
  }

  // Ids, ascending.
  std::vector<uint64_t> FrameTokens() const;
  Status ReadEmbeddings();
  // Layer number `i` of the sketch.
  Status SketchLayer(uint32_t i);
  std::vector<Output> OutputsOf() const;
  // The products of those outputs of a linear that begins at output `begin`.
  Status MultiplyRows(const engine::LinearTensors& linear, uint64_t begin,
                      std::span<const float> projection,
                      std::span<const Output> outputs,
                      std::span<RowProduct> products);
  Status MultiplyColumns(const engine::LinearTensors& linear, uint64_t begin,
                         std::span<const float> projection,
                         std::span<const Output> outputs,
                         std::span<RowProduct> products);

  const Checkpoint& checkpoint_;
  const ModelSpec& spec_;
  const tokenizer::Tokenizer& tokenizer_;
  const std::span<const uint32_t> layers_;
  RowReader reader_;
  const std::stop_token stop_;
  const uint64_t width_;
  TokenFrame frame_;
  WeightSketch sketch_;
};

std::vector<uint64_t> Sketcher::FrameTokens() const {
  const uint64_t num_tokens =
      std::min<uint64_t>(static_cast<uint64_t>(spec_.vocab_size),
                         static_cast<uint64_t>(tokenizer_.num_ids()));
  std::vector<std::pair<uint64_t, uint64_t>> ranked;
  for (uint64_t id = 0; id < num_tokens; ++id) {
    const auto text = tokenizer_.TokenText(static_cast<int32_t>(id));
    if (text) ranked.emplace_back(fingerprint::RankOf(*text), id);
  }
  std::ranges::sort(ranked);
  ranked.resize(std::min(ranked.size(), fingerprint::kMaxFrameTokens));
  std::vector<uint64_t> ids;
  for (const auto& [rank, id] : ranked) ids.push_back(id);
  std::ranges::sort(ids);
  return ids;
}

Status Sketcher::ReadEmbeddings() {
  const TensorInfo& embedding = checkpoint_.tensor(spec_.embedding);
  const std::vector<uint64_t> ids = FrameTokens();
  const uint64_t at_once = RowReader::RowsAtOnce(width_);
  for (size_t next = 0; next < ids.size();) {
    REVLM_TRY(CheckStop());
    const uint64_t first = ids[next];
    // As many of the next ones as lie in one block.
    size_t end = next + 1;
    while (end < ids.size() && ids[end] - first < at_once) ++end;
    REVLM_ASSIGN_OR_RETURN(
        const std::span<const float> rows,
        reader_.Read(embedding, width_, first, ids[end - 1] - first + 1));
    for (; next < end; ++next) {
      const auto text = tokenizer_.TokenText(static_cast<int32_t>(ids[next]));
      frame_.Add(text.value_or(""),
                 rows.subspan((ids[next] - first) * width_, width_));
    }
  }
  return {};
}

std::vector<Sketcher::Output> Sketcher::OutputsOf() const {
  std::vector<Output> outputs;
  const uint32_t num_queries = sketch_.shape().queries_per_key;
  const auto add = [&](const engine::HeadPlacement& place, uint32_t key_head,
                       uint32_t head, uint32_t head_idx) {
    for (size_t row = 0; row < sketch_.rows().size(); ++row) {
      outputs.push_back(
          {key_head, head, row,
           static_cast<uint64_t>(place.first +
                                 static_cast<int64_t>(head_idx) * place.step) +
               sketch_.rows()[row]});
    }
  };
  for (uint32_t key_head = 0; key_head < sketch_.num_key_heads(); ++key_head) {
    add(spec_.key, key_head, 0, key_head);
    for (uint32_t i = 0; i < num_queries; ++i) {
      add(spec_.query, key_head, 1 + i, key_head * num_queries + i);
    }
  }
  return outputs;
}

// Weights lie as [output][input]: each row is read by itself.
Status Sketcher::MultiplyRows(const engine::LinearTensors& linear,
                              uint64_t begin, std::span<const float> projection,
                              std::span<const Output> outputs,
                              std::span<RowProduct> products) {
  const uint64_t end = begin + static_cast<uint64_t>(linear.out_features);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].output < begin || outputs[i].output >= end) continue;
    REVLM_ASSIGN_OR_RETURN(const std::span<const float> row,
                           reader_.Read(checkpoint_.tensor(linear.weight),
                                        width_, outputs[i].output - begin, 1));
    for (uint64_t j = 0; j < width_; ++j) {
      fingerprint::AddScaled(
          products[i], row[j],
          projection.subspan(j * fingerprint::kRowBits, fingerprint::kRowBits));
    }
  }
  return {};
}

// Weights lie as [input][output]: all are read once, an input at a time.
Status Sketcher::MultiplyColumns(const engine::LinearTensors& linear,
                                 uint64_t begin,
                                 std::span<const float> projection,
                                 std::span<const Output> outputs,
                                 std::span<RowProduct> products) {
  const uint64_t num_outputs = static_cast<uint64_t>(linear.out_features);
  for (uint64_t j = 0; j < width_; ++j) {
    REVLM_ASSIGN_OR_RETURN(
        const std::span<const float> column,
        reader_.Read(checkpoint_.tensor(linear.weight), num_outputs, j, 1));
    for (size_t i = 0; i < outputs.size(); ++i) {
      const uint64_t output = outputs[i].output;
      if (output < begin || output >= begin + num_outputs) continue;
      fingerprint::AddScaled(
          products[i], column[output - begin],
          projection.subspan(j * fingerprint::kRowBits, fingerprint::kRowBits));
    }
  }
  return {};
}

Status Sketcher::SketchLayer(uint32_t i) {
  const engine::LayerTensors& tensors = spec_.layers[layers_[i]];
  std::vector<float> gain;
  if (tensors.attention_norm.weight != engine::kNoTensor) {
    REVLM_ASSIGN_OR_RETURN(
        const std::span<const float> read,
        reader_.Read(checkpoint_.tensor(tensors.attention_norm.weight), width_,
                     0, 1));
    gain.assign(read.begin(), read.end());
  }
  const std::vector<float> projection =
      frame_.Projection(gain, spec_.family->norm == engine::NormKind::kLayer
                                  ? fingerprint::Centring::kChannels
                                  : fingerprint::Centring::kNone);
  const std::vector<Output> outputs = OutputsOf();
  std::vector<RowProduct> products(outputs.size(), RowProduct{});
  const bool by_input = spec_.family->layout == engine::WeightLayout::kInOut;
  uint64_t begin = 0;
  for (const engine::LinearTensors& linear : tensors.qkv) {
    REVLM_TRY(
        by_input ? MultiplyColumns(linear, begin, projection, outputs, products)
                 : MultiplyRows(linear, begin, projection, outputs, products));
    begin += static_cast<uint64_t>(linear.out_features);
  }
  for (size_t o = 0; o < outputs.size(); ++o) {
    sketch_.Put(i, outputs[o].key_head, outputs[o].head, outputs[o].row,
                fingerprint::SignsOf(products[o]));
  }
  return {};
}

}  // namespace

std::vector<uint32_t> AllLayers(const ModelSpec& spec) {
  std::vector<uint32_t> layers(static_cast<size_t>(spec.num_layers));
  std::iota(layers.begin(), layers.end(), 0);
  return layers;
}

std::vector<uint32_t> ProbedLayers(const ModelSpec& spec) {
  const uint64_t num_layers = static_cast<uint64_t>(spec.num_layers);
  const uint64_t units_per_layer = static_cast<uint64_t>(spec.num_kv_heads) *
                                   fingerprint::UnitsOf(ShapeOf(spec)).size();
  const uint64_t least =
      (kMinProbedUnits + units_per_layer - 1) / units_per_layer;
  const uint64_t count =
      std::min(num_layers, std::max((num_layers + 4) / 8, least));
  std::vector<uint32_t> layers;
  for (uint64_t i = 0; i < count; ++i) {
    layers.push_back(
        static_cast<uint32_t>((2 * i + 1) * num_layers / (2 * count)));
  }
  return layers;
}

Result<WeightSketch> SketchWeights(const Checkpoint& checkpoint,
                                   const ModelSpec& spec,
                                   const tokenizer::Tokenizer& tokenizer,
                                   std::span<const uint32_t> layers,
                                   memory::Budget& budget,
                                   const std::stop_token& stop) {
  // Sums over tokens, a projection, and what the rows of a layer give.
  REVLM_ASSIGN_OR_RETURN(
      const memory::Reservation held,
      budget.Reserve(static_cast<uint64_t>(spec.hidden_size) *
                             fingerprint::kRowBits * (8 + 4) +
                         fingerprint::kMaxSketchRows * 2 * sizeof(RowProduct),
                     memory::Use::kScratch));
  REVLM_ASSIGN_OR_RETURN(RowReader reader,
                         RowReader::Create(checkpoint, budget));
  return Sketcher(checkpoint, spec, tokenizer, layers, std::move(reader), stop)
      .Run();
}

}  // namespace revlm::verify
