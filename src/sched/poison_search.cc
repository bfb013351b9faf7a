#include "sched/poison_search.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace revlm::sched {
namespace {

// Moves all of `from` to the end of `to`.
void MoveAll(std::vector<size_t>& from, std::vector<size_t>& to) {
  to.insert(to.end(), from.begin(), from.end());
  from.clear();
}

}  // namespace

PoisonSearch::PoisonSearch(std::vector<size_t> batch, int64_t max_retries)
    : max_retries_(max_retries), group_(std::move(batch)) {
  REVLM_CHECK(max_retries >= 0);
}

void PoisonSearch::Survived() {
  REVLM_CHECK(!group_.empty());
  num_deaths_alone_ = 0;
  num_in_a_row_ = 0;
  group_.clear();
  std::swap(group_, other_half_.empty() ? rest_ : other_half_);
}

void PoisonSearch::Died(std::span<const size_t> finished) {
  REVLM_CHECK(!group_.empty());
  const bool was_alone = group_.size() == 1;
  std::vector<size_t> done(finished.begin(), finished.end());
  std::sort(done.begin(), done.end());
  std::vector<size_t> left;
  for (const size_t id : group_) {
    if (!std::binary_search(done.begin(), done.end(), id)) left.push_back(id);
  }
  if (left.empty()) return Survived();
  if (left.size() < group_.size()) num_in_a_row_ = 0;
  group_ = std::move(left);
  if (was_alone) {
    DieAlone();
  } else {
    Halve();
  }
}

// The poison is in this group, so nothing is known of the other half any more.
void PoisonSearch::Halve() {
  MoveAll(other_half_, rest_);
  const auto middle =
      group_.begin() + static_cast<std::ptrdiff_t>((group_.size() + 1) / 2);
  other_half_.assign(middle, group_.end());
  group_.erase(middle, group_.end());
}

void PoisonSearch::DieAlone() {
  if (++num_deaths_alone_ <= max_retries_) return;
  num_deaths_alone_ = 0;
  MoveAll(group_, quarantined_);
  MoveAll(other_half_, rest_);
  if (++num_in_a_row_ < kMostInARow) std::swap(group_, rest_);
}

}  // namespace revlm::sched
