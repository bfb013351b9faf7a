// What identifies a model: its weights' root, signs of its query and key
// weights, and sketches of its hidden states over a fixed challenge set.
//
// A fingerprint holds what is needed to compare it with any other one, without
// either model. It depends on the model, the challenge set and the numerics
// class, and on nothing else.
//
//   states 0 .. num_layers: the embedding's output, then each layer's
//
// Sketches are kept of at most kMaxDepths of them, evenly spaced; changes and
// digests of all.
//
// Threads: values and pure functions. Memory: a few hundred KiB.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fingerprint/hypervector.h"
#include "fingerprint/layer_sketch.h"
#include "fingerprint/sites.h"
#include "fingerprint/weight_sketch.h"

namespace revlm::fingerprint {

inline constexpr uint32_t kMaxDepths = 17;

struct ModelFacts {
  std::string name;
  std::string model_type;
  uint32_t num_layers = 0;
  uint32_t hidden_size = 0;
  uint64_t vocab_size = 0;
  uint64_t num_parameters = 0;
  std::string identity;     // 64 hex (run/model.h)
  std::string tensor_root;  // 64 hex
  std::string numerics;     // the class its states were computed in

  bool operator==(const ModelFacts&) const = default;
};

struct Fingerprint {
  ModelFacts model;
  std::string challenge_sha256;     // 64 hex, of the challenge set
  std::vector<int32_t> row_of;      // of each position of the set, or kMissing
  std::vector<uint32_t> depths;     // whose sketches follow, ascending
  std::vector<LayerSketch> states;  // one for each depth
  std::vector<std::string> state_sha256;  // 64 hex, of each state's numbers
  std::vector<LayerChange> changes;       // of each layer
  Hypervector hypervector;
  WeightSketch weights;

  bool operator==(const Fingerprint&) const = default;
};

// What of a fingerprint is compared with every reference of a library: all but
// the states, whose comparison takes a hundred times as long.
struct Brief {
  std::string tensor_root;
  std::string challenge_sha256;
  Hypervector hypervector;
  WeightSketch weights;

  bool operator==(const Brief&) const = default;
};

Brief BriefOf(const Fingerprint& fingerprint);

// The depths of which a model of so many layers has sketches: all, or
// kMaxDepths.
std::vector<uint32_t> SketchedDepths(uint32_t num_layers);

// Those of a hypervector: depths as near as there are to quarters.
std::vector<uint32_t> HypervectorDepths(uint32_t num_layers);

struct DepthSimilarity {
  uint32_t depth_a = 0;
  uint32_t depth_b = 0;
  double cka = 0;
};

// How alike two models compute. It says nothing of ancestry: independent models
// of the same data are alike, too.
struct StateSimilarity {
  uint32_t num_positions = 0;  // at which both have a token's end
  // Each sketch of `a` beside the one of `b` at the nearest relative depth.
  std::vector<DepthSimilarity> depths;
  double mean_cka = 0;
  // For models of as many layers. Depth 0: the embeddings differ already.
  std::optional<uint32_t> first_other_bits;  // where numbers first differ
  std::optional<uint32_t> first_apart;  // where CKA is below kStillTogether
};

// CKA that the rounding of sketches does not explain.
inline constexpr double kStillTogether = 0.995;

// The share of different bits of the hypervectors. Nothing when they are of
// different challenge sets.
std::optional<double> CompareHypervectors(const Brief& a, const Brief& b);

// Nothing when they are of different challenge sets.
std::optional<StateSimilarity> CompareStates(const Fingerprint& a,
                                             const Fingerprint& b);

}  // namespace revlm::fingerprint
