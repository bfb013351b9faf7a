#include "verify/tensor_pairs.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string_view>
#include <utility>

#include "base/json.h"

namespace revlm::verify {
namespace {

using engine::kNoTensor;
using engine::LinearTensors;
using engine::ModelSpec;
using engine::NormTensors;
using formats::Checkpoint;

struct Part {
  int32_t tensor = kNoTensor;
  int32_t layer = kNoLayer;  // as a counts them
};
using Parts = std::map<std::string, Part>;

constexpr char kPositionEmbedding[] = "position_embedding";

void AddNorm(const std::string& part, const NormTensors& norm, Parts& parts) {
  parts[part + ".weight"] = {norm.weight};
  parts[part + ".bias"] = {norm.bias};
}

void AddLinear(const std::string& part, const LinearTensors& linear,
               Parts& parts) {
  parts[part + ".weight"] = {linear.weight};
  parts[part + ".bias"] = {linear.bias};
}

Parts PartsOfLayer(const engine::LayerTensors& layer, const std::string& prefix,
                   int32_t number) {
  Parts parts;
  AddNorm(prefix + "attention_norm", layer.attention_norm, parts);
  AddNorm(prefix + "mlp_norm", layer.mlp_norm, parts);
  AddNorm(prefix + "query_norm", layer.query_norm, parts);
  AddNorm(prefix + "key_norm", layer.key_norm, parts);
  for (size_t i = 0; i < layer.qkv.size(); ++i) {
    AddLinear(fmt::format("{}qkv{}", prefix, i), layer.qkv[i], parts);
  }
  AddLinear(prefix + "attention_output", layer.attention_output, parts);
  for (size_t i = 0; i < layer.mlp_inputs.size(); ++i) {
    AddLinear(fmt::format("{}mlp_input{}", prefix, i), layer.mlp_inputs[i],
              parts);
  }
  AddLinear(prefix + "down", layer.down, parts);
  for (auto& [name, part] : parts) part.layer = number;
  return parts;
}

// What each part's tensor is, layers under the numbers given; those without one
// are not parts. The head only where `with_head`.
Parts PartsOf(const ModelSpec& spec, bool with_head,
              std::span<const int32_t> numbers) {
  Parts parts;
  parts["embedding"] = {spec.embedding};
  parts[kPositionEmbedding] = {spec.position_embedding};
  if (with_head) parts["head"] = {spec.head};
  AddNorm("final_norm", spec.final_norm, parts);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    if (numbers[i] == kNoLayer) continue;
    parts.merge(PartsOfLayer(spec.layers[i],
                             fmt::format("layer{}.", numbers[i]), numbers[i]));
  }
  std::erase_if(
      parts, [](const auto& part) { return part.second.tensor == kNoTensor; });
  return parts;
}

// The number of each layer of a and of b as a counts them.
struct LayerNumbers {
  std::vector<int32_t> a;
  std::vector<int32_t> b;
};

LayerNumbers NumbersOf(const ModelSpec& a, const ModelSpec& b,
                       std::span<const fingerprint::LayerPair> layers) {
  LayerNumbers numbers = {std::vector<int32_t>(a.layers.size(), kNoLayer),
                          std::vector<int32_t>(b.layers.size(), kNoLayer)};
  if (layers.empty()) {
    std::iota(numbers.a.begin(), numbers.a.end(), 0);
    std::iota(numbers.b.begin(), numbers.b.end(), 0);
  }
  for (const fingerprint::LayerPair& pair : layers) {
    numbers.a[static_cast<size_t>(pair.a)] = pair.a;
    numbers.b[static_cast<size_t>(pair.b)] = pair.a;
  }
  return numbers;
}

// Two families whose tensors play the same parts in the same layout.
bool HaveSameParts(const ModelSpec* a, const ModelSpec* b) {
  return a != nullptr && b != nullptr && a->family->qkv == b->family->qkv &&
         a->family->gating == b->family->gating &&
         a->family->layout == b->family->layout;
}

// Keys of config.json that say nothing of the function computed.
constexpr std::string_view kIdleKeys[] = {
    "_name_or_path",     "architectures",        "attention_dropout",
    "attn_pdrop",        "bos_token_id",         "dtype",
    "embd_pdrop",        "eos_token_id",         "hidden_dropout",
    "initializer_range", "pad_token_id",         "resid_pdrop",
    "torch_dtype",       "transformers_version", "use_cache",
};

std::vector<std::string> DifferingKeys(const base::Json& a,
                                       const base::Json& b) {
  std::set<std::string> keys;
  for (const auto* side : {&a, &b}) {
    for (const auto& [key, value] : side->items()) {
      const base::Json* in_a = base::FindMember(a, key);
      const base::Json* in_b = base::FindMember(b, key);
      if (in_a == nullptr || in_b == nullptr || *in_a != *in_b) {
        keys.insert(key);
      }
    }
  }
  for (const std::string_view key : kIdleKeys) keys.erase(std::string(key));
  return {keys.begin(), keys.end()};
}

bool SameAngles(const engine::Rope& a, const engine::Rope& b) {
  if (a.rotary_dim() != b.rotary_dim()) return false;
  const size_t count = static_cast<size_t>(a.rotary_dim() / 2);
  std::vector<float> cosines[2] = {std::vector<float>(count),
                                   std::vector<float>(count)};
  std::vector<float> sines[2] = {cosines[0], cosines[0]};
  a.Angles(1, cosines[0].data(), sines[0].data());
  b.Angles(1, cosines[1].data(), sines[1].data());
  return cosines[0] == cosines[1] && sines[0] == sines[1];
}

// Of settings by layer: as far as both have layers.
template <typename T>
bool AreAlike(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(
      a.begin(),
      a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())),
      b.begin());
}

