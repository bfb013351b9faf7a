#include "challenge/coverage.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

// What a value of a parameter means: a capability, or the path of a leaf.
struct Meaning {
  std::string_view value;
  std::string_view path;
};

constexpr Meaning kPotDomains[] = {
    {"arithmetic", "mathematics"}, {"code", "code"},
    {"facts", "knowledge"},        {"lists", "reasoning"},
    {"formats", "structure"},      {"dialogue", "interaction"},
    {"translation", "language"},   {"commonsense", "reasoning"},
    {"unicode", "robustness"},
};

constexpr Meaning kKdfMethods[] = {
    {"typos", "robustness/noise/spelling"},
    {"digits", "robustness/noise/spelling"},
    {"case", "robustness/noise/layout"},
    {"spacing", "robustness/noise/layout"},
    {"vowels", "robustness/noise/loss"},
    {"order", "robustness/noise/loss"},
    {"base64", "robustness/codes/byte_codes"},
    {"hex", "robustness/codes/byte_codes"},
    {"percent", "robustness/codes/byte_codes"},
    {"rot13", "robustness/codes/letter_codes"},
    {"reversed", "robustness/codes/letter_codes"},
    {"morse", "robustness/codes/signals"},
    {"fullwidth", "robustness/unicode/lookalikes"},
    {"confusables", "robustness/unicode/lookalikes"},
    {"bidi", "robustness/unicode/invisibles"},
    {"zero_width", "robustness/unicode/invisibles"},
    {"combining", "robustness/unicode/ornaments"},
    {"emoji", "robustness/unicode/ornaments"},
    {"opposites", "interaction/conflict/contradiction"},
    {"impossible", "interaction/conflict/contradiction"},
    {"changed_rule", "interaction/conflict/changed_rule"},
    {"two_voices", "interaction/conflict/voices"},
    {"needle", "robustness/context/retrieval"},
    {"rivals", "robustness/context/retrieval"},
    {"revision", "robustness/context/revision"},
    {"refrain", "robustness/context/refrain"},
    {"quotes", "structure/traps/nesting"},
    {"brackets", "structure/traps/nesting"},
    {"markup", "structure/traps/nesting"},
    {"json", "structure/traps/embedding"},
    {"fences", "structure/traps/embedding"},
    {"table", "structure/traps/tables"},
};

constexpr Meaning kDynamicKinds[] = {
    {"description", "language/discourse/description"},
    {"narrative", "language/discourse/story"},
    {"conversation", "interaction/dialogue/turns"},
};

// By difficulty.
constexpr Meaning kInstructions[] = {
    {"1", "interaction/instructions/single_task"},
    {"2", "interaction/instructions/constraints"},
    {"3", "interaction/instructions/constraints"},
    {"4", "interaction/instructions/constraints"},
    {"5", "interaction/instructions/constraints"},
};
constexpr Meaning kEdges[] = {
    {"1", "robustness/edges/almost_empty"},
    {"2", "robustness/edges/repetition"},
    {"3", "robustness/edges/limits"},
    {"4", "robustness/edges/mixed_languages"},
    {"5", "robustness"},
};

std::string_view ValueOf(const Challenge& challenge, std::string_view name) {
  const auto parameter =
      std::ranges::find(challenge.parameters, name, &Parameter::name);
  return parameter == challenge.parameters.end() ? std::string_view()
                                                 : parameter->value;
}

// Empty for a value that is not there.
std::string PathFor(std::string_view value, std::span<const Meaning> meanings) {
  const auto meaning = std::ranges::find(meanings, value, &Meaning::value);
  return std::string(meaning == meanings.end() ? "" : meaning->path);
}

std::vector<std::string> DynamicPaths(const Challenge& challenge) {
  const std::string_view kind = ValueOf(challenge, "kind");
  const std::string_view difficulty = ValueOf(challenge, "difficulty");
  std::vector<std::string> paths = {kind == "edge" ? PathFor(difficulty, kEdges)
                                    : kind == "instruction"
                                        ? PathFor(difficulty, kInstructions)
                                        : PathFor(kind, kDynamicKinds)};
  if (kind == "question" || kind == "instruction" || kind == "description") {
    paths.push_back("knowledge/practice/" +
                    std::string(ValueOf(challenge, "domain")));
  }
  return paths;
}

std::vector<std::string> PathsOf(const Challenge& challenge) {
  const std::string_view system =
      std::string_view(challenge.system)
          .substr(
              0, std::min(challenge.system.find('/'), challenge.system.size()));
  if (system == "pot") {
    return {PathFor(ValueOf(challenge, "domain"), kPotDomains)};
  }
  if (system == "kdf") {
    return {PathFor(ValueOf(challenge, "method"), kKdfMethods)};
  }
  if (system == "dynamic") return DynamicPaths(challenge);
  if (system == "hierarchical") {
    return {std::string(ValueOf(challenge, "leaf"))};
  }
  return {};
}

}  // namespace

Touched TouchedBy(const Challenge& challenge) {
  std::set<size_t> leaves;
  std::set<size_t> capabilities;
  for (const std::string& path : PathsOf(challenge)) {
    if (const auto leaf = FindLeaf(path)) {
      leaves.insert(*leaf);
      capabilities.insert(CapabilityOf(*leaf));
      continue;
    }
    const auto all = Capabilities();
    const auto capability = std::ranges::find(all, path, &Capability::name);
    if (capability != all.end()) {
      capabilities.insert(static_cast<size_t>(capability - all.begin()));
    }
  }
  return {.leaves = {leaves.begin(), leaves.end()},
          .capabilities = {capabilities.begin(), capabilities.end()}};
}

Coverage CoverageOf(std::span<const Challenge> challenges) {
  std::set<size_t> leaves;
  std::set<size_t> capabilities;
  for (const Challenge& challenge : challenges) {
    const Touched touched = TouchedBy(challenge);
    leaves.insert(touched.leaves.begin(), touched.leaves.end());
    capabilities.insert(touched.capabilities.begin(),
                        touched.capabilities.end());
  }
  const auto share = [](size_t part, size_t whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
  };
  return {
      .num_leaves = leaves.size(),
      .num_capabilities = capabilities.size(),
      .leaf_share = share(leaves.size(), TaxonomyLeaves().size()),
      .capability_share = share(capabilities.size(), Capabilities().size())};
}

}  // namespace revlm::challenge
