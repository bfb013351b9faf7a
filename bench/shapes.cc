#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "checkpoint_maker.h"

namespace revlm::bench {
namespace {

using formats::TensorSpec;

uint64_t Size(int64_t n) { return static_cast<uint64_t>(n); }

class TensorList {
 public:
  void Add(const std::string& name, std::vector<uint64_t> dims) {
    tensors.push_back({name, formats::DType::kBf16, std::move(dims)});
  }
  void AddWithBias(const std::string& name, std::vector<uint64_t> dims) {
    Add(name + ".bias", {dims[0]});
    Add(name + ".weight", std::move(dims));
  }
  std::vector<TensorSpec> tensors;
};

std::vector<TensorSpec> NeoxTensors(const Shape& shape) {
  const uint64_t width = Size(shape.hidden_size);
  const uint64_t inner = Size(shape.intermediate_size);
  const uint64_t vocabulary = Size(shape.vocab_size);
  TensorList list;
  list.Add("embed_out.weight", {vocabulary, width});
  list.Add("gpt_neox.embed_in.weight", {vocabulary, width});
  list.AddWithBias("gpt_neox.final_layer_norm", {width});
  for (int64_t layer = 0; layer < shape.num_layers; ++layer) {
    const std::string prefix = fmt::format("gpt_neox.layers.{}.", layer);
    list.AddWithBias(prefix + "attention.dense", {width, width});
    list.AddWithBias(prefix + "attention.query_key_value", {3 * width, width});
    list.AddWithBias(prefix + "input_layernorm", {width});
    list.AddWithBias(prefix + "mlp.dense_4h_to_h", {width, inner});
    list.AddWithBias(prefix + "mlp.dense_h_to_4h", {inner, width});
    list.AddWithBias(prefix + "post_attention_layernorm", {width});
  }
  return std::move(list.tensors);
}

std::vector<TensorSpec> LlamaTensors(const Shape& shape) {
  const uint64_t width = Size(shape.hidden_size);
  const uint64_t inner = Size(shape.intermediate_size);
  const uint64_t kv =
      Size(shape.hidden_size / shape.num_heads * shape.num_kv_heads);
  TensorList list;
  list.Add("model.embed_tokens.weight", {Size(shape.vocab_size), width});
  for (int64_t layer = 0; layer < shape.num_layers; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    list.Add(prefix + "input_layernorm.weight", {width});
    list.Add(prefix + "mlp.down_proj.weight", {width, inner});
    list.Add(prefix + "mlp.gate_proj.weight", {inner, width});
    list.Add(prefix + "mlp.up_proj.weight", {inner, width});
    list.Add(prefix + "post_attention_layernorm.weight", {width});
    list.Add(prefix + "self_attn.k_proj.weight", {kv, width});
    list.Add(prefix + "self_attn.o_proj.weight", {width, width});
    list.Add(prefix + "self_attn.q_proj.weight", {width, width});
    list.Add(prefix + "self_attn.v_proj.weight", {kv, width});
  }
  list.Add("model.norm.weight", {width});
  if (!shape.tied) {
    list.Add("lm_head.weight", {Size(shape.vocab_size), width});
  }
  return std::move(list.tensors);
}

}  // namespace

const Shape* FindShape(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kShapes), std::end(kShapes),
                   [&](const Shape& shape) { return shape.name == name; });
  return found == std::end(kShapes) ? nullptr : found;
}

std::vector<TensorSpec> TensorsOf(const Shape& shape) {
  return shape.family == "llama" ? LlamaTensors(shape) : NeoxTensors(shape);
}

std::string ConfigText(const Shape& shape) {
  const std::string sizes = fmt::format(
      R"("hidden_size": {}, "intermediate_size": {},
"max_position_embeddings": {}, "num_attention_heads": {},
"num_hidden_layers": {}, "vocab_size": {}, "torch_dtype": "bfloat16",
"tie_word_embeddings": {}, "bos_token_id": 0, "eos_token_id": 0)",
      shape.hidden_size, shape.intermediate_size, shape.max_positions,
      shape.num_heads, shape.num_layers, shape.vocab_size, shape.tied);
  if (shape.family == "llama") {
    return fmt::format(
        R"({{"model_type": "llama", "architectures": ["LlamaForCausalLM"],
"hidden_act": "silu", "rms_norm_eps": 1e-05, "num_key_value_heads": {},
"rope_theta": {}, "rope_scaling": {}, "attention_bias": false,
"mlp_bias": false,
{}}}
)",
        shape.num_kv_heads, shape.rope_theta,
        shape.rope_theta < 500000 ? "null"
                                  : R"({"rope_type": "llama3", "factor": 32.0,
"low_freq_factor": 1.0, "high_freq_factor": 4.0,
"original_max_position_embeddings": 8192})",
        sizes);
  }
  return fmt::format(
      R"({{"model_type": "gpt_neox", "architectures": ["GPTNeoXForCausalLM"],
"hidden_act": "gelu", "layer_norm_eps": 1e-05, "rotary_pct": 0.25,
"rotary_emb_base": 10000, "use_parallel_residual": true,
{}}}
)",
      sizes);
}

}  // namespace revlm::bench
