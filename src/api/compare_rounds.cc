#include "api/compare_rounds.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace revlm {
namespace {

constexpr size_t kFirstRound = 8;

bool IsUndecided(const PairComparison& pair) {
  if (!pair.behaviour || pair.behaviour->scale == Scale::kNone) return false;
  switch (pair.behaviour->closeness) {
    case Closeness::kSame:
      return false;
    case Closeness::kDifferent:
      return pair.verdict == Verdict::kUndecided;
    case Closeness::kUndecided:
      return true;
  }
  return true;
}

}  // namespace

size_t PlainRoundSize(size_t num_prompts, double seconds, double read_seconds) {
  constexpr double kLeastSeconds = 30;
  constexpr double kMostReading = 0.05;
  const double num_rounds =
      std::min(seconds / kLeastSeconds,
               1 + kMostReading * seconds / std::max(read_seconds, 1e-3));
  const double size =
      static_cast<double>(num_prompts) / std::max(num_rounds, 1.0);
  return std::max<size_t>(static_cast<size_t>(std::ceil(size)), 1);
}

size_t RoundSize(size_t num_asked, size_t most) {
  return std::min(std::max(num_asked, kFirstRound),
                  most - std::min(num_asked, most));
}

size_t NumUndecided(const Comparison& comparison) {
  return static_cast<size_t>(
      std::ranges::count_if(comparison.pairs, IsUndecided));
}

std::vector<challenge::Outcome> OutcomesOf(const Comparison& comparison,
                                           const std::vector<MadePrompt>& asked,
                                           const PromptTable& values,
                                           const CertaintyTable& certainty) {
  std::vector<challenge::Outcome> outcomes;
  for (size_t i = 0; i < asked.size(); ++i) {
    std::optional<double> information_nats;
    for (size_t pair = 0; pair < values.size(); ++pair) {
      const verify::PromptDivergence& value = values[pair][i];
      if (!IsUndecided(comparison.pairs[pair]) || value.num_positions == 0) {
        continue;
      }
      information_nats = std::max(information_nats.value_or(0),
                                  (value.nats + value.mirror_nats) / 2);
    }
    if (!information_nats) continue;
    challenge::Outcome& outcome = outcomes.emplace_back();
    outcome.challenge_id = asked[i].id;
    outcome.information_nats = *information_nats;
    for (size_t model = 0; model < certainty.size(); ++model) {
      const std::optional<verify::Certainty>& of = certainty[model][i];
      if (!of) continue;
      outcome.models.push_back(
          {.model = comparison.models[model].alias,
           .answer = "",
           .mean_entropy_nats = of->mean_entropy_nats,
           .mean_top_probability = of->mean_top_probability});
    }
  }
  return outcomes;
}

std::vector<BehaviourProfile> ProfilesOf(
    const challenge::Orchestrator& orchestrator) {
  std::vector<BehaviourProfile> profiles;
  for (const challenge::ModelProfile& profile : orchestrator.profiles()) {
    profiles.push_back(
        {.model = profile.model,
         .num_prompts = static_cast<int64_t>(profile.num_observations),
         .mean_entropy_nats = profile.mean_entropy_nats,
         .mean_top_probability =
             profile
                 .traits[static_cast<size_t>(challenge::Trait::kPeakedness)]});
  }
  return profiles;
}

int32_t NumForPlanning(size_t most) {
  constexpr size_t kForEach = 8;
  constexpr size_t kLeast = 1000;
  return static_cast<int32_t>(
      std::min<size_t>(std::max(kForEach * most, kLeast), kMaxPrompts));
}

void TakeLongest(const std::vector<verify::BehaviourModel>& others,
                 std::vector<verify::BehaviourModel>& encoded) {
  const auto num_ids = [](const verify::EncodedPrompt& prompt) {
    return prompt.ids.size();
  };
  for (size_t i = 0; i < encoded.size(); ++i) {
    const auto other = std::ranges::max_element(others[i].prompts, {}, num_ids);
    const auto own = std::ranges::max_element(encoded[i].prompts, {}, num_ids);
    if (other == others[i].prompts.end() || own == encoded[i].prompts.end()) {
      continue;
    }
    if (num_ids(*other) > num_ids(*own)) *own = *other;
  }
}

std::vector<size_t> MostIds(
    const std::vector<verify::BehaviourModel>& encoded) {
  std::vector<size_t> most_ids;
  for (const verify::BehaviourModel& model : encoded) {
    size_t most = 0;
    for (const verify::EncodedPrompt& prompt : model.prompts) {
      most = std::max(most, prompt.ids.size());
    }
    most_ids.push_back(most);
  }
  return most_ids;
}

size_t LeaveOutLonger(const std::vector<size_t>& most_ids,
                      std::vector<verify::BehaviourModel>& encoded) {
  std::set<size_t> left_out;  // by index
  for (size_t model = 0; model < encoded.size(); ++model) {
    std::vector<verify::EncodedPrompt>& prompts = encoded[model].prompts;
    for (size_t i = 0; i < prompts.size(); ++i) {
      if (prompts[i].ids.size() <= most_ids[model]) continue;
      prompts[i] = {};
      left_out.insert(i);
    }
  }
  return left_out.size();
}

}  // namespace revlm
