// Finds the operations that kill their worker, and gets the others done.
//
// A search begins with a batch. `Next` is the group to run; its outcome is told
// by `Survived` or `Died`, until no group is left. A group that dies is halved
// and its halves run one after the other; the rest of the batch waits together,
// as each group costs a pass over the weights. A group of one that dies
// `max_retries` + 1 times in a row is quarantined: not run again. Larger groups
// count nothing: running an operation again because of its neighbours is a new
// plan, not a retry. Where `kMostInARow` are quarantined and nothing is done
// between them, it is not the operations that kill: the search gives up.
//
//   PoisonSearch search(batch, policy.max_retries);
//   search.Died(finished);  // of the batch, before its worker died
//   while (!search.Next().empty()) ...
//
// Else it ends with each operation done or quarantined: with L =
// ceil(log2(batch)), any L + max_retries + 1 deaths in a row see something done
// or quarantined, and any kMostInARow * (L + max_retries + 1) see something
// done, or are the last; so many has a worker that always dies. Without kills
// from outside exactly the poisons are quarantined, after at most poisons * (L
// + max_retries + 1) deaths. A kill of a group without a poison costs two runs,
// or makes the search for one begin again: with them there are at most (poisons
// + kills) * (L + max_retries + 2) deaths.
//
// Threads: thread-compatible. Memory: O(batch). Determinism: of the calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace revlm::sched {

class PoisonSearch {
 public:
  static constexpr int64_t kMostInARow = 8;

  // REQUIRES: the ids of the batch are distinct, max_retries >= 0.
  PoisonSearch(std::vector<size_t> batch, int64_t max_retries);

  // The ids of the group to run; empty at the end. Changed by the calls below,
  // which REQUIRE that it is not empty.
  const std::vector<size_t>& Next() const { return group_; }

  // How often the group has died already, if it is of one; 0 for larger groups.
  // Above 0, running it is its retry number `num_deaths_alone` - 1.
  int64_t num_deaths_alone() const { return num_deaths_alone_; }

  // All of the group is done.
  void Survived();

  // The worker died. What had `finished` is done; ids not of the group are
  // ignored. O(n log n).
  void Died(std::span<const size_t> finished);

  const std::vector<size_t>& quarantined() const { return quarantined_; }

  // Ended with operations that are neither done nor quarantined.
  bool has_given_up() const { return group_.empty() && !rest_.empty(); }

 private:
  void Halve();
  void DieAlone();

  const int64_t max_retries_;
  int64_t num_deaths_alone_ = 0;
  int64_t num_in_a_row_ = 0;  // quarantined since something was done
  // What is neither done nor quarantined is in exactly one of these.
  std::vector<size_t> group_;
  std::vector<size_t> other_half_;  // of the group that died, to be run next
  std::vector<size_t> rest_;
  std::vector<size_t> quarantined_;
};

}  // namespace revlm::sched
