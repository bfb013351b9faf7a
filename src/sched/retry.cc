#include "sched/retry.h"

#include <algorithm>

#include "base/random.h"

namespace revlm::sched {
namespace {

using std::chrono::nanoseconds;

// The longest that a retry may wait.
nanoseconds Ceiling(const RetryPolicy& policy, int64_t num_retries) {
  const int64_t first = policy.first_wait.count();
  const int64_t longest = policy.longest_wait.count();
  const int64_t num_doublings = std::min<int64_t>(num_retries, 62);
  if (first > longest >> num_doublings) return policy.longest_wait;
  return nanoseconds(first << num_doublings);
}

}  // namespace

FailureClass Classify(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return FailureClass::kTransient;
    case ErrorCode::kBudgetExceeded:
      return FailureClass::kResource;
    case ErrorCode::kCancelled:
      return FailureClass::kStop;
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kInternal:
      return FailureClass::kDeterministic;
  }
  return FailureClass::kDeterministic;
}

std::optional<nanoseconds> RetryWait(const RetryPolicy& policy,
                                     FailureClass failure, size_t task,
                                     int64_t num_retries) {
  if (failure != FailureClass::kTransient) return std::nullopt;
  if (num_retries >= policy.max_retries) return std::nullopt;
  const double share = base::UniformDouble(base::RandomBits(policy.seed, task),
                                           static_cast<uint64_t>(num_retries));
  const auto ceiling =
      static_cast<double>(Ceiling(policy, num_retries).count());
  return nanoseconds(static_cast<int64_t>(share * ceiling));
}

}  // namespace revlm::sched
