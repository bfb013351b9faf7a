#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "support/audit_games.h"
#include "support/audits.h"

namespace revlm::testing {
namespace {

using stats::Closeness;

class Measurement {
 public:
  Measurement(uint64_t num_audits, uint64_t num_looks)
      : num_audits_(num_audits), num_looks_(num_looks) {}

  // Every audit of `audit(seed)` that gets anywhere is an error.
  template <typename Audit>
  void Count(const std::string& name, const Audit& audit) {
    const uint64_t seed = kSeed + rates_.size();
    uint64_t num_errors = 0;
    for (uint64_t i = 0; i < num_audits_; ++i) {
      if (audit(base::RandomBits(seed, i))) ++num_errors;
    }
    rates_.push_back({name, num_errors, num_audits_});
  }

  void CountStream(const Stream& stream) {
    const std::string name = stream.name;
    const auto values = [&stream](uint64_t seed) {
      return [&stream, seed](uint64_t idx) { return stream.draw(seed, idx); };
    };
    Count("bet that it is above: " + name, [&](uint64_t seed) {
      return AuditBet(stream.mean, num_looks_, values(seed));
    });
    Count("bet that it is below: " + name, [&](uint64_t seed) {
      return AuditBet(0, num_looks_, [&](uint64_t idx) {
        return stream.mean - stream.draw(seed, idx);
      });
    });
    Count("confidence sequence: " + name, [&](uint64_t seed) {
      return AuditInterval(stream.mean, num_looks_, values(seed));
    });
  }

  void CountDrifting() {
    // From far below the tolerance up to it, with what is most variable.
    Count("bet that it is above: drifts up to it", [&](uint64_t seed) {
      return AuditBet(0.3, num_looks_, [&](uint64_t idx) {
        const double part = std::min(1.0, 2 * static_cast<double>(idx) /
                                              static_cast<double>(num_looks_));
        return base::UniformDouble(seed, idx) < 0.3 * part ? 1.0 : 0.0;
      });
    });
  }

  void CountDivergences() {
    // At the edge: the mean of what is cut is exactly the limit of SAME.
    const auto rare = [](uint64_t seed) {
      return [seed](uint64_t idx) {
        return base::UniformDouble(seed, idx) < 0.01 ? 5.0 : 0.0;
      };
    };
    const auto common = [](uint64_t seed) {
      return [seed](uint64_t idx) {
        return 2e-3 * base::UniformDouble(seed, idx);
      };
    };
    const auto both = [this](const std::string& name, const auto& nats) {
      Count("false SAME: " + name, [&](uint64_t seed) {
        return AuditDivergence(Closeness::kSame, num_looks_, nats(seed));
      });
      Count("false DIFFERENT: " + name, [&](uint64_t seed) {
        return AuditDivergence(Closeness::kDifferent, num_looks_, nats(seed));
      });
    };
    both("1 prompt in 100 beyond the cut", rare);
    both("all prompts alike", common);
    CountChosen();
  }

  // Prompts chosen by what the last ones brought, to drive a bet up: each
  // brings the tolerance on average, as so many times the tolerance or nothing.
  // For DIFFERENT as many times as are missing for the verdict; for SAME it is
  // hard to lose while there is something to lose, and easy otherwise.
  void CountChosen() {
    for (const double least : {1.2, 3.0, 100.0}) {
      CountChosen(Closeness::kDifferent, least,
                  [least](const stats::Divergence& divergence) {
                    const double missing = std::exp(std::log(2 / kAlpha) -
                                                    divergence.LogEDifferent());
                    return std::clamp(missing, least, 100.0);
                  });
      CountChosen(Closeness::kSame, least,
                  [least](const stats::Divergence& divergence) {
                    return divergence.LogESame() > 0 ? 100.0 : least;
                  });
    }
  }

  template <typename Times>
  void CountChosen(Closeness verdict, double least, const Times& times) {
    const char* name = verdict == Closeness::kSame ? "SAME" : "DIFFERENT";
    Count(fmt::format("false {}: prompts chosen, of {} and more", name, least),
          [&](uint64_t seed) {
            auto divergence =
                stats::Divergence::Create({.alpha = kAlpha}).value();
            return LookUntil(num_looks_, [&](uint64_t idx) {
              const double many = times(divergence);
              const bool is_hit = base::UniformDouble(seed, idx) < 1 / many;
              divergence.Add(is_hit ? 1e-3 * many : 0).value();
              return divergence.closeness() == verdict;
            });
          });
  }

  void CountTexts() {
    const ToyModel claimed(kSeed);
    TextGame game = {.claimed = claimed, .served = claimed};
    for (uint64_t i = 1; i <= 8; ++i) {
      game.alternatives.push_back(
          claimed.WithNoise(kSeed + i, 0.1 * static_cast<double>(i)));
    }
    const uint64_t num_looks = std::min<uint64_t>(num_looks_, 600);
    const auto count = [&](const std::string& name, TextTest test) {
      Count(name, [&](uint64_t seed) {
        return AuditText(game, test, seed, num_looks);
      });
    };
    count("catalogue", TextTest::kCatalogue);
    count("typicality", TextTest::kTypicality);
    count("average of the two", TextTest::kAverage);
    game.share = 0.2;
    count("catalogue of mixtures", TextTest::kCatalogue);
    Count("e-BH over 20 pairs", [&](uint64_t seed) {
      return AuditPairs(seed, 20, std::min<uint64_t>(num_looks_, 200));
    });
  }

  const std::vector<ErrorRate>& rates() const { return rates_; }

 private:
  const uint64_t num_audits_;
  const uint64_t num_looks_;
  std::vector<ErrorRate> rates_;
};

}  // namespace

std::vector<ErrorRate> MeasureErrorRates(uint64_t num_audits,
                                         uint64_t num_looks) {
  Measurement measurement(num_audits, num_looks);
  for (const Stream& stream : Streams()) measurement.CountStream(stream);
  measurement.CountDrifting();
  measurement.CountDivergences();
  measurement.CountTexts();
  return measurement.rates();
}

}  // namespace revlm::testing
