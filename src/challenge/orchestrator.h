// Chooses the prompts of a run: several prompt systems at once, by shares, and
// the next ones by what the ones before brought.
//
//   REVLM_ASSIGN_OR_RETURN(Orchestrator orchestrator,
//                          Orchestrator::Create({.session_key = key}));
//   REVLM_ASSIGN_OR_RETURN(auto challenges, orchestrator.Next(8));
//   ...                                  // ask the models
//   REVLM_TRY(orchestrator.Observe(outcomes));
//   REVLM_ASSIGN_OR_RETURN(challenges, orchestrator.Next(8));
//
// Shares. Each prompt is due from one system, by smooth weighted round robin
// over all calls: each system's credit grows by its share, the one with most
// credit (the first of equals) gives the prompt and pays the sum of all shares.
// `strategy.h` has the shares at first; with outcomes most of them go to the
// systems whose last prompts brought most, as much as the focus lets
// (`shares.h`).
//
// A system that fails (an error, an exception, nothing to give, no answer
// within the deadline, to a question or to what it is to learn) is not asked
// again, `systems` says why, and its share goes to the others.
//
// Choice. Before the first outcome each system gives its prompts in its own
// order, so the first n are the same however they are asked for: Next(8) twice
// is Next(16). Afterwards each proposes several times as many as are due, and
// those are chosen that promise most: `predictor.h` learns which prompts are
// informative, `profile.h` where the models behave differently, `chooser.h`
// ranks by both. Some are taken in the system's own order all the same, to
// explore.
//
// What is chosen depends on the key, the options and the past: the outcomes of
// prompts that came before. That is what a sequential test asks of whoever
// chooses its prompts: the next value's mean may depend on the past, and the
// hypothesis bounds it given the past (`stats/bet.h`).
//
// Threads: thread-compatible; systems run in threads of the orchestrator's own
// inside `Next`. One that is late is asked to stop and left behind: the
// destructor waits for it. Memory: the prompts given that were not observed
// yet, some hundred bytes for each other, and those proposed while `Next` runs.
// Errors: below.
// Determinism: the same calls give the same bytes on every machine, for every
// compiler and number of threads, unless a deadline passes; arithmetic is IEEE
// double precision without contraction and without the C library's functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "challenge/coverage.h"
#include "challenge/draw.h"
#include "challenge/outcome.h"
#include "challenge/profile.h"
#include "challenge/strategy.h"
#include "challenge/system.h"

namespace revlm::challenge {

struct OrchestratorOptions {
  Key session_key = {};             // DeriveSessionKey
  std::vector<SystemKind> systems;  // each once; none: all
  Strategy strategy = Strategy::kBalanced;
  Focus focus = Focus::kBalanced;
  int num_threads = 0;  // systems at work at once; 0: all of them
  // For each system in each call of `Next`.
  std::chrono::milliseconds deadline = std::chrono::seconds(30);
};

struct SystemReport {
  std::string name;  // "pot/1"
  // By the strategy, of all prompts, in [0, 1]: what it gives as long as no
  // system fails and nothing was observed.
  double share = 0;
  size_t num_asked = 0;  // prompts that it was asked to propose
  size_t num_given = 0;  // of those chosen
  std::string failure;   // empty: none
};

class Proposer;

struct WeightedProposer {
  std::shared_ptr<Proposer> proposer;  // shared: see proposer.h
  int share = 1;                       // relative to the others'
};

class Orchestrator {
 public:
  // Errors: kInvalidArgument for a system twice, a negative number of threads,
  // or a deadline that is not above 0.
  static Result<Orchestrator> Create(const OrchestratorOptions& options);

  // The same with systems of one's own: `options.systems` and
  // `options.strategy` are not used. REQUIRES: no null, shares above 0.
  static Result<Orchestrator> CreateOf(
      const std::vector<WeightedProposer>& proposers,
      const OrchestratorOptions& options);

  Orchestrator(Orchestrator&&) noexcept;
  Orchestrator& operator=(Orchestrator&&) noexcept;
  ~Orchestrator();

  // Exactly `count` challenges, none with the text or the id of one before.
  // Errors: kInvalidArgument for 0, or more than kMaxChallenges in all calls
  // together, nothing has changed; kUnavailable once every system has failed,
  // with each one's reason: what was chosen until then is lost, and counts.
  Result<std::vector<Challenge>> Next(size_t count);

  // Takes the outcomes of challenges that were given, in any order and number.
  // Errors: kInvalidArgument for an id that was not given or was observed
  // before, and for numbers that are not finite, negative or, for a
  // probability, above 1; then nothing was learnt.
  Status Observe(std::span<const Outcome> outcomes);

  std::vector<SystemReport> systems() const;  // in the order of SystemKind
  Coverage coverage() const;                  // of all challenges given
  // Of the models in outcomes, in the order in which they came.
  std::vector<ModelProfile> profiles() const;

 private:
  struct State;
  explicit Orchestrator(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace revlm::challenge
