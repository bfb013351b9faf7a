#include "challenge/evolution.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "challenge/gene.h"

namespace revlm::challenge {
namespace {

constexpr size_t kLeastParents = 8;
constexpr size_t kMaxParents = 32;
constexpr size_t kParentOneOf = 8;  // of those asked
constexpr size_t kMaxRemembered = 512;
constexpr size_t kTournament = 3;
constexpr double kOwnPart = 0.7;  // of the worth, what it brought itself

constexpr std::string_view kBredId = "evolutionary-b";  // before the index

enum class Origin : uint8_t { kRandom, kFresh, kBred };

std::string_view OriginName(Origin origin) {
  constexpr std::array<std::string_view, 3> kNames = {"random", "fresh",
                                                      "bred"};
  return kNames[static_cast<size_t>(origin)];
}

// A gene of the index alone has no letter.
std::string_view IdBefore(Origin origin) {
  if (origin == Origin::kBred) return kBredId;
  return origin == Origin::kFresh ? "evolutionary-f" : "evolutionary-";
}

Challenge ChallengeOf(uint64_t index, Origin origin, const Gene& gene) {
  return {.id = fmt::format("{}{}", IdBefore(origin), index),
          .text = ExpressGene(gene),
          .system = std::string(kEvolutionary.name),
          .parameters = {{"origin", std::string(OriginName(origin))},
                         {"gene", WriteGene(gene)}},
          .rationale = origin != Origin::kBred
                           ? "a gene drawn at random, to see what it tells"
                           : "bred from the prompts that told models apart "
                             "most so far"};
}

std::unexpected<Error> Refuse(const Parameter& parameter,
                              std::string_view allowed) {
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "prompt system {}: found {} = {}, allowed is {}",
                         kEvolutionary.name, base::Quote(parameter.name),
                         base::Quote(parameter.value), allowed);
}

const std::string* GeneParameter(const Challenge& challenge) {
  const auto found =
      std::ranges::find(challenge.parameters, "gene", &Parameter::name);
  return found == challenge.parameters.end() ? nullptr : &found->value;
}

class EvolutionProposer : public NumberedProposer {
 public:
  explicit EvolutionProposer(const Key& session_key)
      : prompt_key_(DerivePromptKey(session_key, kEvolutionary.name)) {}

  std::string_view name() const override { return kEvolutionary.name; }

  void Learn(std::span<const Lesson> lessons) override {
    const double mean = MeanWith(lessons);
    for (const Lesson& lesson : lessons) {
      const double expected = ExpectedOf(lesson.challenge).value_or(mean);
      remembered_.push_back({.gene = GeneOf(lesson.challenge),
                             .information_nats = lesson.information_nats,
                             .worth_nats = kOwnPart * lesson.information_nats +
                                           (1 - kOwnPart) * expected});
    }
    while (remembered_.size() > kMaxRemembered) remembered_.pop_front();
    parents_.clear();
    for (const Asked& asked : remembered_) parents_.push_back(&asked);
    std::ranges::stable_sort(parents_, std::ranges::greater(),
                             &Asked::worth_nats);
    parents_.resize(
        std::min(parents_.size(), std::clamp(parents_.size() / kParentOneOf,
                                             kLeastParents, kMaxParents)));
  }

 private:
  struct Asked {
    Gene gene;
    double information_nats = 0;
    double worth_nats = 0;
  };
  struct Child {
    Gene gene;
    double expected_nats = 0;  // the mean worth of its parents
  };

  static Gene GeneOf(const Challenge& challenge) {
    if (challenge.system == kEvolutionary.name) {
      if (const std::string* text = GeneParameter(challenge)) {
        if (auto gene = ReadGene(*text)) return *std::move(gene);
      }
    }
    return AdoptPrompt(challenge.text);
  }

