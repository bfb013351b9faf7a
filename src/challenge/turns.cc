#include "challenge/turns.h"

#include <algorithm>

#include "base/check.h"

namespace revlm::challenge {

Turns::Turns(std::span<const int64_t> shares) : members_(shares.size()) {
  SetShares(shares);
}

bool Turns::empty() const {
  return std::ranges::all_of(members_,
                             [](const Member& m) { return m.share == 0; });
}

size_t Turns::Peek() const {
  REVLM_CHECK(!empty());
  size_t best_idx = members_.size();
  for (size_t i = 0; i < members_.size(); ++i) {
    const Member& member = members_[i];
    if (member.share == 0) continue;
    if (best_idx == members_.size() ||
        member.credit + member.share >
            members_[best_idx].credit + members_[best_idx].share) {
      best_idx = i;
    }
  }
  return best_idx;
}

void Turns::Advance() {
  const size_t turn_idx = Peek();
  for (Member& member : members_) {
    member.credit += member.share;
    members_[turn_idx].credit -= member.share;
  }
}

void Turns::SetShares(std::span<const int64_t> shares) {
  REVLM_CHECK(shares.size() == members_.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    REVLM_CHECK(shares[i] >= 0);
    members_[i].share = shares[i];
  }
}

std::vector<size_t> Turns::Count(size_t num_turns) const {
  std::vector<size_t> counts(members_.size());
  for (Turns rehearsal = *this; num_turns > 0; --num_turns) {
    ++counts[rehearsal.Peek()];
    rehearsal.Advance();
  }
  return counts;
}

}  // namespace revlm::challenge
