// Products of matrices by the engine's library, on the threads of a pool.
//
// Threads: thread-confined. Lifetime: borrows the pool and the budget. Memory:
// scratch of the library, reserved in the budget. Errors: kBudgetExceeded,
// kInternal, and kCancelled once a stop is requested. Determinism: rows are cut
// into tiles of a fixed height, so results do not depend on the number of
// threads.
#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <utility>

#include "base/error.h"
#include "engine/onednn_product.h"
#include "engine/thread_pool.h"
#include "fingerprint/matrix.h"
#include "memory/arena.h"
#include "memory/budget.h"

namespace revlm::verify {

class EngineMultiplier final : public fingerprint::Multiplier {
 public:
  EngineMultiplier(engine::ThreadPool& pool, memory::Budget& budget,
                   std::stop_token stop = {})
      : pool_(pool), budget_(budget), stop_(std::move(stop)) {}

  Status Multiply(const fingerprint::Matrix& a, const fingerprint::Matrix& b,
                  fingerprint::Matrix& out) override;
  Status MultiplyTransposed(const fingerprint::Matrix& a,
                            const fingerprint::Matrix& b,
                            fingerprint::Matrix& out) override;

 private:
  Status Run(const fingerprint::Matrix& a, const fingerprint::Matrix& b,
             engine::WeightLayout layout, fingerprint::Matrix& out);
  Result<const engine::OnednnProduct*> Compiled(
      const engine::ProductShape& shape);

  // Scratch of at least so much for each thread.
  Status MakeRoom(uint64_t scratch_bytes);

  engine::ThreadPool& pool_;
  memory::Budget& budget_;
  const std::stop_token stop_;
  std::map<engine::ProductShape, engine::OnednnProduct> compiled_;
  memory::Arena scratch_;
  uint64_t scratch_bytes_ = 0;  // of each thread
};

}  // namespace revlm::verify
