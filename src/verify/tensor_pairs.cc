#include "verify/tensor_pairs.h"

#include <algorithm>
#include <map>
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

using Parts = std::map<std::string, int32_t>;

void AddNorm(const std::string& part, const NormTensors& norm, Parts& parts) {
  parts[part + ".weight"] = norm.weight;
  parts[part + ".bias"] = norm.bias;
}

void AddLinear(const std::string& part, const LinearTensors& linear,
               Parts& parts) {
  parts[part + ".weight"] = linear.weight;
  parts[part + ".bias"] = linear.bias;
}

void AddLayer(const std::string& prefix, const engine::LayerTensors& layer,
              Parts& parts) {
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
}

// What each part's tensor is. The head only where `with_head`.
Parts PartsOf(const ModelSpec& spec, bool with_head) {
  Parts parts;
  parts["embedding"] = spec.embedding;
  parts["position_embedding"] = spec.position_embedding;
  if (with_head) parts["head"] = spec.head;
  AddNorm("final_norm", spec.final_norm, parts);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    AddLayer(fmt::format("layer{}.", i), spec.layers[i], parts);
  }
  std::erase_if(parts,
                [](const auto& part) { return part.second == kNoTensor; });
  return parts;
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

std::set<std::string> DifferingKeys(const base::Json& a, const base::Json& b) {
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
  return keys;
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

}  // namespace

TensorPairs PairTensors(const Checkpoint& a, const ModelSpec* spec_a,
                        const Checkpoint& b, const ModelSpec* spec_b) {
  TensorPairs result;
  std::set<int32_t> paired_a;
  std::set<int32_t> paired_b;
  const auto add = [&](int32_t tensor_a, int32_t tensor_b, bool is_used) {
    result.pairs.push_back({tensor_a, tensor_b, is_used});
    paired_a.insert(tensor_a);
    paired_b.insert(tensor_b);
  };
  if (HaveSameParts(spec_a, spec_b)) {
    const bool with_head = !spec_a->tied() || !spec_b->tied();
    const Parts parts_a = PartsOf(*spec_a, with_head);
    const Parts parts_b = PartsOf(*spec_b, with_head);
    result.all_used_paired = parts_a.size() == parts_b.size();
    for (const auto& [part, tensor_a] : parts_a) {
      const auto found = parts_b.find(part);
      if (found == parts_b.end()) {
        result.all_used_paired = false;
      } else {
        add(tensor_a, found->second, true);
      }
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
      add(idx_a, idx_b, false);
    }
  }
  for (size_t i = 0; i < b.tensors().size(); ++i) {
    const auto idx_b = static_cast<int32_t>(i);
    if (!paired_b.contains(idx_b)) result.only_b.push_back(idx_b);
  }
  return result;
}

std::vector<std::string> DifferingSettings(const Checkpoint& a,
                                           const ModelSpec* spec_a,
                                           const Checkpoint& b,
                                           const ModelSpec* spec_b) {
  if (spec_a == nullptr || spec_b == nullptr) {
    const auto keys = DifferingKeys(a.config().raw, b.config().raw);
    return {keys.begin(), keys.end()};
  }
  std::vector<std::string> keys;
  const auto note = [&](const char* key, bool equal) {
    if (!equal) keys.emplace_back(key);
  };
  note("activation", spec_a->activation == spec_b->activation);
  note("attention_scales",
       spec_a->attention_scales == spec_b->attention_scales);
  note("head_dim", spec_a->head_dim == spec_b->head_dim);
  note("hidden_size", spec_a->hidden_size == spec_b->hidden_size);
  note("intermediate_size",
       spec_a->intermediate_size == spec_b->intermediate_size);
  note("norm", spec_a->family->norm == spec_b->family->norm);
  note("norm_eps", spec_a->norm_eps == spec_b->norm_eps);
  note("num_heads", spec_a->num_heads == spec_b->num_heads);
  note("num_kv_heads", spec_a->num_kv_heads == spec_b->num_kv_heads);
  note("num_layers", spec_a->num_layers == spec_b->num_layers);
  note("parallel_residual",
       spec_a->parallel_residual == spec_b->parallel_residual);
  note("positions", spec_a->family->positions == spec_b->family->positions);
  note("rope", SameAngles(spec_a->rope, spec_b->rope));
  note("vocab_size", spec_a->vocab_size == spec_b->vocab_size);
  note("windows", spec_a->windows == spec_b->windows);
  return keys;
}

}  // namespace revlm::verify
