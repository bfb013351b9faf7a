// What the tests of the orchestrator share.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "challenge/orchestrator.h"
#include "challenge/proposer.h"

namespace revlm::challenge {

inline OrchestratorOptions Seeded(uint64_t seed) {
  return {.session_key = DeriveSessionKey({.seed = SeedFromNumber(seed)})};
}

inline Orchestrator Make(const OrchestratorOptions& options) {
  auto made = Orchestrator::Create(options);
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

inline std::vector<Challenge> Next(Orchestrator& orchestrator, size_t count) {
  auto challenges = orchestrator.Next(count);
  EXPECT_TRUE(challenges) << challenges.error().message;
  return std::move(challenges).value_or(std::vector<Challenge>());
}

// Gives NAME-0, NAME-1, ... until it has no more, or as `before` decides.
class FakeProposer : public Proposer {
 public:
  using Before = std::function<Status(const std::stop_token&)>;

  FakeProposer(std::string name, size_t num_texts, Before before = nullptr)
      : name_(std::move(name)), num_texts_(num_texts), before_(before) {}

  std::string_view name() const override { return name_; }

  Result<std::vector<Challenge>> Propose(size_t count,
                                         const std::stop_token& stop) override {
    if (before_) REVLM_TRY(before_(stop));
    std::vector<Challenge> challenges;
    for (; challenges.size() < count && next_ < num_texts_; ++next_) {
      const std::string text = name_ + "-" + std::to_string(next_);
      challenges.push_back({.id = text, .text = text, .system = name_});
    }
    return challenges;
  }

  void Learn(std::span<const Lesson>) override {}

 private:
  std::string name_;
  size_t num_texts_;
  Before before_;
  size_t next_ = 0;
};

inline WeightedProposer Fake(const std::string& name, int share,
                             size_t num_texts = 100'000,
                             FakeProposer::Before before = nullptr) {
  return {std::make_shared<FakeProposer>(name, num_texts, std::move(before)),
          share};
}

inline std::map<std::string, size_t> CountBySystem(
    const std::vector<Challenge>& challenges) {
  std::map<std::string, size_t> counts;
  for (const Challenge& challenge : challenges) ++counts[challenge.system];
  return counts;
}

}  // namespace revlm::challenge
