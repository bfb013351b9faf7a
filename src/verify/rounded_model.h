// A copy of a model with its linear maps rounded to a few bits: an alternative
// that a text may come from.
//
// The copy is an ordinary Hugging Face directory that the engine runs like any
// other: the matrices of attention and MLP hold, as F32, exactly the values
// that the rounded file would be read as; embeddings, head, norms and biases
// are copied as they are. There is no tokenizer: it is the model's own.
//
//   REVLM_ASSIGN_OR_RETURN(
//       const RoundedModel rounded,
//       RoundedModel::Make(checkpoint, Roundings()[0], folder, budget, {}));
//   Engine::Open(rounded.checkpoint(), ...)
//
// Threads: thread-confined; `checkpoint()` as Checkpoint says. Lifetime: the
// directory is removed by the destructor; a process that is killed leaves it
// behind. Memory: `MakeBytes` while it is made, reserved in the budget. Errors:
// kBudgetExceeded, kUnavailable (disk full), kCancelled, those of models that
// the engine does not know. Determinism: of model and rounding.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "base/error.h"
#include "engine/model.h"
#include "formats/checkpoint.h"
#include "memory/budget.h"
#include "verify/rounding.h"

namespace revlm::verify {

class RoundedModel {
 public:
  // Writes to `parent/NAME`, NAME that of the rounding.
  static Result<RoundedModel> Make(const formats::Checkpoint& model,
                                   const Rounding& rounding,
                                   const std::string& parent,
                                   memory::Budget& budget,
                                   const std::stop_token& stop);

  // The copy without its values, which read as zeros and take no room: to plan
  // for. It is that of every rounding. Writes to `parent/outline`.
  static Result<RoundedModel> MakeOutline(const formats::Checkpoint& model,
                                          const std::string& parent);

  // What Make holds meanwhile.
  static uint64_t MakeBytes(const formats::Checkpoint& model,
                            const engine::ModelSpec& spec,
                            const Rounding& rounding);

  RoundedModel(RoundedModel&& other) noexcept
      : directory_(std::exchange(other.directory_, "")),
        checkpoint_(std::move(other.checkpoint_)) {}
  ~RoundedModel();

  const formats::Checkpoint& checkpoint() const { return *checkpoint_; }

 private:
  explicit RoundedModel(std::string directory)
      : directory_(std::move(directory)) {}

  // The directory, with everything but weights.
  Status CopySmallFiles(const formats::Checkpoint& model);

  std::string directory_;  // empty once moved from
  std::optional<formats::Checkpoint> checkpoint_;
};

}  // namespace revlm::verify
