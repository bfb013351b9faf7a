#include "verify/verdict.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "stats/combine.h"

namespace revlm {

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame:
      return "SAME";
    case Verdict::kDerived:
      return "DERIVED";
    case Verdict::kDifferent:
      return "DIFFERENT";
    case Verdict::kUndecided:
      return "UNDECIDED";
  }
  return "";
}

}  // namespace revlm

namespace revlm::verify {
namespace {

bool IsRelated(const PairEvidence& pair) {
  return pair.weights && (pair.weights->relation == Relation::kSame ||
                          pair.weights->relation == Relation::kDerived);
}

// Which pairs may be called DIFFERENT in the company of the others that may.
std::vector<bool> KeptByEBh(std::span<const PairEvidence> pairs, double alpha) {
  std::vector<size_t> asked;
  std::vector<double> log_es;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const PairEvidence& pair = pairs[i];
    if (IsRelated(pair) || pair.texts || !pair.behaviour) continue;
    asked.push_back(i);
    log_es.push_back(pair.behaviour->log_e);
  }
  std::vector<bool> kept(pairs.size(), false);
  if (asked.empty()) return kept;
  const auto rejected = stats::RejectedByEBh(log_es, alpha);
  if (!rejected) return kept;
  for (const size_t i : *rejected) kept[asked[i]] = true;
  return kept;
}

std::string MorePrompts(int64_t num_needed, int64_t num_prompts) {
  if (num_needed <= num_prompts) {
    return "prompts like these will not decide it";
  }
  return fmt::format("about {} more prompts like these (--challenges {})",
                     num_needed - num_prompts, num_needed);
}

// "odds 10^38", "odds 120".
std::string Odds(double log_odds) {
  const double decades = log_odds / std::log(10.0);
  return decades >= 4 ? fmt::format("odds 10^{:.0f}", decades)
                      : fmt::format("odds {:.2g}", std::exp(log_odds));
}

// An alternative won that is no rounding of the reference.
PairVerdict FromWinner(const TextFinding& texts,
                       const stats::DivergenceRules& rules) {
  const WeightFinding weights = texts.winner_weights.value_or(
      WeightFinding{.sentence = "its weights were not compared"});
  PairVerdict verdict = {
      .reason = fmt::format("its texts are those of {}, {}; {}", texts.winner,
                            Odds(texts.winner_log_odds), weights.sentence),
      .num_used = texts.num_requests};
  if (weights.relation == Relation::kSame ||
      weights.relation == Relation::kDerived) {
    verdict.verdict = Verdict::kDerived;
    verdict.error_bound = rules.alpha + weights.error_bound;
  } else if (texts.closeness == Closeness::kDifferent) {
    verdict.verdict = Verdict::kDifferent;
    verdict.error_bound = rules.alpha;
  } else {
    verdict.missing = fmt::format(
        "more texts: that it is not the reference is certain, that it is "
        "further away than {} nats per token is not",
        rules.same_nats);
  }
  return verdict;
}

PairVerdict UndecidedByText(const TextFinding& texts) {
  if (texts.num_refuted > 0) {
    return {.reason =
                "its texts are not those of the reference, nor of any "
                "alternative; how near they are is undecided",
            .missing = "more texts, or the model that it is (--alternative)"};
  }
  const std::string reason = "its texts do not tell it from the reference";
  if (texts.num_needed > 0) {
    return {.reason = reason,
            .missing = fmt::format("about {} more answers like these",
                                   texts.num_needed)};
  }
  return {.reason = reason,
          .missing =
              "its tokens, drawn at temperature 1 from all, or its "
              "weights: text alone certifies no SAME"};
}

PairVerdict FromText(const TextFinding& texts,
                     const stats::DivergenceRules& rules) {
  if (!texts.winner.empty()) {
    const auto winner = std::ranges::find(texts.alternatives, texts.winner,
                                          &TextAlternative::name);
    if (winner == texts.alternatives.end() || winner->derivation.empty()) {
      return FromWinner(texts, rules);
    }
    return {.verdict = Verdict::kDerived,
            .reason = fmt::format("{} fits, {}", winner->derivation,
                                  Odds(texts.winner_log_odds)),
            .error_bound = rules.alpha,
            .num_used = texts.num_requests};
  }
  switch (texts.closeness) {
    case Closeness::kSame:
      return {.verdict = Verdict::kSame,
              .reason = fmt::format(
                  "the divergence is below {} nats per token, on the way to "
                  "every alternative",
                  rules.same_nats),
              .error_bound = rules.alpha,
              .num_used = texts.num_used};
    case Closeness::kDifferent:
      return {.verdict = Verdict::kDifferent,
              .reason = fmt::format(
                  "the divergence is above {} nats per token; no alternative "
                  "fits",
                  rules.same_nats),
              .error_bound = rules.alpha,
              .num_used = texts.num_used};
    case Closeness::kUndecided:
      break;
  }
  return UndecidedByText(texts);
}

std::string Related(const WeightFinding& weights) {
  const bool is_said =
      weights.sentence.find("same function") != std::string::npos;
  return weights.is_same_function && !is_said
             ? weights.sentence + "; same function"
             : weights.sentence;
}

std::string Nearness(const std::optional<NearnessFinding>& nearness) {
  if (!nearness || !nearness->is_shown) return "";
  return fmt::format(
      "; related behaviour: {:.2g} times as near as the nearest of {} other "
      "unrelated pairs (e = 10^{:.1f})",
      1 / nearness->ratio, nearness->num_pairs,
      nearness->log_e / std::log(10.0));
}

std::string Failed(const BehaviourFinding& behaviour) {
  if (behaviour.num_failed == 0) return "";
  return fmt::format("; {} of {} prompts failed", behaviour.num_failed,
                     behaviour.num_failed + behaviour.num_prompts);
}

// No relation of weights: behaviour may say DIFFERENT.
PairVerdict FromBehaviour(const PairEvidence& pair, bool is_kept,
                          size_t num_pairs,
                          const stats::DivergenceRules& rules) {
  const std::string unrelated =
      !pair.weights ? "weights were not compared"
      : pair.weights->relation == Relation::kIndependent
          ? "weights unrelated"
          : "weights not comparable (" + pair.weights->sentence + ")";
  if (!pair.behaviour || pair.behaviour->num_prompts == 0) {
    const bool has_reason = pair.behaviour && !pair.behaviour->why_none.empty();
    return {.reason = unrelated + "; behaviour was not compared" +
                      (has_reason ? ": " + pair.behaviour->why_none : ""),
            .missing = has_reason ? "a prompt that both can answer"
                                  : "behaviour (--challenges 50)"};
  }
  const BehaviourFinding& behaviour = *pair.behaviour;
  PairVerdict verdict = {.num_used = behaviour.num_used};
  switch (behaviour.closeness) {
    case Closeness::kDifferent:
      if (is_kept) {
        verdict.verdict = Verdict::kDifferent;
        verdict.error_bound = rules.alpha;
        verdict.reason =
            unrelated + "; divergence certified" + Nearness(behaviour.nearness);
      } else {
        verdict.reason =
            fmt::format("{}; divergence enough for one pair, not for one of {}",
                        unrelated, num_pairs);
        verdict.missing = "more prompts, or fewer pairs at once";
      }
      break;
    case Closeness::kSame:
      verdict.reason = unrelated + "; behaviour the same within the tolerance";
      verdict.missing =
          "a way to compare the weights: what answers alike may be a copy or "
          "may have been taught to";
      break;
    case Closeness::kUndecided:
      verdict.reason = unrelated + "; behaviour undecided";
      verdict.missing =
          MorePrompts(behaviour.num_needed, behaviour.num_prompts);
      break;
  }
  verdict.reason += Failed(behaviour);
  return verdict;
}

// All tensors are equal. What answers otherwise all the same is not the same.
PairVerdict FromEqualTensors(const PairEvidence& pair,
                             const stats::DivergenceRules& rules) {
  const std::string& sentence = pair.weights->sentence;
  if (!pair.behaviour || pair.behaviour->closeness != Closeness::kDifferent) {
    return {.verdict = Verdict::kSame, .reason = sentence};
  }
  return {.verdict = Verdict::kDerived,
          .reason = sentence +
                    "; divergence certified: something else than weights, "
                    "settings and tokenizer differs",
          .error_bound = rules.alpha,
          .num_used = pair.behaviour->num_used};
}

PairVerdict FormOne(const PairEvidence& pair, bool is_kept, size_t num_pairs,
                    const stats::DivergenceRules& rules) {
  if (pair.texts) return FromText(*pair.texts, rules);
  if (pair.weights && pair.weights->relation == Relation::kSame) {
    return FromEqualTensors(pair, rules);
  }
  if (pair.weights && pair.weights->relation == Relation::kDerived) {
    return {.verdict = Verdict::kDerived,
            .reason = Related(*pair.weights),
            .error_bound = pair.weights->error_bound};
  }
  return FromBehaviour(pair, is_kept, num_pairs, rules);
}

}  // namespace

std::vector<PairVerdict> FormVerdicts(std::span<const PairEvidence> pairs,
                                      const stats::DivergenceRules& rules) {
  const std::vector<bool> kept = KeptByEBh(pairs, rules.alpha);
  std::vector<PairVerdict> verdicts;
  verdicts.reserve(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    verdicts.push_back(FormOne(pairs[i], kept[i], pairs.size(), rules));
  }
  return verdicts;
}

Verdict Worst(std::span<const PairVerdict> verdicts) {
  REVLM_CHECK(!verdicts.empty());
  const auto rank = [](Verdict verdict) {
    switch (verdict) {
      case Verdict::kDifferent:
        return 3;
      case Verdict::kUndecided:
        return 2;
      case Verdict::kDerived:
        return 1;
      case Verdict::kSame:
        return 0;
    }
    return 0;
  };
  return std::ranges::max(
             verdicts, {},
             [&](const PairVerdict& of) { return rank(of.verdict); })
      .verdict;
}

}  // namespace revlm::verify
