#include "stats/typicality.h"

#include <algorithm>
#include <cmath>

namespace revlm::stats {
namespace {

// Answers rarer than 1 in so many count as alike.
constexpr double kRarest = 200;

}  // namespace

Typicality::Typicality(std::span<const std::string> answers)
    : num_answers_(answers.size()) {
  for (const std::string& answer : answers) ++counts_[answer];
}

double Typicality::Score(std::string_view answer) const {
  const auto found = counts_.find(answer);
  if (found == counts_.end()) return 0;
  const double share =
      static_cast<double>(found->second) / static_cast<double>(num_answers_);
  return std::clamp(1 + std::log(share) / std::log(kRarest), 0.0, 1.0);
}

}  // namespace revlm::stats
