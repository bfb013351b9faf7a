// How much each prompt system gives: its share by the strategy, and, once there
// are outcomes, more to those whose last prompts brought more.
//
//   m_i    mean information of system i's last 32 outcomes, in nats per token,
//          and of 8 more at the mean of all systems' last ones
//   w_i    = s_i (m_i / largest m)^16, where s_i is the share by the strategy
//   share  = f s_i / sum of s  +  (1 - f) w_i / sum of w
//
// f is the focus's (`EighthsByStrategy`): that part goes as the strategy says,
// whatever a system brings, so each keeps a floor of f times its share, is
// looked at again, and is found when it becomes better. Systems that bring the
// same keep their shares. A tenth more is much, where a mean must pass a
// tolerance: the sixteenth power makes it 4.6 times the share. The 8 at the
// mean of all keep means of a few prompts, which scatter by as much, from
// deciding.
//
// The shares are a function of options and of the outcomes of prompts that came
// before, as is all that the orchestrator chooses by.
//
// Threads: thread-compatible. Memory: 32 numbers a system. Errors: none.
// Determinism: IEEE multiplication, division and addition in a written order,
// in a module compiled without contraction, then whole numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "challenge/strategy.h"

namespace revlm::challenge {

class Shares {
 public:
  // By the strategy, relative to each other. REQUIRES: above 0.
  Shares(std::span<const int> by_strategy, Focus focus);

  // REQUIRES: information_nats finite and 0 or more.
  void Learn(size_t member_idx, double information_nats);
  // It gives no more, and its share goes to the others.
  void Remove(size_t member_idx);

  // Relative to each other; 0: removed. Their sum is about that of the members'
  // shares by the strategy, times 2^16, as it is exactly before an outcome.
  std::vector<int64_t> Current() const;

 private:
  struct Member {
    int by_strategy = 0;        // 0: removed
    std::deque<double> recent;  // information, nats per token
  };

  std::vector<double> Means() const;

  std::vector<Member> members_;
  Focus focus_;
};

}  // namespace revlm::challenge
