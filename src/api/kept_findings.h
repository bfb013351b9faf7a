// What a comparison finds, kept until its end, so that the same comparison goes
// on where it was stopped (api/unfinished_folder.h): the weights of whole pairs
// and whole rounds of prompts.
//
// Threads: pure functions. Memory: what was found; while a round is read or
// kept up to three times as much again, reserved in the budget: where there is
// no room it is not kept, or asked again. Errors: kUnavailable (I/O, disk
// full). Determinism: findings read back bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/compare_rounds.h"
#include "api/compared_models.h"
#include "api/comparison_directory.h"
#include "base/error.h"
#include "base/json.h"
#include "memory/budget.h"
#include "revlm/compare.h"
#include "verify/kept_rows.h"

namespace revlm {

// Everything that what is found depends on: what `planned`, a comparison before
// anything is found, and the options say, the weight files, by identity, and
// each model's numerics class. Callers add what is of their own.
base::Json PlanOf(const Comparison& planned, const CompareOptions& options,
                  const std::vector<OpenedModel>& models);

// An error of a comparison that is at work in `directory`, told what is kept.
Error TellKept(Error error, ComparisonDirectory& directory);
// What is told when a comparison goes on; empty: it begins.
std::string GoesOn(ComparisonDirectory& directory);

struct PromptFailure {
  int64_t model = 0;       // index
  int64_t prompt_idx = 0;  // in its round
  std::string message;
};

// What a round of prompts brought.
struct RoundFinding {
  PromptTable values;        // a row of all its prompts for each pair
  CertaintyTable certainty;  // by model likewise; empty: nobody asked for it
  std::vector<PromptFailure> failures;  // by model, then prompt
};

struct RoundSizes {
  size_t num_pairs = 0;
  size_t num_models = 0;
  size_t num_prompts = 0;
  bool has_certainty = false;
};

// Nothing: there is none of these sizes, or no room for it.
std::optional<RoundFinding> ReadRound(const verify::KeptAt& at,
                                      const RoundSizes& sizes,
                                      memory::Budget& budget);
Status KeepRound(const verify::KeptAt& at, const RoundFinding& round,
                 memory::Budget& budget);

struct PairWeights {
  WeightFinding finding;
  std::string root_a;  // tensor roots
  std::string root_b;
};
std::optional<PairWeights> ReadWeights(const verify::KeptAt& at);
Status KeepWeights(const verify::KeptAt& at, const PairWeights& weights);

// Prompts of a round, as the first start decided.
std::optional<size_t> ReadRoundSize(const verify::KeptAt& at);
Status KeepRoundSize(const verify::KeptAt& at, size_t size);

}  // namespace revlm
