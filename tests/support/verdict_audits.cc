#include "support/verdict_audits.h"

#include <algorithm>
#include <functional>
#include <string>

#include "base/random.h"
#include "verify/pair_divergence.h"
#include "verify/verdict.h"

namespace revlm::testing {
namespace {

using verify::PairDivergence;
using verify::PairEvidence;

// What a prompt brings: both at most the tolerance on average, so that
// DIFFERENT is wrong.
struct Nats {
  double forward;
  double mirror;
};
using Draw = std::function<Nats(uint64_t seed, uint64_t idx)>;

struct Case {
  const char* name;
  Draw draw;
};

std::vector<Case> Cases() {
  using base::UniformDouble;
  const auto rare = [](uint64_t seed, uint64_t idx) {
    return UniformDouble(seed, idx) < 0.01 ? 5.0 : 0.0;
  };
  const auto common = [](uint64_t seed, uint64_t idx) {
    return 2e-3 * UniformDouble(seed, idx);
  };
  return {{"a model and itself", [](uint64_t, uint64_t) { return Nats{0, 0}; }},
          {"arithmetic noise",
           [=](uint64_t seed, uint64_t idx) {
             const double noise = 1e-6 * UniformDouble(seed, idx);
             return Nats{noise, noise};
           }},
          {"at the edge, both directions alike",
           [=](uint64_t seed, uint64_t idx) {
             return Nats{common(seed, idx), common(seed, idx)};
           }},
          {"at the edge, directions apart",
           [=](uint64_t seed, uint64_t idx) {
             return Nats{common(seed, idx), rare(seed ^ 1, idx)};
           }},
          {"at the edge, 1 prompt in 100 beyond the cut",
           [=](uint64_t seed, uint64_t idx) {
             return Nats{rare(seed, idx), rare(seed ^ 1, idx)};
           }}};
}

// `num_pairs` unrelated pairs judged together; whether any is called
// `verdict`.
bool Audit(const Case& of, Verdict verdict, size_t num_pairs, uint64_t seed,
           uint64_t num_looks) {
  std::vector<PairDivergence> divergences(
      num_pairs, PairDivergence::Create({.alpha = kAlpha}, num_pairs).value());
  std::vector<PairEvidence> pairs(num_pairs);
  for (PairEvidence& pair : pairs) {
    pair.weights.emplace().relation = Relation::kIndependent;
  }
  for (uint64_t idx = 0; idx < num_looks; ++idx) {
    for (size_t i = 0; i < num_pairs; ++i) {
      const Nats nats = of.draw(base::RandomBits(seed, i), idx);
      divergences[i].Add(nats.forward, nats.mirror).value();
      pairs[i].behaviour = divergences[i].Decision(Scale::kTokens);
    }
    for (const verify::PairVerdict& found :
         verify::FormVerdicts(pairs, {.alpha = kAlpha})) {
      if (found.verdict == verdict) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<ErrorRate> MeasureVerdictErrorRates(uint64_t num_audits,
                                                uint64_t num_looks) {
  std::vector<ErrorRate> rates;
  const auto count = [&](const std::string& name, const Case& of,
                         size_t num_pairs, uint64_t looks) {
    const uint64_t seed = kSeed + 1000 + rates.size();
    ErrorRate rate = {.name = name, .num_errors = 0, .num_audits = num_audits};
    for (uint64_t i = 0; i < num_audits; ++i) {
      if (Audit(of, Verdict::kDifferent, num_pairs, base::RandomBits(seed, i),
                looks)) {
        ++rate.num_errors;
      }
    }
    rates.push_back(std::move(rate));
  };
  const std::vector<Case> cases = Cases();
  constexpr uint64_t kMostLooks = 1000;  // each forms all verdicts anew
  for (const Case& of : cases) {
    count(std::string("verdict DIFFERENT: ") + of.name, of, 1,
          std::min(num_looks, kMostLooks));
  }
  count("verdict DIFFERENT of any of 10 pairs, at the edge", cases[3], 10,
        std::min<uint64_t>(num_looks, 100));
  // Nothing is called SAME by its behaviour: the weights are here, and are not.
  ErrorRate same = {
      .name = "verdict SAME: a taught copy", .num_errors = 0, .num_audits = 20};
  for (uint64_t i = 0; i < same.num_audits; ++i) {
    if (Audit(cases[0], Verdict::kSame, 1, i, 1000)) ++same.num_errors;
  }
  rates.push_back(std::move(same));
  return rates;
}

uint64_t CountFoundDifferent(double times_tolerance, uint64_t num_audits,
                             uint64_t num_looks) {
  const Case of = {"apart", [=](uint64_t seed, uint64_t idx) {
                     const double nats = 2e-3 * times_tolerance *
                                         base::UniformDouble(seed, idx);
                     return Nats{nats, nats};
                   }};
  uint64_t num_found = 0;
  for (uint64_t i = 0; i < num_audits; ++i) {
    if (Audit(of, Verdict::kDifferent, 1, base::RandomBits(kSeed, i),
              num_looks)) {
      ++num_found;
    }
  }
  return num_found;
}

}  // namespace revlm::testing
