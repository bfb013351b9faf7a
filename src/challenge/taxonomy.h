// What models are able to do, as a tree: capability, topic, skill. Prompt
// system hierarchical walks its leaves, and the coverage of any prompts is
// counted in them (coverage.h).
//
// It is version 1 of the tree and of the templates: whoever changes one makes a
// new version, see `kHierarchical`.
//
// Threads: pure functions. Errors: none.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "challenge/draw.h"
#include "challenge/expand.h"

namespace revlm::challenge {

struct TaxonomyLeaf {
  std::string_view path;  // "mathematics/arithmetic/addition"
  std::array<std::string_view, 3> templates;

  std::string_view capability() const { return path.substr(0, path.find('/')); }
  std::string_view topic() const { return path.substr(0, path.rfind('/')); }
  std::string_view skill() const { return path.substr(path.rfind('/') + 1); }
};

// Grouped by capability, then by topic. Leaves are named by their place here.
std::span<const TaxonomyLeaf> TaxonomyLeaves();

struct Capability {
  std::string_view name;
  std::string_view reason;  // why prompts for it tell models apart
};
std::span<const Capability> Capabilities();

// By its path, and the place of its capability. REQUIRES: leaf_idx is a leaf's.
std::optional<size_t> FindLeaf(std::string_view path);
size_t CapabilityOf(size_t leaf_idx);

// A text for a leaf. REQUIRES: leaf_idx is a leaf's.
std::string DrawLeafText(size_t leaf_idx, Draws& draws);

// What the templates use besides `CommonWords`, `PotWordLists` (of lists of one
// name, the first of these counts) and, below knowledge/practice, the
// vocabulary of the domain of that name.
std::span<const WordList> TaxonomyWords();

// The leaves of each capability, in files of their own.
std::span<const TaxonomyLeaf> LanguageLeaves();
std::span<const TaxonomyLeaf> KnowledgeLeaves();
std::span<const TaxonomyLeaf> ReasoningLeaves();
std::span<const TaxonomyLeaf> MathematicsLeaves();
std::span<const TaxonomyLeaf> CodeLeaves();
std::span<const TaxonomyLeaf> StructureLeaves();
std::span<const TaxonomyLeaf> InteractionLeaves();
std::span<const TaxonomyLeaf> RobustnessLeaves();

}  // namespace revlm::challenge
