// The paired typicality bet: whether answers come from the reference's
// distribution, when the other side gives only short texts and no probability.
//
// Per prompt, the reference model is asked several times and its answers split
// before anyone looks: the first part says how common each answer is, of the
// second part each answer is used once, paired with one of the target's. With
// share(a) the part of the first that was a, an answer is as typical as
//
//   s(a) = 1 + ln(max(share(a), 1/200)) / ln 200        in [0, 1]
//
// and the payoff of a pair is g = s(reference's answer) - s(target's answer),
// in [-1, 1]. If both answers have the same distribution they can be exchanged,
// so E[g] = 0 whatever that distribution is: a `Bet` without tolerance.
// Sampling must be alike on both sides (temperature, system prompt,
// whitespace).
//
// It finds answers that are rarer with the reference than the reference's own.
// A target that gives only the most common answer has E[g] < 0 and is not
// found; for it, bet on -g too and average the two.
//
// `error_rate_test.cc` and `power_test.cc` measure both kinds of error.
//
// Threads: thread-compatible; const calls at once. Memory: the distinct
// answers. Determinism: of the answers, in any order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace revlm::stats {

// One for each prompt.
class Typicality {
 public:
  // From the first part of the reference's answers; without any, every answer
  // is equally typical.
  explicit Typicality(std::span<const std::string> answers);

  // s(answer).
  double Score(std::string_view answer) const;

  // For `Bet::Add`.
  double Payoff(std::string_view reference_answer,
                std::string_view target_answer) const {
    return Score(reference_answer) - Score(target_answer);
  }

 private:
  std::map<std::string, uint64_t, std::less<>> counts_;
  uint64_t num_answers_;
};

}  // namespace revlm::stats
