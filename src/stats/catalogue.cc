#include "stats/catalogue.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stats/log_space.h"

namespace revlm::stats {

Result<Catalogue> Catalogue::Create(std::span<const Alternative> alternatives) {
  if (alternatives.empty()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "setting up a catalogue: found no alternative, "
                           "allowed are one or more");
  }
  std::vector<State> states;
  std::vector<double> log_priors;
  for (const Alternative& alternative : alternatives) {
    if (!(alternative.prior > 0 && std::isfinite(alternative.prior) &&
          alternative.share > 0 && alternative.share <= 1)) {
      return base::MakeError(
          ErrorCode::kInvalidArgument,
          "setting up a catalogue: found alternative {} with prior {} and "
          "share {}, allowed are finite priors above 0 and shares above 0 up "
          "to 1",
          states.size(), alternative.prior, alternative.share);
    }
    log_priors.push_back(std::log(alternative.prior));
    states.push_back({.log_share = std::log(alternative.share),
                      .log_rest = std::log1p(-alternative.share)});
  }
  const double log_sum = LogSum(log_priors);
  for (size_t i = 0; i < states.size(); ++i) {
    states[i].log_e = log_priors[i] - log_sum;
  }
  return Catalogue(std::move(states));
}

Status Catalogue::Add(std::span<const double> log_ratios) {
  if (log_ratios.size() != states_.size()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "adding a request to a catalogue: found {} ratios, "
                           "allowed is one for each of {} alternatives",
                           log_ratios.size(), states_.size());
  }
  std::vector<double> log_es;
  for (size_t i = 0; i < states_.size(); ++i) {
    if (!std::isfinite(log_ratios[i])) {
      return base::MakeError(
          ErrorCode::kInvalidArgument,
          "adding a request to a catalogue: found a log ratio of {} for "
          "alternative {}, allowed are finite ones; give tokens that a model "
          "excludes a small probability",
          log_ratios[i], i);
    }
    const State& state = states_[i];
    log_es.push_back(state.log_e +
                     LogAdd(state.log_rest, state.log_share + log_ratios[i]));
  }
  REVLM_TRY(e_process_.MoveTo(LogSum(log_es)));
  for (size_t i = 0; i < states_.size(); ++i) states_[i].log_e = log_es[i];
  return {};
}

std::vector<double> Catalogue::Posterior() const {
  std::vector<double> posterior;
  for (const State& state : states_) posterior.push_back(state.log_e);
  const double log_sum = LogSum(posterior);
  for (double& weight : posterior) weight = std::exp(weight - log_sum);
  return posterior;
}

size_t Catalogue::Best() const {
  const auto best = std::max_element(
      states_.begin(), states_.end(),
      [](const State& a, const State& b) { return a.log_e < b.log_e; });
  return static_cast<size_t>(best - states_.begin());
}

}  // namespace revlm::stats