std::vector<std::string> DifferingInSpecs(const ModelSpec& a,
                                          const ModelSpec& b) {
  std::vector<std::string> keys;
  const auto note = [&](const char* key, bool equal) {
    if (!equal) keys.emplace_back(key);
  };
  note("activation", a.activation == b.activation);
  note("attention_scales", AreAlike(a.attention_scales, b.attention_scales));
  note("head_dim", a.head_dim == b.head_dim);
  note("hidden_size", a.hidden_size == b.hidden_size);
  note("intermediate_size", a.intermediate_size == b.intermediate_size);
  note("norm", a.family->norm == b.family->norm);
  note("norm_eps", a.norm_eps == b.norm_eps);
  note("num_heads", a.num_heads == b.num_heads);
  note("num_kv_heads", a.num_kv_heads == b.num_kv_heads);
  note("num_layers", a.num_layers == b.num_layers);
  note("parallel_residual", a.parallel_residual == b.parallel_residual);
  note("positions", a.family->positions == b.family->positions);
  note("rope", SameAngles(a.rope, b.rope));
  note("vocab_size", a.vocab_size == b.vocab_size);
  note("windows", AreAlike(a.windows, b.windows));
  return keys;
}

}  // namespace

TensorPairs PairTensors(const Checkpoint& a, const ModelSpec* spec_a,
                        const Checkpoint& b, const ModelSpec* spec_b,
                        std::span<const fingerprint::LayerPair> layers) {
  TensorPairs result;
  std::set<int32_t> paired_a;
  std::set<int32_t> paired_b;
  const auto add = [&](const TensorPair& pair) {
    result.pairs.push_back(pair);
    paired_a.insert(pair.tensor_a);
    paired_b.insert(pair.tensor_b);
  };
  if (HaveSameParts(spec_a, spec_b)) {
    const bool with_head = !spec_a->tied() || !spec_b->tied();
    const LayerNumbers numbers = NumbersOf(*spec_a, *spec_b, layers);
    const Parts parts_a = PartsOf(*spec_a, with_head, numbers.a);
    const Parts parts_b = PartsOf(*spec_b, with_head, numbers.b);
    result.all_used_paired = parts_a.size() == parts_b.size() &&
                             !std::ranges::count(numbers.a, kNoLayer) &&
                             !std::ranges::count(numbers.b, kNoLayer);
    for (const auto& [name, part] : parts_a) {
      const auto found = parts_b.find(name);
      if (found == parts_b.end()) {
        result.all_used_paired = false;
        continue;
      }
      add({.tensor_a = part.tensor,
           .tensor_b = found->second.tensor,
           .is_used = true,
           .is_learned = name != kPositionEmbedding,
           .layer_a = part.layer});
    }
  }
  for (size_t i = 0; i < a.tensors().size(); ++i) {
    const auto idx_a = static_cast<int32_t>(i);
    if (paired_a.contains(idx_a)) continue;
    const formats::TensorInfo* other = b.Find(a.tensors()[i].name);
    const auto idx_b = other == nullptr
                           ? kNoTensor
                           : static_cast<int32_t>(other - b.tensors().data());
    if (idx_b == kNoTensor || paired_b.contains(idx_b)) {
      result.only_a.push_back(idx_a);
    } else {
      add({.tensor_a = idx_a, .tensor_b = idx_b});
    }
  }
  for (size_t i = 0; i < b.tensors().size(); ++i) {
    const auto idx_b = static_cast<int32_t>(i);
    if (!paired_b.contains(idx_b)) result.only_b.push_back(idx_b);
  }
  return result;
}

std::vector<std::string> DifferingSettings(const WeightSide& a,
                                           const ModelSpec* spec_a,
                                           const WeightSide& b,
                                           const ModelSpec* spec_b) {
  std::vector<std::string> keys;
  if (spec_a != nullptr && spec_b != nullptr) {
    keys = DifferingInSpecs(*spec_a, *spec_b);
  } else {
    keys =
        DifferingKeys(a.checkpoint->config().raw, b.checkpoint->config().raw);
  }
  const bool are_known = a.tokenizer != nullptr && b.tokenizer != nullptr;
  if (are_known && !a.tokenizer->IsSame(*b.tokenizer)) {
    keys.emplace_back(kTokenizerSetting);
  }
  return keys;
}

}  // namespace revlm::verify
