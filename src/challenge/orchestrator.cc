#include "challenge/orchestrator.h"

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/quote.h"
#include "challenge/chooser.h"
#include "challenge/dynamic.h"
#include "challenge/evolution.h"
#include "challenge/hierarchical_proposer.h"
#include "challenge/kdf.h"
#include "challenge/pot.h"
#include "challenge/proposer.h"
#include "challenge/shares.h"
#include "challenge/timed_calls.h"
#include "challenge/turns.h"
#include "crypto/sha256.h"

namespace revlm::challenge {
namespace {

std::shared_ptr<Proposer> MakeProposer(SystemKind kind, const Key& key) {
  switch (kind) {
    case SystemKind::kPot:
      return MakeFixedProposer(kPot, key);
    case SystemKind::kEvolutionary:
      return MakeEvolutionProposer(key);
    case SystemKind::kKdf:
      return MakeFixedProposer(kKdf, key);
    case SystemKind::kDynamic:
      return MakeFixedProposer(kDynamic, key);
    case SystemKind::kHierarchical:
      return MakeHierarchicalProposer(key);
  }
  REVLM_CHECK(false);  // all are above
}

struct Member {
  std::string name;
  std::shared_ptr<Proposer> proposer;  // with a call that is under way
  double share = 0;
  size_t num_asked = 0;
  size_t num_given = 0;
  std::deque<Challenge> proposals;  // not chosen yet, in the system's order
  std::string failure;              // not empty: is not asked again
};

Status CheckOptions(const OrchestratorOptions& options) {
  if (options.num_threads < 0) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "choosing prompts: found {} threads, allowed is 0 "
                           "(one for each system) or more",
                           options.num_threads);
  }
  if (options.deadline <= std::chrono::milliseconds(0)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "choosing prompts: found a deadline of {} ms, "
                           "allowed is above 0",
                           options.deadline.count());
  }
  return {};
}

}  // namespace

struct Orchestrator::State {
  std::vector<Member> members;
  Shares shares;
  Turns turns;
  TimedCalls calls;
  Chooser chooser;
  std::vector<Challenge> given;          // their systems and parameters
  std::set<crypto::Sha256Digest> texts;  // given
  std::set<std::string> ids;             // given
  struct Unseen {
    Challenge challenge;
    size_t member_idx;
  };
  std::map<std::string, Unseen> unseen;  // given and not observed, by id

  // Asks those who have fewer proposals than turns among the next `num_turns`.
  void Ask(size_t num_turns);
  // Tells those who have not failed.
  void Teach(std::span<const Lesson> lessons);
  // What was proposed without what was learnt since; better ones will come.
  void Forget();
  // The member's next proposal that is new.
  std::optional<Challenge> Take(Member& member);
  void Give(size_t member_idx, const Challenge& challenge);
  std::string Failures() const;
};

void Orchestrator::State::Ask(size_t num_turns) {
  const std::vector<size_t> num_due = turns.Count(num_turns);
  struct Request {
    size_t member_idx;
    size_t count;
  };
  std::vector<Request> requests;
  std::vector<TimedCalls::Call> asking;
  for (size_t i = 0; i < members.size(); ++i) {
    Member& member = members[i];
    const size_t num_proposals = member.proposals.size();
    if (!member.failure.empty() || num_proposals >= num_due[i]) continue;
    const size_t count = chooser.NumProposals(num_due[i] - num_proposals);
    requests.push_back({.member_idx = i, .count = count});
    asking.push_back(
        [proposer = member.proposer, count](const std::stop_token& stop) {
          return proposer->Propose(count, stop);
        });
    member.num_asked += count;
  }
  std::vector<TimedCalls::Answer> answers = calls.Run(std::move(asking));
  for (size_t i = 0; i < requests.size(); ++i) {
    Member& member = members[requests[i].member_idx];
    if (!answers[i]) {
      member.failure = answers[i].error().message;
      continue;
    }
    const bool has_more = answers[i]->size() >= requests[i].count;
    std::ranges::move(*answers[i], std::back_inserter(member.proposals));
    chooser.Order(member.proposals, member.num_given);
    if (!has_more) {
      member.failure = fmt::format("no more prompts after {}",
                                   member.num_given + member.proposals.size());
    }
  }
}

