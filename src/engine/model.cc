#include "engine/model.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>

namespace revlm::engine {
namespace {

using formats::Checkpoint;
using formats::DType;
using formats::ModelConfig;
using formats::TensorInfo;

std::string ConfigSource(const Checkpoint& checkpoint) {
  return checkpoint.path() + "/config.json";
}

std::string ShapeText(std::span<const uint64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

// Looks tensors up by name and checks them.
class TensorBinder {
 public:
  explicit TensorBinder(const Checkpoint& checkpoint, std::string_view prefix,
                        std::string_view probe)
      : checkpoint_(checkpoint) {
    // Some publishers save the inner model, whose names lack the prefix.
    if (checkpoint.Find(std::string(prefix) + std::string(probe)) != nullptr) {
      prefix_ = prefix;
    }
  }

  // The tensor `prefix + name`, or kNoTensor.
  int32_t Find(const std::string& name, bool with_prefix = true) const {
    const TensorInfo* info =
        checkpoint_.Find((with_prefix ? prefix_ : std::string()) + name);
    if (info == nullptr) return kNoTensor;
    return static_cast<int32_t>(info - checkpoint_.tensors().data());
  }

  Result<int32_t> Bind(const std::string& name,
                       const std::vector<uint64_t>& shape) const {
    const int32_t idx = Find(name);
    if (idx == kNoTensor) {
      return base::MakeError(
          ErrorCode::kCorrupt,
          "{}: tensor \"{}{}\" of shape {} is missing; the model's files are "
          "incomplete or of another architecture",
          checkpoint_.path(), prefix_, name, ShapeText(shape));
    }
    REVLM_TRY(Check(idx, shape));
    return idx;
  }

  Status Check(int32_t idx, const std::vector<uint64_t>& shape) const {
    const TensorInfo& info = checkpoint_.tensor(idx);
    if (info.shape != shape) {
      return base::MakeError(
          ErrorCode::kCorrupt,
          "{}: tensor \"{}\" has shape {}, config.json asks for {}",
          checkpoint_.path(), info.name, ShapeText(info.shape),
          ShapeText(shape));
    }
    if (info.dtype != DType::kF32 && info.dtype != DType::kF16 &&
        info.dtype != DType::kBf16) {
      return base::MakeError(
          ErrorCode::kUnsupported,
          "{}: tensor \"{}\" is stored as {}; weights in F32, F16 and BF16 are "
          "supported",
          checkpoint_.path(), info.name, formats::DTypeName(info.dtype));
    }
    return {};
  }

 private:
  const Checkpoint& checkpoint_;
  std::string prefix_;
};

// Binds the tensors of one model.
class ModelBinder {
 public:
  ModelBinder(const Checkpoint& checkpoint, ModelSpec& spec)
      : checkpoint_(checkpoint),
        config_(checkpoint.config()),
        names_(spec.family->names),
        tensors_(checkpoint, names_.prefix,
                 std::string(names_.embedding) + ".weight"),
        spec_(spec) {}

  Status Bind() {
    const uint64_t width = Size(spec_.hidden_size);
    REVLM_ASSIGN_OR_RETURN(spec_.embedding,
                           tensors_.Bind(Weight(names_.embedding),
                                         {Size(spec_.vocab_size), width}));
    if (spec_.family->positions == Positions::kLearned) {
      REVLM_ASSIGN_OR_RETURN(spec_.position_embedding,
                             tensors_.Bind(Weight(names_.position_embedding),
                                           {Size(spec_.max_positions), width}));
    }
    for (int64_t layer = 0; layer < spec_.num_layers; ++layer) {
      REVLM_TRY(BindLayer(fmt::format(fmt::runtime(names_.layer), layer)));
    }
    REVLM_ASSIGN_OR_RETURN(
        spec_.final_norm,
        BindNorm(std::string(names_.final_norm), spec_.hidden_size));
    return BindHead();
  }

 private:
  static uint64_t Size(int64_t n) { return static_cast<uint64_t>(n); }
  static std::string Weight(std::string_view name) {
    return std::string(name) + ".weight";
  }

  bool HasBiases(Biases biases) const {
    switch (biases) {
      case Biases::kNever:
        return false;
      case Biases::kAlways:
        return true;
      case Biases::kAttentionBias:
        return config_.attention_bias.value_or(
            spec_.family->defaults.attention_bias);
      case Biases::kMlpBias:
        return config_.mlp_bias.value_or(false);
    }
    return false;
  }

  Result<NormTensors> BindNorm(const std::string& name, int64_t size) {
    NormTensors norm;
    REVLM_ASSIGN_OR_RETURN(norm.weight,
                           tensors_.Bind(name + ".weight", {Size(size)}));
    if (spec_.family->norm == NormKind::kLayer) {
      REVLM_ASSIGN_OR_RETURN(norm.bias,
                             tensors_.Bind(name + ".bias", {Size(size)}));
    }
    return norm;
  }

  Result<LinearTensors> BindLinear(const std::string& name, int64_t out,
                                   int64_t in, Biases biases) {
    LinearTensors linear = {.out_features = out, .in_features = in};
    const bool out_in = spec_.family->layout == WeightLayout::kOutIn;
    REVLM_ASSIGN_OR_RETURN(
        linear.weight,
        tensors_.Bind(name + ".weight",
                      out_in ? std::vector<uint64_t>{Size(out), Size(in)}
                             : std::vector<uint64_t>{Size(in), Size(out)}));
    if (HasBiases(biases)) {
      REVLM_ASSIGN_OR_RETURN(linear.bias,
                             tensors_.Bind(name + ".bias", {Size(out)}));
    }
    return linear;
  }

  Status BindLayer(const std::string& prefix) {
    const Family& family = *spec_.family;
    LayerTensors layer;
    auto full = [&](std::string_view name) {
      return prefix + std::string(name);
    };
    REVLM_ASSIGN_OR_RETURN(
        layer.attention_norm,
        BindNorm(full(names_.attention_norm), spec_.hidden_size));
    REVLM_ASSIGN_OR_RETURN(layer.mlp_norm,
                           BindNorm(full(names_.mlp_norm), spec_.hidden_size));
    std::vector<int64_t> outs = {spec_.qkv_width()};
    if (family.qkv == QkvForm::kSeparate) {
      outs = {spec_.attention_width(), spec_.kv_width(), spec_.kv_width()};
    }
    for (size_t i = 0; i < outs.size(); ++i) {
      REVLM_ASSIGN_OR_RETURN(layer.qkv.emplace_back(),
                             BindLinear(full(names_.qkv[i]), outs[i],
                                        spec_.hidden_size, family.qkv_biases));
    }
    if (!names_.query_norm.empty()) {
      REVLM_ASSIGN_OR_RETURN(layer.query_norm,
                             BindNorm(full(names_.query_norm), spec_.head_dim));
      REVLM_ASSIGN_OR_RETURN(layer.key_norm,
                             BindNorm(full(names_.key_norm), spec_.head_dim));
    }
    REVLM_ASSIGN_OR_RETURN(
        layer.attention_output,
        BindLinear(full(names_.attention_output), spec_.hidden_size,
                   spec_.attention_width(), family.output_biases));
    if (family.gating == Gating::kGated) {
      REVLM_ASSIGN_OR_RETURN(
          layer.mlp_inputs.emplace_back(),
          BindLinear(full(names_.gate), spec_.intermediate_size,
                     spec_.hidden_size, family.mlp_biases));
    }
    REVLM_ASSIGN_OR_RETURN(layer.mlp_inputs.emplace_back(),
                           BindLinear(full(names_.up), spec_.intermediate_size,
                                      spec_.hidden_size, family.mlp_biases));
    REVLM_ASSIGN_OR_RETURN(
        layer.down, BindLinear(full(names_.down), spec_.hidden_size,
                               spec_.intermediate_size, family.mlp_biases));
    spec_.layers.push_back(std::move(layer));
    return {};
  }

  Status BindHead() {
    const std::string name = Weight(names_.head);
    spec_.head = tensors_.Find(name, false);
    const bool tied = config_.tie_word_embeddings.value_or(
        spec_.family->defaults.tied_embeddings);
    if (tied) {
      spec_.head = spec_.embedding;
      return {};
    }
    if (spec_.head == kNoTensor) {
      return base::MakeError(
          ErrorCode::kCorrupt,
          "{}: tensor \"{}\" is missing, and config.json does not tie it to "
          "the embedding (\"tie_word_embeddings\")",
          checkpoint_.path(), name);
    }
    return tensors_.Check(spec_.head,
                          {Size(spec_.vocab_size), Size(spec_.hidden_size)});
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const TensorNames& names_;
  const TensorBinder tensors_;
  ModelSpec& spec_;
};

Result<Activation> FindActivation(const std::string& name,
                                  const std::string& source) {
  static constexpr std::pair<std::string_view, Activation> kNames[] = {
      {"silu", Activation::kSilu},
      {"swish", Activation::kSilu},
      {"gelu", Activation::kGelu},
      {"gelu_new", Activation::kGeluTanh},
      {"gelu_fast", Activation::kGeluTanh},
      {"gelu_pytorch_tanh", Activation::kGeluTanh},
      {"relu", Activation::kRelu},
  };
  for (const auto& [known, activation] : kNames) {
    if (known == name) return activation;
  }
  return base::MakeError(ErrorCode::kUnsupported,
                         "{}: activation \"{}\" is not supported; supported "
                         "are silu, gelu, gelu_new, gelu_fast, "
                         "gelu_pytorch_tanh and relu",
                         source, name);
}

// Each layer's window: none, the same for all layers, or as `layer_types` or
// `max_window_layers` say. A window that is null is none; an absent one is the
// family's.
Result<std::vector<int64_t>> FindWindows(const ModelConfig& config,
                                         const Family& family,
                                         const std::string& source) {
  std::vector<int64_t> windows(static_cast<size_t>(config.num_layers), 0);
  const bool is_switched = family.windows == Windows::kSwitched;
  if (family.windows == Windows::kNone ||
      (is_switched && !config.use_sliding_window.value_or(false))) {
    return windows;
  }
  const int64_t window = config.sliding_window.value_or(
      config.raw.contains("sliding_window") ? 0
                                            : family.defaults.sliding_window);
  for (size_t i = 0; i < windows.size(); ++i) {
    bool slides = true;
    if (is_switched && !config.layer_types.empty()) {
      const std::string& type = config.layer_types[i];
      slides = type == "sliding_attention";
      if (!slides && type != "full_attention") {
        return base::MakeError(
            ErrorCode::kUnsupported,
            "{}: layer type \"{}\" is not supported; supported are "
            "full_attention and sliding_attention",
            source, type);
      }
    } else if (is_switched) {
      slides =
          static_cast<int64_t>(i) >=
          config.max_window_layers.value_or(family.defaults.max_window_layers);
    }
    if (slides) windows[i] = window;
  }
  return windows;
}

void PlaceHeads(ModelSpec& spec) {
  const int64_t dim = spec.head_dim;
  if (spec.family->qkv == QkvForm::kFusedPerHead) {
    spec.query = {0, 3 * dim};
    spec.key = {dim, 3 * dim};
    spec.value = {2 * dim, 3 * dim};
  } else {
    spec.query = {0, dim};
    spec.key = {spec.attention_width(), dim};
    spec.value = {spec.attention_width() + spec.kv_width(), dim};
  }
}

// Sizes and scalars from the configuration.
Status ResolveConfig(const ModelConfig& config, const std::string& source,
                     ModelSpec& spec) {
  const Family& family = *spec.family;
  spec.num_layers = config.num_layers;
  spec.hidden_size = config.hidden_size;
  spec.num_heads = config.num_heads;
  spec.num_kv_heads = config.num_kv_heads.value_or(config.num_heads);
  spec.head_dim =
      config.head_dim.value_or(config.hidden_size / config.num_heads);
  spec.vocab_size = config.vocab_size;
  spec.max_positions = config.max_positions;
  if (!config.intermediate_size) {
    return base::MakeError(ErrorCode::kCorrupt,
                           "{}: \"intermediate_size\" is absent", source);
  }
  spec.intermediate_size = *config.intermediate_size;
  if (family.qkv != QkvForm::kSeparate && spec.num_kv_heads != spec.num_heads) {
    return base::MakeError(ErrorCode::kUnsupported,
                           "{}: {} with fewer key/value heads ({}) than heads "
                           "({}) is not supported",
                           source, family.model_type, spec.num_kv_heads,
                           spec.num_heads);
  }
  spec.norm_eps =
      static_cast<float>(config.norm_eps.value_or(family.defaults.norm_eps));
  spec.activation = family.defaults.activation;
  if (config.activation) {
    REVLM_ASSIGN_OR_RETURN(spec.activation,
                           FindActivation(*config.activation, source));
  }
  spec.parallel_residual =
      config.use_parallel_residual.value_or(family.defaults.parallel_residual);
  REVLM_ASSIGN_OR_RETURN(spec.windows, FindWindows(config, family, source));
  const bool scales = config.scale_attn_weights.value_or(true);
  for (int64_t layer = 0; layer < spec.num_layers; ++layer) {
    double scale =
        scales ? 1 / std::sqrt(static_cast<double>(spec.head_dim)) : 1;
    if (config.scale_attn_by_inverse_layer_idx.value_or(false)) {
      scale /= static_cast<double>(layer + 1);
    }
    spec.attention_scales.push_back(static_cast<float>(scale));
  }
  if (family.positions == Positions::kRotary) {
    const double share = config.rope.partial_rotary_factor.value_or(
        family.defaults.rotary_factor);
    const int64_t rotary_dim =
        static_cast<int64_t>(static_cast<double>(spec.head_dim) * share);
    if (rotary_dim < 2 || rotary_dim > spec.head_dim || rotary_dim % 2 != 0) {
      return base::MakeError(
          ErrorCode::kCorrupt,
          "{}: {} of {} elements of a head are rotated, allowed is an even "
          "number from 2 to {}",
          source, rotary_dim, spec.head_dim, spec.head_dim);
    }
    REVLM_ASSIGN_OR_RETURN(spec.rope, Rope::Create(config.rope, rotary_dim,
                                                   spec.max_positions, source));
  }
  PlaceHeads(spec);
  return {};
}

void AppendBias(const LinearTensors& linear, std::vector<int32_t>& list) {
  if (linear.bias != kNoTensor) list.push_back(linear.bias);
}

void AppendNorm(const NormTensors& norm, std::vector<int32_t>& list) {
  if (norm.weight != kNoTensor) list.push_back(norm.weight);
  if (norm.bias != kNoTensor) list.push_back(norm.bias);
}

}  // namespace

Result<ModelSpec> DescribeModel(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  const std::string source = ConfigSource(checkpoint);
  ModelSpec spec;
  spec.family = FindFamily(config.model_type);
  if (spec.family == nullptr) {
    return base::MakeError(
        ErrorCode::kUnsupported,
        "{}: model_type \"{}\" is not supported; supported are {}", source,
        config.model_type, SupportedFamilies());
  }
  if (config.quant_method) {
    return base::MakeError(ErrorCode::kUnsupported,
                           "{}: weights quantised with \"{}\" are not "
                           "supported; use the unquantised checkpoint",
                           source, *config.quant_method);
  }
  REVLM_TRY(ResolveConfig(config, source, spec));
  REVLM_TRY(ModelBinder(checkpoint, spec).Bind());
  for (const auto* ids :
       {&config.eos_token_ids, &checkpoint.generation_config().eos_token_ids}) {
    for (const int64_t id : *ids) {
      spec.stop_tokens.push_back(static_cast<int32_t>(id));
    }
  }
  std::sort(spec.stop_tokens.begin(), spec.stop_tokens.end());
  spec.stop_tokens.erase(
      std::unique(spec.stop_tokens.begin(), spec.stop_tokens.end()),
      spec.stop_tokens.end());
  return spec;
}

ElementType WeightType(const TensorInfo& tensor) {
  switch (tensor.dtype) {
    case DType::kF16:
      return ElementType::kF16;
    case DType::kBf16:
      return ElementType::kBf16;
    default:
      return ElementType::kF32;
  }
}

std::vector<int32_t> SmallTensorList(const ModelSpec& spec) {
  std::vector<int32_t> list;
  for (const LayerTensors& layer : spec.layers) {
    AppendNorm(layer.attention_norm, list);
    AppendNorm(layer.mlp_norm, list);
    AppendNorm(layer.query_norm, list);
    AppendNorm(layer.key_norm, list);
    for (const LinearTensors& linear : layer.qkv) AppendBias(linear, list);
    AppendBias(layer.attention_output, list);
    for (const LinearTensors& linear : layer.mlp_inputs) {
      AppendBias(linear, list);
    }
    AppendBias(layer.down, list);
  }
  AppendNorm(spec.final_norm, list);
  return list;
}

}  // namespace revlm::engine
