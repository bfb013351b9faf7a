#include "challenge/profile.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "challenge/answer_traits.h"

namespace revlm::challenge {
namespace {

constexpr size_t kMaxModels = 64;
constexpr size_t kMaxAreas = 1024;
constexpr double kLevelPrior = 4;
constexpr double kMiddleEntropyNats = 2;
constexpr double kMiddleWords = 32;

constexpr std::array<std::string_view, kNumTraits> kTraitNames = {
    "uncertainty", "peakedness", "repetition", "refusal",
    "script",      "format",     "length"};
constexpr std::array<std::string_view, kNumScripts> kScriptNames = {
    "latin", "cyrillic", "greek", "east_asian", "other"};
constexpr std::array<std::string_view, kNumAnswerFormats> kFormatNames = {
    "prose", "json", "code", "table", "list"};

bool IsOfAnswer(size_t trait_idx) {
  return trait_idx >= static_cast<size_t>(Trait::kRepetition);
}

double Sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

Traits TraitsOf(const ModelObservation& observation,
                std::span<const double> letters) {
  const double entropy = observation.mean_entropy_nats;
  const double num_letters = Sum(letters);
  const double num_words = NumWordsOf(observation.answer);
  return {entropy / (entropy + kMiddleEntropyNats),
          observation.mean_top_probability,
          RepetitionOf(observation.answer),
          IsRefusal(observation.answer) ? 1.0 : 0.0,
          num_letters > 0 ? 1 - letters[0] / num_letters : 0.0,
          FormatOf(observation.answer) == AnswerFormat::kProse ? 0.0 : 1.0,
          num_words / (num_words + kMiddleWords)};
}

}  // namespace

std::string_view TraitName(Trait trait) {
  return kTraitNames[static_cast<size_t>(trait)];
}

std::string_view ScriptName(Script script) {
  return kScriptNames[static_cast<size_t>(script)];
}

std::string_view AnswerFormatName(AnswerFormat format) {
  return kFormatNames[static_cast<size_t>(format)];
}

void Profiler::Sums::Add(const ModelObservation& observation,
                         const Traits& added) {
  const bool has_answer = !observation.answer.empty();
  ++num_observations;
  num_answers += has_answer ? 1 : 0;
  for (size_t i = 0; i < kNumTraits; ++i) {
    if (has_answer || !IsOfAnswer(i)) traits[i] += added[i];
  }
}

size_t Profiler::Sums::Count(size_t trait_idx) const {
  return IsOfAnswer(trait_idx) ? num_answers : num_observations;
}

Traits Profiler::Sums::Means() const {
  Traits means = {};
  for (size_t i = 0; i < kNumTraits; ++i) {
    if (Count(i) > 0) means[i] = traits[i] / static_cast<double>(Count(i));
  }
  return means;
}

size_t Profiler::ModelIndex(const std::string& model) {
  const auto found = std::ranges::find(models_, model, &Totals::model);
  if (found != models_.end()) {
    return static_cast<size_t>(found - models_.begin());
  }
  if (models_.size() == kMaxModels) return kMaxModels;
  models_.push_back({.model = model});
  return models_.size() - 1;
}

void Profiler::Learn(const Challenge& challenge,
                     std::span<const ModelObservation> observations) {
  const Areas levels = AreasOf(challenge);
  for (const ModelObservation& observation : observations) {
    const size_t model_idx = ModelIndex(observation.model);
    if (model_idx == kMaxModels) continue;
    const auto letters = LettersOf(observation.answer);
    const Traits traits = TraitsOf(observation, letters);
    Totals& totals = models_[model_idx];
    totals.sums.Add(observation, traits);
    totals.entropy_nats += observation.mean_entropy_nats;
    totals.calibration += observation.mean_top_probability -
                          std::exp(-observation.mean_entropy_nats);
    if (!observation.answer.empty()) {
      for (size_t i = 0; i < kNumScripts; ++i) totals.letters[i] += letters[i];
      ++totals.formats[static_cast<size_t>(FormatOf(observation.answer))];
    }
    for (const std::string& level : levels) {
      if (level.empty()) continue;
      if (areas_.size() >= kMaxAreas && !areas_.contains(level)) continue;
      areas_[level].sums[model_idx].Add(observation, traits);
    }
  }
  for (const std::string& level : levels) {
    if (const auto found = areas_.find(level); found != areas_.end()) {
      Measure(found->second);
    }
  }
  largest_spread_ = 0;
  for (const auto& [name, area] : areas_) {
    largest_spread_ = std::max(largest_spread_, Towards(0, area));
  }
}

void Profiler::Measure(Area& area) {
  if (area.sums.size() < 2) return;  // nothing to compare yet
  Traits least;
  Traits most;
  std::array<size_t, kNumTraits> num_models = {};
  least.fill(1);
  most.fill(0);
  area.num_least = static_cast<double>(kMaxChallenges);
  for (const auto& [model_idx, sums] : area.sums) {
    const Traits means = sums.Means();
    for (size_t i = 0; i < kNumTraits; ++i) {
      if (sums.Count(i) == 0) continue;
      ++num_models[i];
      least[i] = std::min(least[i], means[i]);
      most[i] = std::max(most[i], means[i]);
    }
    area.num_least =
        std::min(area.num_least, static_cast<double>(sums.num_observations));
  }
  size_t num_compared = 0;
  for (size_t i = 0; i < kNumTraits; ++i) {
    if (num_models[i] >= 2) {
      ++num_compared;
    } else {
      least[i] = most[i] = 0;
    }
  }
  area.spread = (Sum(most) - Sum(least)) / static_cast<double>(num_compared);
}

// The spread of `area`, as far as it is known, from that of the level above.
double Profiler::Towards(double above, const Area& area) {
  return (area.num_least * area.spread + kLevelPrior * above) /
         (area.num_least + kLevelPrior);
}

double Profiler::Contrast(const Challenge& challenge) const {
  if (largest_spread_ <= 0) return 0;
  double spread = 0;
  for (const std::string& level : AreasOf(challenge)) {
    const auto found = areas_.find(level);
    if (found == areas_.end()) break;
    spread = Towards(spread, found->second);
  }
  return std::min(1.0, spread / largest_spread_);
}

std::vector<ModelProfile> Profiler::profiles() const {
  std::vector<ModelProfile> profiles;
  for (const Totals& totals : models_) {
    ModelProfile profile = {.model = totals.model,
                            .num_observations = totals.sums.num_observations,
                            .num_answers = totals.sums.num_answers,
                            .traits = totals.sums.Means()};
    const auto num_observations = static_cast<double>(profile.num_observations);
    profile.mean_entropy_nats = totals.entropy_nats / num_observations;
    profile.calibration = totals.calibration / num_observations;
    const double num_letters = Sum(totals.letters);
    for (size_t i = 0; i < kNumScripts && num_letters > 0; ++i) {
      profile.scripts[i] = totals.letters[i] / num_letters;
    }
    for (size_t i = 0; i < kNumAnswerFormats && profile.num_answers > 0; ++i) {
      profile.formats[i] =
          totals.formats[i] / static_cast<double>(profile.num_answers);
    }
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

}  // namespace revlm::challenge