void Orchestrator::State::Teach(std::span<const Lesson> lessons) {
  struct Told {
    std::deque<Challenge> challenges;
    std::vector<Lesson> lessons;
  };
  // A late one goes on reading them.
  const auto told = std::make_shared<Told>();
  for (const Lesson& lesson : lessons) {
    told->lessons.push_back(
        {.challenge = told->challenges.emplace_back(lesson.challenge),
         .information_nats = lesson.information_nats});
  }
  std::vector<Member*> taught;
  std::vector<TimedCalls::Call> teaching;
  for (Member& member : members) {
    if (!member.failure.empty()) continue;
    taught.push_back(&member);
    teaching.push_back([proposer = member.proposer,
                        told](const std::stop_token&) -> TimedCalls::Answer {
      proposer->Learn(told->lessons);
      return {};
    });
  }
  const std::vector<TimedCalls::Answer> answers =
      calls.Run(std::move(teaching));
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i]) continue;
    taught[i]->failure = "learning: " + answers[i].error().message;
    taught[i]->proposals.clear();
  }
}

void Orchestrator::State::Forget() {
  if (!chooser.has_learnt()) return;
  for (Member& member : members) {
    if (member.failure.empty()) member.proposals.clear();
  }
}

std::optional<Challenge> Orchestrator::State::Take(Member& member) {
  while (!member.proposals.empty()) {
    Challenge challenge = std::move(member.proposals.front());
    member.proposals.pop_front();
    if (ids.contains(challenge.id)) continue;
    if (texts.insert(crypto::Sha256(base::AsBytes(challenge.text))).second) {
      return challenge;
    }
  }
  return std::nullopt;
}

void Orchestrator::State::Give(size_t member_idx, const Challenge& challenge) {
  ++members[member_idx].num_given;
  ids.insert(challenge.id);
  unseen.emplace(challenge.id, Unseen{challenge, member_idx});
  // All that coverage.h looks at.
  given.push_back(
      {.system = challenge.system, .parameters = challenge.parameters});
}

std::string Orchestrator::State::Failures() const {
  std::string failures;
  for (const Member& member : members) {
    if (!failures.empty()) failures += "; ";
    failures += member.name + ": " + member.failure;
  }
  return failures;
}

Result<Orchestrator> Orchestrator::Create(const OrchestratorOptions& options) {
  std::array<bool, kNumSystemKinds> is_enabled = {};
  for (const SystemKind kind : options.systems) {
    bool& is_given = is_enabled[static_cast<size_t>(kind)];
    if (is_given) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "choosing prompts: found the system {} twice, "
                             "allowed is once",
                             SystemKindName(kind));
    }
    is_given = true;
  }
  const auto& shares = SharesOf(options.strategy);
  std::vector<WeightedProposer> proposers;
  for (size_t i = 0; i < kNumSystemKinds; ++i) {
    if (!options.systems.empty() && !is_enabled[i]) continue;
    proposers.push_back(
        {MakeProposer(static_cast<SystemKind>(i), options.session_key),
         shares[i]});
  }
  return CreateOf(proposers, options);
}

