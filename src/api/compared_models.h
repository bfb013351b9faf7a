// The models and prompts of a comparison, opened and encoded.
//
// Threads: pure functions. Memory: that of tokenizers and checkpoints; prompts
// as token ids, once for each model. Errors: those of references, models and
// prompt files; kInvalidArgument.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/compare_events.h"
#include "base/error.h"
#include "memory/budget.h"
#include "revlm/compare.h"
#include "run/model.h"
#include "verify/behaviour.h"

namespace revlm {

struct ComparePrompts {
  // In the order in which they are looked at: a random one.
  std::vector<MadePrompt> prompts;
  std::string source;                       // Comparison::prompt_source
  std::vector<PromptSystemReport> systems;  // none: prompts of one's own
};

// Those of a seed are drawn one by one; one's own are put in an order that the
// seed decides. With an orchestration, as many as may be asked, made before
// anything is known: to plan with.
Result<ComparePrompts> CollectPrompts(const CompareOptions& options);

struct OpenedModel {
  std::string alias;
  run::Model model;  // its engine is closed
  engine::NumericsClass numerics;
  engine::MemoryNeed need;
};

Result<std::vector<OpenedModel>> OpenModels(const CompareOptions& options);

// Leaves the models the chat forms that they were opened with when prompts can
// be asked in them, else takes them away. Gives what is to be told about it;
// empty: nothing. Errors: kInvalidArgument when chat was asked for and models
// write prompts differently.
Result<std::string> ChooseForm(const CompareOptions& options,
                               const ComparePrompts& prompts,
                               std::vector<OpenedModel>& models);

// What a run's options say of a model that is compared: for run::LoadModel.
RunOptions EngineOptionsOf(const CompareOptions& options);

// The prompts as each model reads them. One that a model cannot be asked has no
// ids there; in chat form, one that models write differently has none anywhere.
std::vector<verify::BehaviourModel> EncodeFor(
    const std::vector<OpenedModel>& models, const ComparePrompts& prompts,
    const CompareOptions& options);

// Whether two models have the same tokens under the same ids.
bool ShareTokens(const OpenedModel& a, const OpenedModel& b);

// Refuses endpoints, and rules that mean nothing.
Status CheckModelsAndRules(const CompareOptions& options);

// What models that are opened one after the other need, whatever is asked.
engine::MemoryNeed NeedOf(std::span<const OpenedModel> models);
// Of two that need this: of what stays, the sum; of what is given back, the
// larger.
void AddNeed(const engine::MemoryNeed& one, engine::MemoryNeed& all);

// What of the memory limit is left for weights and engines. kBudgetExceeded,
// naming the floor of the process, when that is less than `floor_bytes`.
Result<uint64_t> BudgetBytesFor(const CompareOptions& options,
                                const engine::MemoryNeed& need,
                                uint64_t floor_bytes,
                                const CompareEvents& events);

ComparedModel Describe(const OpenedModel& model);
// The rules, the prompts and what `reference` computes in.
void Describe(const CompareOptions& options, const OpenedModel& reference,
              const ComparePrompts& prompts, Comparison& comparison);

// All pairs in the order of `Comparison::pairs`, with what they can be compared
// over; `why_none` is filled in beside, for each pair.
struct PlannedPairs {
  std::vector<verify::PairPlan> pairs;
  std::vector<std::string> why_none;
};
PlannedPairs PlanPairs(const std::vector<OpenedModel>& models,
                       const std::vector<verify::BehaviourModel>& encoded);

}  // namespace revlm
