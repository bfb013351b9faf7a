// Prompts that the program makes from a seed: by which systems, and why.
//
//   revlm::Result<revlm::PromptsReport> made = revlm::MakePrompts({});
//   if (made) puts(made->prompts[0].text.c_str());
//
// Five prompt systems make prompts, each its share of them; once outcomes are
// known, most go to those that bring most (docs/method-challenges.md). The same
// seed, systems, strategy and focus give the same prompts on every machine, and
// the first n are the same whatever their number. A run (revlm/run.h) asks all
// of them; a comparison (revlm/compare.h) may choose the next ones by what the
// ones before brought.
//
// Threads: `MakePrompts` may be called from many threads; systems work in
// threads of their own inside it. Memory: the prompts, below 32 MiB for 10,000.
// Errors: kInvalidArgument (options), kNotFound (`id`), kUnavailable (every
// system failed), kCancelled (`stop`, asked some hundred prompts apart).
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "revlm/error.h"

namespace revlm {

enum class PromptSystem {
  kPot,           // boundary probes: several continuations are plausible
  kKdf,           // perturbed, encoded, contradicting and misformed texts
  kEvolutionary,  // bred from those that told most
  kDynamic,       // composed: sentences, conversations, edge cases
  kHierarchical,  // a taxonomy of capabilities, leaf by leaf
};

// Which systems make how many.
enum class PromptStrategy {
  kBalanced,
  kAdversarial,
  kBehavioral,
  kComprehensive,
};

// Of prompts that are chosen by what others brought: how many are taken in
// their system's order all the same, and how much of the shares stays.
enum class ChallengeFocus { kCoverage, kSeparation, kBalanced };

// "balanced", "coverage" and so on.
std::string_view PromptStrategyName(PromptStrategy strategy);
std::string_view ChallengeFocusName(ChallengeFocus focus);

struct PromptOrchestration {
  std::vector<PromptSystem> systems;  // each once; none: all of them
  PromptStrategy strategy = PromptStrategy::kBalanced;
  ChallengeFocus focus = ChallengeFocus::kBalanced;
};

// By names: "pot", "kdf", "evolutionary", "dynamic", "hierarchical" (none: all
// systems), and those above. Errors: kInvalidArgument.
Result<PromptOrchestration> NamedOrchestration(
    const std::vector<std::string>& systems, std::string_view strategy,
    std::string_view focus);

// What became of one system's share.
struct PromptSystemReport {
  std::string name;  // with its version: "pot/1"
  // By the strategy, of all prompts: what it gives as long as no system fails
  // and no outcome is known.
  double share = 0;
  int64_t num_prompts = 0;
  std::string failure;  // why others took its share; empty: they did not
  std::string remark;   // what is to be known of its prompts; may be empty
};

struct PromptParameter {
  std::string name;
  std::string value;

  bool operator==(const PromptParameter&) const = default;
};

struct MadePrompt {
  std::string id;  // "pot-17"
  std::string text;
  std::string system;  // empty: given by the user; all below is empty, too
  std::vector<PromptParameter> parameters;
  std::string rationale;  // why it is worth asking

  bool operator==(const MadePrompt&) const = default;
};

// How much of what models are able to do the prompts touch.
struct PromptCoverage {
  int64_t num_leaves = 0;  // of the taxonomy
  int64_t num_leaves_touched = 0;
  int64_t num_classes = 0;  // of capabilities
  int64_t num_classes_touched = 0;
};

inline constexpr int32_t kDefaultPrompts = 10;
inline constexpr int32_t kMaxPrompts = 10'000;

struct PromptsOptions {
  uint64_t seed = 0;
  // 1 to kMaxPrompts. When not given, kDefaultPrompts, or with `id` as many as
  // it takes to come to it.
  std::optional<int32_t> num_prompts;
  PromptOrchestration orchestration;
  std::string id;  // only this one of them; empty: all
  std::stop_token stop;
};

struct PromptsReport {
  uint64_t seed = 0;
  PromptStrategy strategy = PromptStrategy::kBalanced;
  ChallengeFocus focus = ChallengeFocus::kBalanced;
  std::vector<PromptSystemReport> systems;  // of all that were made
  std::vector<MadePrompt> prompts;          // all, or the one of `id`
  PromptCoverage coverage;                  // of all that were made
};

Result<PromptsReport> MakePrompts(const PromptsOptions& options);

}  // namespace revlm
