#include "run/orchestration.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "challenge/pot.h"
#include "challenge/proposer.h"

namespace revlm::run {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Fails when it is asked.
class BrokenProposer : public challenge::Proposer {
 public:
  std::string_view name() const override { return "evolutionary/1"; }
  Result<std::vector<challenge::Challenge>> Propose(
      size_t, const std::stop_token&) override {
    return base::MakeError(ErrorCode::kInternal, "the pool is empty");
  }
  void Learn(std::span<const challenge::Lesson>) override {}
};

std::vector<std::string> TextsOf(
    const std::vector<challenge::Challenge>& challenges) {
  std::vector<std::string> texts;
  for (const auto& made : challenges) texts.push_back(made.text);
  return texts;
}

TEST(OrchestrationTest, PromptsAreThoseOfTheSeedSystemsAndNumber) {
  const auto texts = [](const PromptOrchestration& asked, uint64_t seed) {
    auto orchestrator = MakeOrchestrator(asked, seed).value();
    return TextsOf(orchestrator.Next(30).value());
  };
  const PromptOrchestration pot = {.systems = {PromptSystem::kPot}};
  EXPECT_EQ(texts(pot, 7), texts(pot, 7));
  EXPECT_NE(texts(pot, 7), texts(pot, 8));
  // One system alone: its own order.
  const challenge::Key key =
      challenge::DeriveSessionKey({.seed = challenge::SeedFromNumber(7)});
  const auto plain =
      challenge::GenerateChallenges(challenge::kPot, key, {}, 30);
  EXPECT_EQ(texts(pot, 7), TextsOf(*plain));
  const PromptOrchestration twice = {
      .systems = {PromptSystem::kPot, PromptSystem::kPot}};
  EXPECT_EQ(MakeOrchestrator(twice, 7).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(OrchestrationTest, ASystemThatFailsIsNamedAndOthersTakeItsShare) {
  auto orchestrator =
      challenge::Orchestrator::CreateOf(
          {{challenge::MakeFixedProposer(challenge::kPot, challenge::Key()), 1},
           {std::make_shared<BrokenProposer>(), 3}},
          {})
          .value();
  EXPECT_EQ(orchestrator.Next(20).value().size(), 20u);
  const auto reports = ReportsOf(orchestrator, Told::kNothing);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].num_prompts, 20);
  EXPECT_EQ(reports[0].failure, "");
  EXPECT_EQ(reports[1].share, 0.75);
  EXPECT_EQ(reports[1].num_prompts, 0);
  EXPECT_THAT(reports[1].failure, HasSubstr("the pool is empty"));
  EXPECT_EQ(reports[1].remark, "");  // it made nothing
  EXPECT_THAT(FailureNotices(reports),
              ElementsAre(HasSubstr("evolutionary/1 failed")));
  const base::Json json = SystemsToJson(reports);
  EXPECT_EQ(json[0]["failure"], nullptr);
  EXPECT_EQ(json[1]["name"], "evolutionary/1");
}

TEST(OrchestrationTest, NamesSayWhatIsMeant) {
  const auto named =
      NamedOrchestration({"kdf", "pot"}, "behavioral", "coverage");
  ASSERT_TRUE(named);
  EXPECT_THAT(named->systems,
              ElementsAre(PromptSystem::kKdf, PromptSystem::kPot));
  EXPECT_EQ(named->strategy, PromptStrategy::kBehavioral);
  EXPECT_EQ(named->focus, ChallengeFocus::kCoverage);
  EXPECT_THAT(
      NamedOrchestration({"pod"}, "balanced", "balanced").error().message,
      HasSubstr("\"pod\", allowed are pot, kdf"));
  EXPECT_FALSE(NamedOrchestration({}, "", "balanced"));
  EXPECT_FALSE(NamedOrchestration({}, "balanced", "sideways"));
  EXPECT_EQ(PromptStrategyName(PromptStrategy::kComprehensive),
            "comprehensive");
  EXPECT_EQ(ChallengeFocusName(ChallengeFocus::kSeparation), "separation");
}

TEST(OrchestrationTest, APromptAsJsonIsWhatPromptFilesHold) {
  MadePrompt prompt;
  prompt.id = "a";
  prompt.text = "b";
  EXPECT_EQ(PromptToJson(prompt), base::Json({{"id", "a"}, {"prompt", "b"}}));
  prompt.system = "pot/1";
  prompt.parameters = {{"domain", "code"}};
  prompt.rationale = "c";
  EXPECT_EQ(PromptToJson(prompt)["parameters"]["domain"], "code");
}

}  // namespace
}  // namespace revlm::run
