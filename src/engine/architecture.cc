#include "engine/architecture.h"

#include <string>

namespace revlm::engine {
namespace {

TensorNames LlamaNames() {
  return {.prefix = "model.",
          .embedding = "embed_tokens",
          .layer = "layers.{}.",
          .attention_norm = "input_layernorm",
          .mlp_norm = "post_attention_layernorm",
          .qkv = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
          .attention_output = "self_attn.o_proj",
          .gate = "mlp.gate_proj",
          .up = "mlp.up_proj",
          .down = "mlp.down_proj",
          .final_norm = "norm",
          .head = "lm_head"};
}

TensorNames Qwen3Names() {
  TensorNames names = LlamaNames();
  names.query_norm = "self_attn.q_norm";
  names.key_norm = "self_attn.k_norm";
  return names;
}

const std::vector<Family>& Families() {
  static const std::vector<Family> families = {
      {.model_type = "gpt2",
       .norm = NormKind::kLayer,
       .positions = Positions::kLearned,
       .qkv = QkvForm::kFusedThirds,
       .gating = Gating::kNone,
       .qkv_biases = Biases::kAlways,
       .output_biases = Biases::kAlways,
       .mlp_biases = Biases::kAlways,
       .layout = WeightLayout::kInOut,
       .defaults = {.norm_eps = 1e-5,
                    .activation = Activation::kGeluTanh,
                    .tied_embeddings = true},
       .names = {.prefix = "transformer.",
                 .embedding = "wte",
                 .position_embedding = "wpe",
                 .layer = "h.{}.",
                 .attention_norm = "ln_1",
                 .mlp_norm = "ln_2",
                 .qkv = {"attn.c_attn"},
                 .attention_output = "attn.c_proj",
                 .up = "mlp.c_fc",
                 .down = "mlp.c_proj",
                 .final_norm = "ln_f",
                 .head = "lm_head"}},
      {.model_type = "gpt_neox",
       .norm = NormKind::kLayer,
       .qkv = QkvForm::kFusedPerHead,
       .gating = Gating::kNone,
       .qkv_biases = Biases::kAttentionBias,
       .output_biases = Biases::kAttentionBias,
       .mlp_biases = Biases::kAlways,
       .defaults = {.norm_eps = 1e-5,
                    .activation = Activation::kGelu,
                    .rotary_factor = 0.25,
                    .attention_bias = true,
                    .parallel_residual = true},
       .names = {.prefix = "gpt_neox.",
                 .embedding = "embed_in",
                 .layer = "layers.{}.",
                 .attention_norm = "input_layernorm",
                 .mlp_norm = "post_attention_layernorm",
                 .qkv = {"attention.query_key_value"},
                 .attention_output = "attention.dense",
                 .up = "mlp.dense_h_to_4h",
                 .down = "mlp.dense_4h_to_h",
                 .final_norm = "final_layer_norm",
                 .head = "embed_out"}},
      {.model_type = "llama",
       .qkv_biases = Biases::kAttentionBias,
       .output_biases = Biases::kAttentionBias,
       .mlp_biases = Biases::kMlpBias,
       .names = LlamaNames()},
      {.model_type = "mistral",
       .windows = Windows::kAll,
       .names = LlamaNames()},
      {.model_type = "qwen2",
       .qkv_biases = Biases::kAlways,
       .windows = Windows::kSwitched,
       .names = LlamaNames()},
      {.model_type = "qwen3",
       .qkv_biases = Biases::kAttentionBias,
       .output_biases = Biases::kAttentionBias,
       .windows = Windows::kSwitched,
       .names = Qwen3Names()},
  };
  return families;
}

}  // namespace

const Family* FindFamily(std::string_view model_type) {
  for (const Family& family : Families()) {
    if (family.model_type == model_type) return &family;
  }
  return nullptr;
}

std::string_view SupportedFamilies() {
  static const std::string names = [] {
    std::string text;
    for (const Family& family : Families()) {
      if (!text.empty()) text += ", ";
      text += family.model_type;
    }
    return text;
  }();
  return names;
}

}  // namespace revlm::engine
