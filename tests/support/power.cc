#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "support/audit_games.h"
#include "support/audits.h"

namespace revlm::testing {
namespace {

using stats::Closeness;

constexpr uint64_t kMostLooks = 100'000;

const double kLogOneOverAlpha = -std::log(kAlpha);

template <typename Audit>
Power Measure(uint64_t num_audits, const std::string& name, double bound,
              const Audit& audit) {
  std::vector<uint64_t> looks;
  for (uint64_t i = 0; i < num_audits; ++i) {
    looks.push_back(audit(base::RandomBits(kSeed, i)).value_or(kMostLooks));
  }
  std::sort(looks.begin(), looks.end());
  return {name, bound, looks[looks.size() / 2], looks[looks.size() * 9 / 10]};
}

// KL of two coins, in nats.
double CoinDivergence(double p, double q) {
  return p * std::log(p / q) + (1 - p) * std::log((1 - p) / (1 - q));
}

void MeasureBets(uint64_t num_audits, std::vector<Power>& powers) {
  for (const double p : {0.52, 0.55, 0.6, 0.7}) {
    powers.push_back(
        Measure(num_audits, "bet: coin of " + fmt::format("{}", p),
                kLogOneOverAlpha / CoinDivergence(p, 0.5), [p](uint64_t seed) {
                  return AuditBet(0, kMostLooks, [=](uint64_t idx) {
                    return base::UniformDouble(seed, idx) < p ? 1.0 : -1.0;
                  });
                }));
  }
}

void MeasureDivergences(uint64_t num_audits, std::vector<Power>& powers) {
  // Who has seen only zeros must see so many to exclude that one prompt in 100
  // is beyond the cut.
  const double same_bound = kLogOneOverAlpha / -std::log1p(-0.01);
  powers.push_back(
      Measure(num_audits, "SAME: 1e-4 nats", same_bound, [](uint64_t seed) {
        return AuditDivergence(Closeness::kSame, kMostLooks, [=](uint64_t idx) {
          return -1e-4 * std::log1p(-base::UniformDouble(seed, idx));
        });
      }));
  // The nearest that is not DIFFERENT has 1 prompt in 100 at the cut.
  powers.push_back(
      Measure(num_audits, "DIFFERENT: 1e-2 nats, 1 prompt in 10",
              kLogOneOverAlpha / CoinDivergence(0.1, 0.01), [](uint64_t seed) {
                return AuditDivergence(
                    Closeness::kDifferent, kMostLooks, [=](uint64_t idx) {
                      return base::UniformDouble(seed, idx) < 0.1 ? 0.1 : 0.0;
                    });
              }));
}

void MeasureTexts(uint64_t num_audits, std::vector<Power>& powers) {
  const ToyModel claimed(kSeed);
  TextGame game = {.claimed = claimed, .served = claimed};
  constexpr double kNoises[] = {0.1, 0.2, 0.4, 0.8};
  for (const double noise : kNoises) {
    game.alternatives.push_back(claimed.WithNoise(kSeed + 1, noise));
  }
  const auto measure = [&](const std::string& name, TextTest test) {
    powers.push_back(
        Measure(num_audits, name,
                kLogOneOverAlpha / game.served.DivergenceFrom(game.claimed),
                [&](uint64_t seed) {
                  return AuditText(game, test, seed, kMostLooks);
                }));
  };
  for (size_t i = 0; i < game.alternatives.size(); ++i) {
    const std::string name = fmt::format("noise {}", kNoises[i]);
    game.served = game.alternatives[i];
    measure("catalogue that holds it: " + name, TextTest::kCatalogue);
    // Other noise that the catalogue does not hold, half of it in common.
    game.served = claimed.WithNoise(kSeed + 1, kNoises[i] * 0.8)
                      .WithNoise(kSeed + 2, kNoises[i] * 0.6);
    measure("catalogue with a near miss: " + name, TextTest::kCatalogue);
  }
  const ToyModel impostor(kSeed + 3);
  for (const double share : {0.1, 0.2, 0.5, 1.0}) {
    game.served = claimed.MixedWith(impostor, share);
    const std::string name = fmt::format("impostor, share {}", share);
    measure("typicality: " + name, TextTest::kTypicality);
    measure("average of the two: " + name, TextTest::kAverage);
  }
}

}  // namespace

std::vector<Power> MeasurePower(uint64_t num_audits) {
  std::vector<Power> powers;
  MeasureBets(num_audits, powers);
  MeasureDivergences(num_audits, powers);
  MeasureTexts(num_audits, powers);
  return powers;
}

}  // namespace revlm::testing