  // Of what all brought that are remembered, and of these.
  double MeanWith(std::span<const Lesson> lessons) const {
    double sum = 0;
    for (const Lesson& lesson : lessons) sum += lesson.information_nats;
    for (const Asked& asked : remembered_) sum += asked.information_nats;
    return sum / static_cast<double>(lessons.size() + remembered_.size());
  }

  // Nothing: it has no parents here.
  std::optional<double> ExpectedOf(const Challenge& challenge) const {
    if (!challenge.id.starts_with(kBredId)) return std::nullopt;
    size_t index = expected_nats_.size();
    std::from_chars(challenge.id.data() + kBredId.size(),
                    challenge.id.data() + challenge.id.size(), index);
    if (index >= expected_nats_.size()) return std::nullopt;
    return expected_nats_[index];
  }

  Result<Challenge> Make(uint64_t index) override {
    Draws draws(prompt_key_, index);
    expected_nats_.resize(index + 1);
    if (parents_.size() < kLeastParents) {
      return ChallengeOf(index, Origin::kRandom, DrawGene(draws));
    }
    // Not the gene of the index, which begins with the draw that decided here.
    if (draws.Below(8) == 0) {
      return ChallengeOf(index, Origin::kFresh, DrawGene(draws));
    }
    const Child child = Breed(draws);
    expected_nats_[index] = child.expected_nats;
    return ChallengeOf(index, Origin::kBred, child.gene);
  }

  Child Breed(Draws& draws) const {
    const Asked& first = Select(draws);
    Child child = {.gene = first.gene, .expected_nats = first.worth_nats};
    if (draws.Below(4) != 0) {
      const Asked& second = Select(draws);
      child = {.gene = CrossGenes(first.gene, second.gene, draws),
               .expected_nats = (first.worth_nats + second.worth_nats) / 2};
    }
    do {
      MutateGene(child.gene, draws);
    } while (draws.Below(3) == 0);
    return child;
  }

  const Asked& Select(Draws& draws) const {
    uint64_t best_idx = parents_.size();
    for (size_t i = 0; i < kTournament; ++i) {
      best_idx = std::min(best_idx, draws.Below(parents_.size()));
    }
    return *parents_[best_idx];
  }

  Key prompt_key_;
  std::deque<Asked> remembered_;       // the last asked, in their order
  std::vector<const Asked*> parents_;  // of those, the best first
  std::vector<std::optional<double>> expected_nats_;  // by index
};

}  // namespace

Result<Challenge> MakeEvolutionaryChallenge(
    const Key& prompt_key, uint64_t index,
    std::span<const Parameter> parameters) {
  const Parameter* origin = nullptr;
  const Parameter* gene_text = nullptr;
  for (const Parameter& parameter : parameters) {
    if (parameter.name == "origin" && origin == nullptr) {
      origin = &parameter;
    } else if (parameter.name == "gene" && gene_text == nullptr) {
      gene_text = &parameter;
    } else {
      return Refuse(parameter, "\"origin\" and \"gene\", each once");
    }
  }
  auto kind = Origin::kRandom;
  if (origin != nullptr) {
    while (origin->value != OriginName(kind)) {
      if (kind == Origin::kBred)
        return Refuse(*origin, "random, fresh or bred");
      kind = static_cast<Origin>(static_cast<int>(kind) + 1);
    }
  }
  if (kind != Origin::kRandom && gene_text == nullptr) {
    return Refuse(*origin, "random where no gene is given");
  }
  if (gene_text == nullptr) {
    Draws draws(prompt_key, index);
    return ChallengeOf(index, Origin::kRandom, DrawGene(draws));
  }
  const auto gene = ReadGene(gene_text->value);
  if (!gene) return Refuse(*gene_text, "a gene as gene.h writes it");
  return ChallengeOf(index, kind, *gene);
}

std::shared_ptr<Proposer> MakeEvolutionProposer(const Key& session_key) {
  return std::make_shared<EvolutionProposer>(session_key);
}

}  // namespace revlm::challenge