Result<Orchestrator> Orchestrator::CreateOf(
    const std::vector<WeightedProposer>& proposers,
    const OrchestratorOptions& options) {
  REVLM_TRY(CheckOptions(options));
  REVLM_CHECK(!proposers.empty());
  std::vector<int> by_strategy;
  for (const WeightedProposer& item : proposers) {
    by_strategy.push_back(item.share);
  }
  const double sum = std::accumulate(by_strategy.begin(), by_strategy.end(), 0);
  const Shares shares(by_strategy, options.focus);
  const size_t num_at_once = options.num_threads > 0
                                 ? static_cast<size_t>(options.num_threads)
                                 : proposers.size();
  auto state = std::make_unique<State>(
      State{.shares = shares,
            .turns = Turns(shares.Current()),
            .calls = TimedCalls(num_at_once, options.deadline),
            .chooser =
                Chooser(options.session_key, options.strategy, options.focus)});
  for (const WeightedProposer& item : proposers) {
    state->members.push_back({.name = std::string(item.proposer->name()),
                              .proposer = item.proposer,
                              .share = item.share / sum});
  }
  return Orchestrator(std::move(state));
}

Orchestrator::Orchestrator(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
Orchestrator::Orchestrator(Orchestrator&&) noexcept = default;
Orchestrator& Orchestrator::operator=(Orchestrator&&) noexcept = default;
Orchestrator::~Orchestrator() = default;

Result<std::vector<Challenge>> Orchestrator::Next(size_t count) {
  if (count < 1 || count > kMaxChallenges - state_->given.size()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "choosing prompts: found a number of {} after {} "
                           "others, allowed is 1 or more and {} in all",
                           count, state_->given.size(), kMaxChallenges);
  }
  std::vector<Challenge> chosen;
  chosen.reserve(count);
  while (chosen.size() < count) {
    if (state_->turns.empty()) {
      return base::MakeError(ErrorCode::kUnavailable,
                             "choosing prompts: every system failed: {}",
                             state_->Failures());
    }
    const size_t member_idx = state_->turns.Peek();
    Member& member = state_->members[member_idx];
    if (std::optional<Challenge> challenge = state_->Take(member)) {
      state_->turns.Advance();
      state_->Give(member_idx, *challenge);
      chosen.push_back(*std::move(challenge));
    } else if (!member.failure.empty()) {
      state_->shares.Remove(member_idx);
      state_->turns.SetShares(state_->shares.Current());
    } else {
      state_->Ask(count - chosen.size());
    }
  }
  state_->Forget();
  return chosen;
}

Status Orchestrator::Observe(std::span<const Outcome> outcomes) {
  std::vector<Lesson> lessons;
  std::vector<size_t> member_idxs;
  std::set<std::string_view> seen;
  for (const Outcome& outcome : outcomes) {
    REVLM_TRY(CheckOutcome(outcome));
    const auto given = state_->unseen.find(outcome.challenge_id);
    if (given == state_->unseen.end() ||
        !seen.insert(outcome.challenge_id).second) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "learning from prompt {}: found one that was not "
                             "given or was observed before",
                             base::Quote(outcome.challenge_id));
    }
    lessons.push_back({.challenge = given->second.challenge,
                       .information_nats = outcome.information_nats});
    member_idxs.push_back(given->second.member_idx);
  }
  for (size_t i = 0; i < outcomes.size(); ++i) {
    state_->chooser.Learn(lessons[i].challenge, outcomes[i].information_nats,
                          outcomes[i].models);
    state_->shares.Learn(member_idxs[i], outcomes[i].information_nats);
  }
  state_->turns.SetShares(state_->shares.Current());
  state_->Teach(lessons);
  state_->Forget();
  for (const Outcome& outcome : outcomes) {
    state_->unseen.erase(outcome.challenge_id);
  }
  return {};
}

std::vector<SystemReport> Orchestrator::systems() const {
  std::vector<SystemReport> reports;
  for (const Member& member : state_->members) {
    reports.push_back({.name = member.name,
                       .share = member.share,
                       .num_asked = member.num_asked,
                       .num_given = member.num_given,
                       .failure = member.failure});
  }
  return reports;
}

Coverage Orchestrator::coverage() const { return CoverageOf(state_->given); }

std::vector<ModelProfile> Orchestrator::profiles() const {
  return state_->chooser.profiles();
}

}  // namespace revlm::challenge
