// One model, open in the process that works for it: a worker's side of the
// messages of run/worker_messages.h.
//
// Threads: thread-confined. Lifetime: owns the model and its budget. Memory:
// what `ModelDescription` says, the requests taken, and in `Run` and `Plan` at
// most `engine_bytes`. Errors: those of opening and running a model.
// Determinism: that of the engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "memory/budget.h"
#include "run/model.h"
#include "run/weight_digests.h"
#include "run/worker_messages.h"

namespace revlm::run {

class Session {
 public:
  // Called with what is to be told while a run goes on; an error stops it.
  using Tell = std::function<Status(const FromWorker&)>;
  // Called before anything is begun: whether nothing more is to be; an error
  // stops the run.
  using AskDrain = std::function<Result<bool>()>;

  static Result<std::unique_ptr<Session>> Open(const OpenModel& message);

  ModelDescription Describe() const;
  EncodedPrompts Encode(const EncodePrompts& message) const;
  void Take(TakeRequests message);
  // The keys of the requests taken, in their order.
  const std::vector<std::string>& keys() const { return keys_; }
  uint64_t FloorBytes();
  Result<engine::RunPlan> Plan(const AskPlan& message);
  // DigestRoot, or Failed.
  FromWorker Digests(const AskDigests& message);

  // How running the requests taken ended: nothing when all are complete, or
  // those are that were begun before `ask_drain` said to begin no more. What
  // is told counts all of them, also when the run is adaptive and they go in
  // parts (run/adaptive_runner.h).
  std::optional<Failed> Run(const RunRequests& message, const Tell& tell,
                            const AskDrain& ask_drain);

 private:
  class Running;  // one call of Run

  explicit Session(const OpenModel& message)
      : options_(message.options),
        spill_directory_(message.spill_directory),
        budget_(message.budget_bytes),
        cache_(message.options.environment.cache_dir) {}

  // Those that are kept, or, when `reads_weights`, taken now.
  Result<std::optional<WeightDigests>> FindDigests(bool reads_weights);
  // Of the engine's threads, those that a message allows it.
  int32_t ThreadsOf(int32_t num_threads) const;
  // What keeps the engine from taking more than `engine_bytes`.
  Result<memory::Reservation> LeaveFor(uint64_t engine_bytes);

  const RunOptions options_;
  const std::string spill_directory_;
  memory::Budget budget_;
  const DigestCache cache_;
  Model model_;
  std::vector<std::string> keys_;
  std::vector<engine::Request> requests_;
  bool hashes_ = false;  // passes take digests
};

}  // namespace revlm::run
