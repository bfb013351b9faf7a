// What a run needs before its first byte of weights: prompts, models, requests,
// and the law of its memory.
//
// Each model is opened in a worker process, which says what it is, encodes its
// prompts and is closed again, but for the worker of the model that runs first.
// So everything small is known and measured; what the limit leaves beside it
// and a reserve is shared out among workers as leases.
//
//   limit = reserve (memory/limit.h) + program + leases of the workers
//   lease = worker + what its engine plans with
//
// How many run at once was asked, or follows from what each engine predicts for
// a share of memory and cores (sched/at_once.h); where fewer fit, fewer do.
//
// `program` and `worker` are all code of a program and its libraries
// (memory/image.h; what both map counts once), the heap once everything small
// is loaded, and what results and the run's metrics will take of it.
//
// Threads: thread-confined. Errors: those of options, prompt files, models and
// tokenizers; kBudgetExceeded, naming the floor. Determinism: the floor is the
// same whenever the same is asked of the same installation, whatever the limit,
// the directory of the run, or what the page cache holds; so is how many
// models run at once, but where engines measure the machine.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "memory/image.h"
#include "revlm/run.h"
#include "run/journal.h"
#include "run/model_description.h"
#include "run/plan.h"
#include "run/worker.h"
#include "sched/at_once.h"

namespace revlm::run {

// One prompt on one model, and what came of it.
struct Operation {
  const PlannedPrompt* prompt = nullptr;
  std::string key;
  std::vector<int32_t> token_ids;  // moved to the result
  std::optional<Error> error;      // it cannot be asked
  std::optional<OperationResult> result;
  JournalPlace kept;        // the result of an earlier start, until it is read
  bool has_failed = false;  // that one
  int32_t attempts = 1;     // that it took

  bool is_done() const { return result || kept.size_bytes > 0; }
};

struct ModelWork {
  ModelDescription description;
  std::optional<Error> cannot_open;   // then hardly anything is described
  std::vector<Operation> operations;  // in the order of prompts

  uint64_t worker_bytes = 0;        // of its process beside its engine
  uint64_t engine_floor_bytes = 0;  // the least for its engine
  uint32_t max_message_bytes = kMaxMessageBytes;  // of its worker
  std::optional<Worker> worker;  // open, has taken all that can be asked
  // Running it, predicted with each of `Preparation::counts` at once; none when
  // there is nothing to ask it.
  std::vector<sched::ModelTime> times;

  const std::string& alias() const { return description.summary.alias; }
  // The planned peak of its worker while the engine holds `engine_bytes`.
  uint64_t PeakBytes(uint64_t engine_bytes) const {
    return worker_bytes +
           std::max(engine_bytes, description.process.loading_bytes);
  }
  uint64_t floor_bytes() const { return PeakBytes(engine_floor_bytes); }
};

struct Preparation {
  // As asked, without prompts and command line; where the number of workers was
  // asked, with threads shared out among them.
  RunOptions options;
  std::vector<PlannedPrompt> prompts;
  std::vector<PromptSystemReport> prompt_systems;  // none: none made them
  std::string unasked_notice;  // which models get no prompt in this mode
  std::string limit_notice;    // the limit is less than was asked for
  memory::Image image;         // of this process
  uint64_t limit_bytes = 0;
  uint64_t given_bytes = 0;         // run/needs.h
  uint64_t program_bytes = 0;       // of this process
  uint64_t floor_bytes = 0;         // the least limit
  uint64_t workers_peak_bytes = 0;  // measured, of the workers until now
  int32_t max_models_at_once = 0;   // that memory would allow
  int32_t num_threads = 0;          // of all workers together
  std::vector<int32_t> counts;      // of models at once that are compared; none
                                    // when the number was asked
  std::vector<sched::AtOnce> choices;  // of them, those that fit
  int32_t num_workers = 0;             // at once
  int32_t threads_each = 0;            // of an engine's; 0: all of them
  std::vector<ModelWork> work;         // in the order of models
  std::vector<size_t> order;           // of `work`, the most urgent first

  int64_t num_operations() const;
  // What it took at most to describe models, one worker at a time.
  uint64_t OpeningBytes() const;
  // What workers may hold together, and one of them.
  uint64_t WorkersBytes() const;
  uint64_t LeaseBytes(const ModelWork& of) const;
  // What it leaves a model's engine.
  uint64_t EngineBytes(const ModelWork& of) const {
    return LeaseBytes(of) - std::min(LeaseBytes(of), of.worker_bytes);
  }
};

Result<Preparation> Prepare(const RunOptions& options);

}  // namespace revlm::run
