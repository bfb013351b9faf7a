// A model's `config.json`, `generation_config.json` and
// `tokenizer_config.json`.
//
// `ParseModelConfig` gives one normalised description for the spellings in use:
//
//   field           read from (when several are present they must agree)
//   hidden_size     hidden_size, n_embd
//   num_layers      num_hidden_layers, n_layer
//   num_heads       num_attention_heads, n_head
//   intermediate_size  intermediate_size, n_inner
//   max_positions   max_position_embeddings, n_positions
//   norm_eps        rms_norm_eps, layer_norm_eps, layer_norm_epsilon
//   activation      hidden_act, activation_function
//   dtype           dtype, torch_dtype
//   rope.type       rope_parameters or rope_scaling: rope_type, type
//   rope.theta      those: rope_theta; or rope_theta, rotary_emb_base
//   rope.partial_rotary_factor  those: partial_rotary_factor; or
//                   partial_rotary_factor, rotary_pct
//   other rope.*    rope_parameters or rope_scaling, same key
//   rope.original_max_positions  those, or the file: original_max_position_
//                   embeddings
//
// An optional field is empty when the file does not say. What then holds
// differs between families, so the engine's table of families decides (tied
// embeddings: GPT-2 yes, Llama no; rms_norm_eps 1e-6; layer_norm_eps 1e-5;
// rope_theta 10000; rotary_pct of GPT-NeoX 0.25). One default is applied here
// because only GPT-2 has it: an absent n_inner means 4 * n_embd when model_type
// is "gpt2".
//
// Every number is checked against the bounds below; heads must be a multiple of
// KV heads, hidden_size of heads when head_dim is absent, and layer_types must
// have one entry per layer.
//
// Threads: pure functions. Memory: as base/json.h. Errors: kCorrupt, and
// kUnsupported when a size that every family has is not there under any known
// name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace revlm::formats {

inline constexpr int64_t kMaxLayers = 512;
inline constexpr int64_t kMaxHeads = 1024;
inline constexpr int64_t kMaxHeadDim = 1 << 16;
inline constexpr int64_t kMaxWidth = 1 << 20;  // hidden and intermediate size
inline constexpr int64_t kMaxVocabulary = 4 << 20;
inline constexpr int64_t kMaxPositions = 1 << 30;

struct RopeConfig {
  // "default" when the file names none; "per_layer_type" when rope_parameters
  // holds one set for each kind of layer (nothing else is read then).
  std::string type = "default";
  std::optional<double> theta;
  std::optional<double> partial_rotary_factor;
  std::optional<double> factor;
  std::optional<int64_t> original_max_positions;
  std::optional<double> low_freq_factor;
  std::optional<double> high_freq_factor;
  std::optional<double> beta_fast;
  std::optional<double> beta_slow;
  std::optional<double> attention_factor;
  std::optional<double> mscale;
  std::optional<double> mscale_all_dim;
  std::optional<bool> truncate;

  bool operator==(const RopeConfig&) const = default;
};

struct ModelConfig {
  std::string model_type;
  std::vector<std::string> architectures;
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t max_positions = 0;
  std::optional<int64_t> num_kv_heads;  // empty: one for each head
  std::optional<int64_t> head_dim;      // empty: hidden_size / num_heads
  std::optional<int64_t> intermediate_size;
  std::optional<double> norm_eps;
  std::optional<std::string> activation;
  std::optional<bool> tie_word_embeddings;
  std::optional<bool> attention_bias;
  std::optional<bool> mlp_bias;
  std::optional<bool> use_parallel_residual;
  RopeConfig rope;
  std::optional<int64_t> sliding_window;  // empty: none
  std::optional<bool> use_sliding_window;
  std::optional<int64_t> max_window_layers;
  std::vector<std::string> layer_types;  // empty, or one for each layer
  std::optional<bool> scale_attn_weights;
  std::optional<bool> scale_attn_by_inverse_layer_idx;
  std::optional<std::string> dtype;
  std::optional<int64_t> bos_token_id;
  std::vector<int64_t> eos_token_ids;
  // Set when the file has a quantization_config: its quant_method, or
  // "unnamed".
  std::optional<std::string> quant_method;

  base::Json raw;  // the whole file, for what is not read above

  bool operator==(const ModelConfig&) const = default;
};

struct GenerationConfig {
  std::optional<int64_t> bos_token_id;
  std::vector<int64_t> eos_token_ids;

  bool operator==(const GenerationConfig&) const = default;
};

struct TokenizerConfig {
  std::optional<bool> add_bos_token;
  std::optional<bool> add_eos_token;
  std::optional<std::string> bos_token;  // its text, in either spelling
  std::optional<std::string> eos_token;

  bool operator==(const TokenizerConfig&) const = default;
};

// `source` names the file in errors.
Result<ModelConfig> ParseModelConfig(std::string_view text,
                                     const std::string& source);
Result<GenerationConfig> ParseGenerationConfig(std::string_view text,
                                               const std::string& source);
Result<TokenizerConfig> ParseTokenizerConfig(std::string_view text,
                                             const std::string& source);

}  // namespace revlm::formats
