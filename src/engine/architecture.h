// One declarative description per family of models.
//
// A `Family` says what a `model_type` means: which norms, positions, attention
// shape, biases, gating, residual form and head it has, what absent
// configuration keys default to, and how its tensors are called. Adding a
// family is one entry in `architecture.cc` and its golden tests; the forward
// pass (forward.h) reads descriptions and has no code per family.
//
// Families to come fit as further values of these enums and fields: ALiBi is a
// Positions, soft caps and multipliers are scalars of `ModelSpec`, norms after
// a block are further NormTensors of a layer, a mixture of experts is a Gating
// with a list of linears per layer, and multi-head latent attention is a
// QkvForm.
//
// Threads: constants.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/kernels.h"
#include "engine/matmul.h"

namespace revlm::engine {

enum class NormKind { kRms, kLayer };

enum class Positions {
  kRotary,   // RoPE in halves on the first rotary_dim elements of a head
  kLearned,  // a table added to the embedding
};

// How queries, keys and values come out of the projections.
enum class QkvForm {
  kSeparate,      // three matrices
  kFusedThirds,   // one matrix: all queries, all keys, all values
  kFusedPerHead,  // one matrix: for each head its query, key and value
};

enum class Gating {
  kNone,   // down(act(up(x)))
  kGated,  // down(act(gate(x)) * up(x))
};

// Whether a group of linears has biases.
enum class Biases { kNever, kAlways, kAttentionBias, kMlpBias };

// Which layers attend to no more than the configuration's sliding window.
enum class Windows {
  kNone,      // none, whatever the configuration says
  kAll,       // all
  kSwitched,  // those that the configuration lists, when it switches them on
};

// Names of tensors. Those of a layer follow `layer`, whose {} is its number; a
// linear's or norm's tensors are its name with ".weight" and ".bias".
struct TensorNames {
  std::string_view prefix;  // of all but the head; checkpoints may leave it out
  std::string_view embedding;
  std::string_view position_embedding;  // kLearned only
  std::string_view layer;
  std::string_view attention_norm;
  std::string_view mlp_norm;
  std::vector<std::string_view> qkv;  // three names, or one when fused
  std::string_view query_norm;        // per head; empty: none
  std::string_view key_norm;
  std::string_view attention_output;
  std::string_view gate;  // kGated only
  std::string_view up;
  std::string_view down;
  std::string_view final_norm;
  std::string_view head;  // without prefix
};

// What absent configuration keys mean.
struct Defaults {
  double norm_eps = 1e-6;
  Activation activation = Activation::kSilu;
  bool tied_embeddings = false;
  double rotary_factor = 1;  // share of a head that is rotated
  bool attention_bias = false;
  bool parallel_residual = false;
  int64_t sliding_window = 4096;
  int64_t max_window_layers = 28;  // layers before the first that slides
};

struct Family {
  std::string_view model_type;
  NormKind norm = NormKind::kRms;
  Positions positions = Positions::kRotary;
  QkvForm qkv = QkvForm::kSeparate;
  Gating gating = Gating::kGated;
  Biases qkv_biases = Biases::kNever;
  Biases output_biases = Biases::kNever;
  Biases mlp_biases = Biases::kNever;
  WeightLayout layout = WeightLayout::kOutIn;
  Windows windows = Windows::kNone;
  Defaults defaults;
  TensorNames names;
};

// The family of a `model_type`, or nullptr.
const Family* FindFamily(std::string_view model_type);

// "gpt2, gpt_neox, llama, ...", for messages.
std::string_view SupportedFamilies();

}  // namespace revlm::engine
