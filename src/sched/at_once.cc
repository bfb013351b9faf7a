#include "sched/at_once.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace revlm::sched {
namespace {

// What must be gained to count as faster.
constexpr double kNearlyAsFast = 1.1;

}  // namespace

double SecondsAtOnce(std::span<const ModelTime> models, int32_t at_once) {
  // When each place is free again.
  std::priority_queue<double, std::vector<double>, std::greater<>> places;
  double end = 0;
  double read_seconds = 0;
  for (const ModelTime& model : models) {
    double begin = 0;
    if (places.size() == static_cast<size_t>(at_once)) {
      begin = places.top();
      places.pop();
    }
    places.push(begin + model.seconds);
    end = std::max(end, begin + model.seconds);
    read_seconds += model.read_seconds;
  }
  return std::max(end, read_seconds);
}

std::vector<int32_t> CountsToCompare(int32_t most) {
  std::vector<int32_t> counts;
  for (int32_t count = 1; count < most; count *= 2) counts.push_back(count);
  counts.push_back(most);
  return counts;
}

AtOnce ChooseAtOnce(std::span<const AtOnce> choices) {
  const double fastest =
      std::ranges::min_element(choices, {}, &AtOnce::seconds)->seconds;
  return *std::ranges::find_if(choices, [&](const AtOnce& choice) {
    return choice.seconds <= kNearlyAsFast * fastest;
  });
}

}  // namespace revlm::sched
