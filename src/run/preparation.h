// What a run needs before its first byte of weights: prompts, models, requests,
// and the law of its memory.
//
// Everything small is loaded first and measured; what the limit leaves beside
// it and a reserve is the budget that engines plan with.
//
//   limit = reserve (memory/limit.h) + program + budget of the engines
//
// `program` is all code of the program and its libraries (memory/image.h), the
// heap once everything small is loaded, and what the results will take of it.
//
// Threads: thread-confined. Errors: those of options, prompt files, models and
// tokenizers; kBudgetExceeded, naming the floor. Determinism: the floor is the
// same whenever the same is asked of the same installation, whatever the limit,
// the directory of the run, or what the page cache holds.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/engine.h"
#include "memory/budget.h"
#include "revlm/run.h"
#include "run/model.h"
#include "run/plan.h"

namespace revlm::run {

// One prompt on one model, ready to be asked.
struct PlannedOperation {
  const PlannedPrompt* prompt = nullptr;
  std::string key;
  engine::Request request;
  std::optional<Error> error;  // it cannot be asked
};

struct ModelWork {
  Model model;
  std::vector<PlannedOperation> operations;  // in the order of prompts
};

struct Preparation {
  std::vector<PlannedPrompt> prompts;
  std::string unasked_notice;  // which models get no prompt in this mode
  std::string limit_notice;    // the limit is less than was asked for
  uint64_t limit_bytes = 0;
  uint64_t program_bytes = 0;
  uint64_t loading_bytes = 0;  // what it took beside the program until now
  uint64_t floor_bytes = 0;    // the least limit
  int32_t max_models_at_once = 0;
  std::unique_ptr<memory::Budget> budget;
  memory::Reservation program;
  std::vector<ModelWork> work;

  int64_t num_operations() const {
    int64_t count = 0;
    for (const ModelWork& of : work) {
      count += static_cast<int64_t>(of.operations.size());
    }
    return count;
  }

  // The planned peak of the process while engines hold `engine_bytes`.
  uint64_t PeakBytes(uint64_t engine_bytes) const {
    return program_bytes + std::max(engine_bytes, loading_bytes);
  }
};

Result<Preparation> Prepare(const RunOptions& options);

// The requests of a model's operations that can be asked.
std::vector<engine::Request> RequestsOf(const ModelWork& work);

}  // namespace revlm::run
