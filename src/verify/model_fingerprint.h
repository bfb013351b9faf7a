// Makes the fingerprint of an opened model: puts the challenge set to it, keeps
// its states where words end, and reads its weights.
//
// The challenge set is the built-in prompts as they are today; its digest is in
// the fingerprint, and fingerprints of another set are not compared by states.
//
// Threads: thread-confined; the engine uses its own. Memory: what the engine
// plans, and all states at all positions, reserved in `budget` first. Errors:
// those of the engine and of reading; kUnsupported when no word ends where a
// token does. Determinism: of the model and the numerics class.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/engine.h"
#include "fingerprint/fingerprint.h"
#include "memory/budget.h"
#include "run/model.h"

namespace revlm::verify {

struct FingerprintHooks {
  std::stop_token stop;
  std::function<void(const engine::Progress&)> on_progress;  // may be empty
};

// `digest_directory`: where digests of weights are kept between runs; may be
// empty.
Result<fingerprint::Fingerprint> MakeFingerprint(
    run::Model& model, memory::Budget& budget,
    const std::string& digest_directory, const FingerprintHooks& hooks);

// The light way: no prompt is run, and of the weights an eighth of the layers
// is looked at. Weights are compared as usual; states and tensors are not
// known.
struct WeightProbe {
  fingerprint::Fingerprint fingerprint;  // its facts and weights only
  std::vector<uint32_t> layers;          // of the model, those of the sketch
};

Result<WeightProbe> ProbeWeights(run::Model& model, memory::Budget& budget,
                                 const FingerprintHooks& hooks);

}  // namespace revlm::verify
