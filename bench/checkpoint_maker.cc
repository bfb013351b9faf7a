#include "checkpoint_maker.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "formats/safetensors_writer.h"

namespace revlm::bench {
namespace {

using formats::TensorSpec;

std::string ConfigText(const NeoxShape& shape) {
  return fmt::format(
      R"({{"model_type": "gpt_neox", "architectures": ["GPTNeoXForCausalLM"],
"hidden_act": "gelu", "hidden_size": {}, "intermediate_size": {},
"layer_norm_eps": 1e-05, "max_position_embeddings": {},
"num_attention_heads": {}, "num_hidden_layers": {}, "rotary_pct": 0.25,
"rotary_emb_base": 10000, "tie_word_embeddings": false,
"torch_dtype": "bfloat16", "use_parallel_residual": true, "vocab_size": {}}}
)",
      shape.hidden_size, shape.intermediate_size, shape.max_positions,
      shape.num_heads, shape.num_layers, shape.vocab_size);
}

std::vector<TensorSpec> Tensors(const NeoxShape& shape) {
  const auto size = [](int64_t n) { return static_cast<uint64_t>(n); };
  const uint64_t width = size(shape.hidden_size);
  const uint64_t inner = size(shape.intermediate_size);
  const uint64_t vocabulary = size(shape.vocab_size);
  std::vector<TensorSpec> tensors;
  auto add = [&](const std::string& name, std::vector<uint64_t> dims) {
    tensors.push_back({name, formats::DType::kBf16, std::move(dims)});
  };
  add("embed_out.weight", {vocabulary, width});
  add("gpt_neox.embed_in.weight", {vocabulary, width});
  auto add_with_bias = [&](const std::string& name,
                           std::vector<uint64_t> dims) {
    add(name + ".bias", {dims[0]});
    add(name + ".weight", std::move(dims));
  };
  add_with_bias("gpt_neox.final_layer_norm", {width});
  for (int64_t layer = 0; layer < shape.num_layers; ++layer) {
    const std::string prefix = fmt::format("gpt_neox.layers.{}.", layer);
    add_with_bias(prefix + "attention.dense", {width, width});
    add_with_bias(prefix + "attention.query_key_value", {3 * width, width});
    add_with_bias(prefix + "input_layernorm", {width});
    add_with_bias(prefix + "mlp.dense_4h_to_h", {width, inner});
    add_with_bias(prefix + "mlp.dense_h_to_4h", {inner, width});
    add_with_bias(prefix + "post_attention_layernorm", {width});
  }
  return tensors;
}

uint16_t ToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return static_cast<uint16_t>(bits >> 16);
}

// A tensor's elements, by its kind.
std::vector<uint16_t> Elements(const TensorSpec& tensor) {
  uint64_t count = 1;
  for (const uint64_t dim : tensor.shape) count *= dim;
  std::vector<uint16_t> values(count, 0);
  if (tensor.shape.size() == 1) {
    const bool is_bias = std::string_view(tensor.name).ends_with(".bias");
    std::fill(values.begin(), values.end(), ToBf16(is_bias ? 0.0f : 1.0f));
    return values;
  }
  const uint64_t seed = std::hash<std::string>{}(tensor.name);
  const float spread = 0.02f * 1.7320508f;  // of a uniform distribution
  for (uint64_t i = 0; i < count; ++i) {
    values[i] = ToBf16(static_cast<float>(
        (2 * base::UniformDouble(seed, i) - 1) * static_cast<double>(spread)));
  }
  return values;
}

}  // namespace

Status MakeNeoxCheckpoint(const NeoxShape& shape,
                          const std::string& directory) {
  const std::string config = ConfigText(shape);
  auto existing =
      base::OpenFile(directory + "/config.json", base::Caching::kPageCache);
  if (existing &&
      base::ReadWholeFile(*existing, 1 << 20).value_or("") == config)
    return {};
  std::filesystem::create_directories(directory);
  const std::vector<TensorSpec> tensors = Tensors(shape);
  REVLM_ASSIGN_OR_RETURN(formats::SafetensorsWriter writer,
                         formats::SafetensorsWriter::Create(
                             directory + "/model.safetensors", tensors));
  for (const TensorSpec& tensor : tensors) {
    std::vector<uint16_t> values = Elements(tensor);
    REVLM_TRY(writer.Append(std::as_bytes(std::span<uint16_t>(values))));
  }
  REVLM_TRY(writer.Finish());
  return base::WriteFileAtomically(directory + "/config.json", config);
}

}  // namespace revlm::bench
