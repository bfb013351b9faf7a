#include "challenge/evolution.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "challenge/gene.h"

namespace revlm::challenge {
namespace {

constexpr size_t kLeastParents = 8;
constexpr size_t kMaxParents = 32;
constexpr size_t kMaxRemembered = 512;
constexpr size_t kTournament = 3;

enum class Origin : uint8_t { kRandom, kBred };

std::string_view OriginName(Origin origin) {
  return origin == Origin::kRandom ? "random" : "bred";
}

Challenge ChallengeOf(uint64_t index, Origin origin, const Gene& gene) {
  return {.id = fmt::format("evolutionary-{}", index),
          .text = ExpressGene(gene),
          .system = std::string(kEvolutionary.name),
          .parameters = {{"origin", std::string(OriginName(origin))},
                         {"gene", WriteGene(gene)}},
          .rationale = origin == Origin::kRandom
                           ? "a gene drawn at random, to see what it tells"
                           : "bred from the prompts that told models apart "
                             "most so far"};
}

std::unexpected<Error> Refuse(std::string_view found) {
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "prompt system {}: found {}, allowed is \"origin\", "
                         "random or bred, and \"gene\", in this order, or none",
                         kEvolutionary.name, found);
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
    for (const Lesson& lesson : lessons) {
      remembered_.push_back({.gene = GeneOf(lesson.challenge),
                             .information_nats = lesson.information_nats});
      if (remembered_.size() > kMaxRemembered) remembered_.pop_front();
    }
    parents_.clear();
    for (const Asked& asked : remembered_) parents_.push_back(&asked);
    std::ranges::stable_sort(parents_, std::ranges::greater(),
                             &Asked::information_nats);
    parents_.resize(std::min(parents_.size(), kMaxParents));
  }

 private:
  struct Asked {
    Gene gene;
    double information_nats = 0;
  };

  static Gene GeneOf(const Challenge& challenge) {
    if (challenge.system == kEvolutionary.name) {
      if (const std::string* text = GeneParameter(challenge)) {
        if (auto gene = ReadGene(*text)) return *std::move(gene);
      }
    }
    return AdoptPrompt(challenge.text);
  }

  Result<Challenge> Make(uint64_t index) override {
    Draws draws(prompt_key_, index);
    if (parents_.size() < kLeastParents || draws.Below(8) == 0) {
      return ChallengeOf(index, Origin::kRandom, DrawGene(draws));
    }
    return ChallengeOf(index, Origin::kBred, Breed(draws));
  }

  Gene Breed(Draws& draws) const {
    Gene child = Select(draws);
    if (draws.Below(4) != 0) child = CrossGenes(child, Select(draws), draws);
    do {
      MutateGene(child, draws);
    } while (draws.Below(3) == 0);
    return child;
  }

  const Gene& Select(Draws& draws) const {
    uint64_t best_idx = parents_.size();
    for (size_t i = 0; i < kTournament; ++i) {
      best_idx = std::min(best_idx, draws.Below(parents_.size()));
    }
    return parents_[best_idx]->gene;
  }

  Key prompt_key_;
  std::deque<Asked> remembered_;       // the last asked, in their order
  std::vector<const Asked*> parents_;  // of those, the best first
};

}  // namespace

Result<Challenge> MakeEvolutionaryChallenge(
    const Key& prompt_key, uint64_t index,
    std::span<const Parameter> parameters) {
  if (parameters.empty()) {
    Draws draws(prompt_key, index);
    return ChallengeOf(index, Origin::kRandom, DrawGene(draws));
  }
  if (parameters.size() != 2 || parameters[0].name != "origin" ||
      parameters[1].name != "gene") {
    return Refuse(base::Quote(parameters[0].name));
  }
  for (const Origin origin : {Origin::kRandom, Origin::kBred}) {
    if (parameters[0].value != OriginName(origin)) continue;
    REVLM_ASSIGN_OR_RETURN(const Gene gene, ReadGene(parameters[1].value));
    return ChallengeOf(index, origin, gene);
  }
  return Refuse("the origin " + base::Quote(parameters[0].value));
}

std::shared_ptr<Proposer> MakeEvolutionProposer(const Key& session_key) {
  return std::make_shared<EvolutionProposer>(session_key);
}

}  // namespace revlm::challenge
