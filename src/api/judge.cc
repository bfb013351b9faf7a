#include "api/judge.h"

#include <vector>

#include "stats/divergence.h"
#include "verify/evidence.h"
#include "verify/pair_divergence.h"
#include "verify/verdict.h"

namespace revlm {

Status Judge(const PromptTable& values, Comparison& comparison) {
  const stats::DivergenceRules rules = {.same_nats = comparison.same_nats,
                                        .most_nats = comparison.most_nats,
                                        .alpha = comparison.alpha};
  std::vector<verify::PairEvidence> evidence;
  for (size_t i = 0; i < comparison.pairs.size(); ++i) {
    PairComparison& pair = comparison.pairs[i];
    if (pair.behaviour && pair.behaviour->scale != Scale::kNone) {
      REVLM_ASSIGN_OR_RETURN(
          auto divergence,
          verify::PairDivergence::Create(rules, comparison.pairs.size()));
      for (const verify::PromptDivergence& value : values[i]) {
        if (value.num_positions == 0) continue;
        REVLM_TRY(divergence.Add(value.nats, value.mirror_nats));
      }
      const Scale scale = pair.behaviour->scale;
      pair.behaviour = divergence.Finding(scale);
      if (pair.behaviour->closeness == Closeness::kUndecided) {
        pair.behaviour->num_needed = divergence.NumNeeded(scale);
      }
    }
    evidence.push_back({.weights = pair.weights,
                        .behaviour = pair.behaviour,
                        .text = std::nullopt});
  }
  const std::vector<verify::PairVerdict> verdicts =
      verify::FormVerdicts(evidence, rules);
  for (size_t i = 0; i < verdicts.size(); ++i) {
    PairComparison& pair = comparison.pairs[i];
    pair.verdict = verdicts[i].verdict;
    pair.reason = verdicts[i].reason;
    pair.missing = verdicts[i].missing;
    pair.error_bound = verdicts[i].error_bound;
    pair.num_used = verdicts[i].num_used;
  }
  comparison.worst = verify::Worst(verdicts);
  return {};
}

}  // namespace revlm
