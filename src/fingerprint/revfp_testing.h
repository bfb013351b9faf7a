// Whole fingerprints for tests, of small random models.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/hex.h"
#include "crypto/sha256.h"
#include "fingerprint/fingerprint.h"
#include "fingerprint/states_testing.h"
#include "fingerprint/weights_testing.h"

namespace revlm::testing {

inline std::string HexOf(const std::string& text) {
  return base::ToHex(crypto::Sha256(base::AsBytes(text)));
}

// Of `num_layers` layers; each layer mixes a new direction into the states.
inline fingerprint::Fingerprint MakeFingerprint(const std::string& name,
                                                uint64_t seed,
                                                uint32_t num_layers = 3) {
  constexpr size_t kNumRows = 40;
  fingerprint::Fingerprint made;
  made.model = {.name = name,
                .model_type = "llama",
                .num_layers = num_layers,
                .hidden_size = 16,
                .vocab_size = 100,
                .num_parameters = 12345,
                .identity = HexOf("identity of " + name),
                .tensor_root = HexOf("weights " + std::to_string(seed)),
                .numerics = "test"};
  made.challenge_sha256 = HexOf("challenges");
  made.row_of.push_back(-1);  // a missing position
  for (int32_t i = 0; i < static_cast<int32_t>(kNumRows); ++i) {
    made.row_of.push_back(i);
  }
  std::vector<uint32_t> prompt_of;
  for (uint32_t i = 0; i < kNumRows; ++i) prompt_of.push_back(i / 4);
  std::vector<float> states = RandomStates(seed, kNumRows, 16, 0.8);
  std::vector<fingerprint::LayerSketch> all;
  std::vector<fingerprint::Gram> grams;
  const auto wanted = fingerprint::HypervectorDepths(num_layers);
  for (uint32_t depth = 0; depth <= num_layers; ++depth) {
    const auto gram = fingerprint::CentredGram(states, kNumRows, 16);
    all.push_back(fingerprint::SketchOf(gram));
    for (const uint32_t of : wanted) {
      if (of == depth) grams.push_back(gram);
    }
    made.state_sha256.push_back(base::ToHex(
        crypto::Sha256(std::as_bytes(std::span<const float>(states)))));
    states = Mixed(states, 0.5f,
                   RandomStates(seed + 1000 * (depth + 1), kNumRows, 16, 0.8));
  }
  made.depths = fingerprint::SketchedDepths(num_layers);
  for (const uint32_t depth : made.depths) made.states.push_back(all[depth]);
  made.changes = fingerprint::MeasureChanges(all, prompt_of);
  made.hypervector = fingerprint::MakeHypervector(grams, made.row_of);
  made.weights = SketchModel(MakeSmallModel(seed, num_layers));
  return made;
}

}  // namespace revlm::testing
