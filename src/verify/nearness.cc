#include "verify/nearness.h"

#include <algorithm>
#include <cmath>

#include "stats/bet.h"
#include "stats/combine.h"

namespace revlm::verify {
namespace {

constexpr double kNearer = 0.75;  // c

double BothWays(const PromptDivergence& value) {
  return value.nats + value.mirror_nats;
}

class Relatives {
 public:
  explicit Relatives(std::span<const NearnessPair> pairs) {
    for (const NearnessPair& pair : pairs) {
      num_models_ = std::max({num_models_, pair.a + 1, pair.b + 1});
    }
    are_one_.resize(num_models_ * num_models_);
    for (size_t x = 0; x < num_models_; ++x) are_one_[IndexOf(x, x)] = true;
    for (const NearnessPair& pair : pairs) {
      are_one_[IndexOf(pair.a, pair.b)] = pair.is_related;
      are_one_[IndexOf(pair.b, pair.a)] = pair.is_related;
    }
  }

  bool AreOne(size_t x, size_t y) const { return are_one_[IndexOf(x, y)]; }
  // Whether `other` says what is usual where `pair` may be special.
  bool IsUsual(const NearnessPair& other, const NearnessPair& pair) const {
    if (other.scale != pair.scale || other.is_related) return false;
    return !(AreOne(other.a, pair.a) && AreOne(other.b, pair.b)) &&
           !(AreOne(other.a, pair.b) && AreOne(other.b, pair.a));
  }

 private:
  size_t IndexOf(size_t x, size_t y) const { return x * num_models_ + y; }

  size_t num_models_ = 0;
  std::vector<bool> are_one_;
};

// What two pairs are on the prompts that both have.
struct Both {
  double pair = 0;
  double other = 0;
};
std::vector<Both> OnBoth(const NearnessPair& pair, const NearnessPair& other) {
  std::vector<Both> values;
  const size_t size = std::min(pair.values.size(), other.values.size());
  for (size_t i = 0; i < size; ++i) {
    if (pair.values[i].num_positions == 0) continue;
    if (other.values[i].num_positions == 0) continue;
    values.push_back({BothWays(pair.values[i]), BothWays(other.values[i])});
  }
  return values;
}

// The mean of the first over that of the second; nothing without a mean.
std::optional<double> RatioOf(const std::vector<Both>& values) {
  Both sum;
  for (const Both& value : values) {
    sum.pair += value.pair;
    sum.other += value.other;
  }
  if (!(sum.other > 0)) return std::nullopt;
  return sum.pair / sum.other;
}

// ln e against "the pair is no nearer than the other".
Result<double> BetOnNearer(const std::vector<Both>& values) {
  REVLM_ASSIGN_OR_RETURN(stats::Bet bet, stats::Bet::Create(0));
  for (const Both& value : values) {
    const double far = kNearer * value.other;
    REVLM_TRY(bet.Add(far > value.pair ? 1 : far < value.pair ? -1 : 0));
  }
  return bet.e_process().log_e();
}

// Of one pair; `is_shown` is for all pairs together to say.
Result<std::optional<NearnessFinding>> Find(const NearnessPair& pair,
                                            std::span<const NearnessPair> pairs,
                                            const Relatives& relatives) {
  if (pair.is_related || pair.scale == Scale::kNone) return std::nullopt;
  NearnessFinding finding;
  bool has_others = false;
  std::vector<const NearnessPair*> usual;
  for (const NearnessPair& other : pairs) {
    if (&other == &pair || !relatives.IsUsual(other, pair)) continue;
    usual.push_back(&other);
    const bool is_apart = other.a != pair.a && other.a != pair.b &&
                          other.b != pair.a && other.b != pair.b;
    has_others = has_others || is_apart;
  }
  if (!has_others) return std::nullopt;
  finding.num_pairs = static_cast<int64_t>(usual.size());
  finding.log_e = INFINITY;
  for (const NearnessPair* other : usual) {
    const std::vector<Both> values = OnBoth(pair, *other);
    const std::optional<double> ratio = RatioOf(values);
    if (!ratio) return std::nullopt;
    finding.ratio = std::max(finding.ratio, *ratio);
    // It would lose: e = 1 without a bet.
    if (finding.ratio >= kNearer) finding.log_e = std::min(finding.log_e, 0.0);
    if (finding.log_e <= 0) continue;
    REVLM_ASSIGN_OR_RETURN(const double log_e, BetOnNearer(values));
    finding.log_e = std::min(finding.log_e, log_e);
  }
  return finding;
}

}  // namespace

Result<std::vector<std::optional<NearnessFinding>>> FindNearness(
    std::span<const NearnessPair> pairs, double alpha) {
  const Relatives relatives(pairs);
  std::vector<std::optional<NearnessFinding>> findings;
  std::vector<size_t> asked;
  std::vector<double> log_es;
  for (const NearnessPair& pair : pairs) {
    REVLM_ASSIGN_OR_RETURN(findings.emplace_back(),
                           Find(pair, pairs, relatives));
    if (!findings.back()) continue;
    asked.push_back(findings.size() - 1);
    log_es.push_back(findings.back()->log_e);
  }
  REVLM_ASSIGN_OR_RETURN(const std::vector<size_t> shown,
                         stats::RejectedByEBh(log_es, alpha));
  for (const size_t i : shown) findings[asked[i]]->is_shown = true;
  return findings;
}

}  // namespace revlm::verify
