#include "challenge/taxonomy.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "challenge/dynamic_grammar.h"
#include "challenge/pot_grammar.h"
#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

constexpr Capability kCapabilities[] = {
    {"language", "wording is a habit, and habits differ"},
    {"knowledge", "what was learnt by heart differs from model to model"},
    {"reasoning", "a conclusion competes with the nearest words"},
    {"mathematics", "how far a calculation is carried decides the digits"},
    {"code", "names, idioms and layout of code compete"},
    {"structure", "a format fixes some tokens and leaves others open"},
    {"interaction", "whose turn it is, and what is asked, has to be guessed"},
    {"robustness", "unusual text leads where training was thin"},
};

std::vector<TaxonomyLeaf> AllLeaves() {
  std::vector<TaxonomyLeaf> all;
  for (const std::span<const TaxonomyLeaf> leaves :
       {LanguageLeaves(), KnowledgeLeaves(), ReasoningLeaves(),
        MathematicsLeaves(), CodeLeaves(), StructureLeaves(),
        InteractionLeaves(), RobustnessLeaves()}) {
    all.insert(all.end(), leaves.begin(), leaves.end());
  }
  return all;
}

}  // namespace

std::span<const TaxonomyLeaf> TaxonomyLeaves() {
  static const std::vector<TaxonomyLeaf> kLeaves = AllLeaves();
  return kLeaves;
}

std::span<const Capability> Capabilities() { return kCapabilities; }

std::optional<size_t> FindLeaf(std::string_view path) {
  const auto leaves = TaxonomyLeaves();
  const auto leaf = std::ranges::find(leaves, path, &TaxonomyLeaf::path);
  if (leaf == leaves.end()) return std::nullopt;
  return static_cast<size_t>(leaf - leaves.begin());
}

size_t CapabilityOf(size_t leaf_idx) {
  const auto capability =
      std::ranges::find(kCapabilities, TaxonomyLeaves()[leaf_idx].capability(),
                        &Capability::name);
  REVLM_CHECK(capability != std::end(kCapabilities));
  return static_cast<size_t>(capability - std::begin(kCapabilities));
}

std::string DrawLeafText(size_t leaf_idx, Draws& draws) {
  const TaxonomyLeaf& leaf = TaxonomyLeaves()[leaf_idx];
  std::vector<WordList> lists;
  for (const std::span<const WordList> more :
       {TaxonomyWords(), CommonWords(), DynamicParts(), PotWordLists()}) {
    lists.insert(lists.end(), more.begin(), more.end());
  }
  const std::string_view text = DrawOne(leaf.templates, draws);
  if (leaf.topic() != "knowledge/practice") return Expand(text, lists, draws);
  const auto domain =
      std::ranges::find(DynamicDomains(), leaf.skill(), &DynamicDomain::name);
  REVLM_CHECK(domain != DynamicDomains().end());
  lists.insert(lists.end(), domain->vocabulary.begin(),
               domain->vocabulary.end());
  return Capitalised(Expand(text, lists, draws));
}

}  // namespace revlm::challenge
