// manifest.json: what a run is, enough to repeat it and to check it later
// (docs/formats/run-directory.md).
//
// Threads: pure functions. Errors: kInvalidArgument.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "revlm/run.h"
#include "run/model_description.h"
#include "run/preparation.h"

namespace revlm::run {

// What must be equal for two starts to be of one run.
base::Json PlanToJson(const RunOptions& options, const Preparation& prepared);

base::Json NewManifest(const RunOptions& options, const Preparation& prepared,
                       base::Json plan, const base::Clock& clock);

// Whether the run began with this model, and it could be opened then.
bool BeganWithModel(const base::Json& manifest, size_t model_idx,
                    const std::string& reference);

// The root of a model's weights when it is known.
std::optional<std::string> TensorRootIn(const base::Json& manifest,
                                        size_t model_idx);

// Notes the root; the digest of each tensor goes to the model's tensors file.
void SetTensorRoot(base::Json& manifest, size_t model_idx,
                   const std::string& root);

// tensors-ALIAS.json.
std::string TensorsFileName(const std::string& alias);

// Refuse to resume a run whose finished results this start could not repeat:
// in another numerics class, or, for a run whose tensor root is not known yet,
// with weight files other than those it began with.
Status CheckNumerics(const base::Json& manifest, size_t model_idx,
                     const ModelDescription& model);
Status CheckWeightFiles(const base::Json& manifest, size_t model_idx,
                        const ModelDescription& model);

}  // namespace revlm::run
