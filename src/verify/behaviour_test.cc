#include "verify/behaviour.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/models.h"
#include "verify/next_token.h"

namespace revlm::verify {
namespace {

using formats::Checkpoint;

constexpr uint64_t kPlenty = uint64_t{1} << 30;

Checkpoint OpenExample(const std::string& name) {
  return Checkpoint::Open(std::string(REVLM_EXAMPLES) + "/models/" + name)
      .value();
}

// Prompts of any ids: what they stand for does not matter here.
std::vector<EncodedPrompt> MakePrompts() {
  std::vector<EncodedPrompt> prompts;
  for (int32_t i = 0; i < 9; ++i) {
    EncodedPrompt& prompt = prompts.emplace_back();
    for (int32_t j = 0; j < 3 + 5 * (i % 4); ++j) {
      prompt.ids.push_back((17 * i + 29 * j) % 1000);
    }
  }
  return prompts;
}

BehaviourOptions Options() {
  BehaviourOptions options;
  options.directory = std::filesystem::current_path();
  options.num_threads = 1;
  return options;
}

// From one engine's answers to one prompt after the other.
std::vector<std::vector<float>> PlainLogits(
    const Checkpoint& checkpoint, const std::vector<EncodedPrompt>& prompts) {
  memory::Budget budget(kPlenty);
  auto engine = engine::Engine::Open(
                    checkpoint, budget,
                    {.compute = engine::ComputeType::kF32, .num_threads = 1})
                    .value();
  std::vector<std::vector<float>> logits(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    const std::vector<engine::Request> requests = {
        {.prompt = prompts[i].ids,
         .max_new_tokens = 0,
         .want_prompt_logits = true}};
    engine
        ->Run(requests, {.on_plan = {},
                         .on_complete =
                             [&](size_t, engine::Completion completion) {
                               logits[i] = std::move(completion.prompt_logits);
                             },
                         .on_progress = {}})
        .value();
  }
  return logits;
}

std::vector<PromptDivergence> CompareTwo(const BehaviourModel& a,
                                         const BehaviourModel& b,
                                         const BehaviourOptions& options,
                                         uint64_t budget_bytes = kPlenty,
                                         Scale scale = Scale::kTokens) {
  memory::Budget budget(budget_bytes);
  const std::vector<BehaviourModel> models = {a, b};
  const std::vector<PairPlan> pairs = {{.a = 0, .b = 1, .scale = scale}};
  auto values = CompareBehaviour(models, pairs, options, budget);
  EXPECT_TRUE(values) << values.error().message;
  EXPECT_EQ(budget.reserved_bytes(), 0u);
  if (!values) return {};
  return std::move((*values)[0]);
}

bool AreEqual(const std::vector<PromptDivergence>& a,
              const std::vector<PromptDivergence>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].num_positions != b[i].num_positions || a[i].nats != b[i].nats ||
        a[i].mirror_nats != b[i].mirror_nats) {
      return false;
    }
  }
  return a.size() == b.size();
}

TEST(BehaviourTest, IsTheMeanOverPositionsOfPlainDivergences) {
  const Checkpoint a = OpenExample("aster-s0");
  const Checkpoint b = OpenExample("aster-s0-ft-quotes");
  const std::vector<EncodedPrompt> prompts = MakePrompts();
  const auto found =
      CompareTwo({.checkpoint = &a, .prompts = prompts},
                 {.checkpoint = &b, .prompts = prompts}, Options());
  const auto logits_a = PlainLogits(a, prompts);
  const auto logits_b = PlainLogits(b, prompts);
  ASSERT_EQ(found.size(), prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    const size_t positions = prompts[i].ids.size();
    const size_t vocabulary = logits_a[i].size() / positions;
    double nats = 0;
    double mirror = 0;
    for (size_t at = 0; at < positions; ++at) {
      Distribution of_a;
      Distribution of_b;
      SetFromLogits(std::span(logits_a[i]).subspan(at * vocabulary, vocabulary),
                    of_a);
      SetFromLogits(std::span(logits_b[i]).subspan(at * vocabulary, vocabulary),
                    of_b);
      nats += Divergences(of_a, of_b).nats;
      mirror += Divergences(of_a, of_b).mirror;
    }
    EXPECT_EQ(found[i].num_positions, static_cast<int32_t>(positions));
    EXPECT_EQ(found[i].nats, nats / static_cast<double>(positions));
    EXPECT_EQ(found[i].mirror_nats, mirror / static_cast<double>(positions));
    EXPECT_GT(found[i].nats, 1e-4);
  }
}

TEST(BehaviourTest, AModelIsExactlyZeroFromItself) {
  const Checkpoint a = OpenExample("aster-s0");
  const BehaviourModel model = {.checkpoint = &a, .prompts = MakePrompts()};
  for (const PromptDivergence& found : CompareTwo(model, model, Options())) {
    EXPECT_GT(found.num_positions, 0);
    EXPECT_EQ(found.nats, 0);
    EXPECT_EQ(found.mirror_nats, 0);
  }
}

TEST(BehaviourTest, TellsHowSureEachModelIsOfEachPrompt) {
  const Checkpoint a = OpenExample("aster-s0");
  const Checkpoint b = OpenExample("aster-s0-ft-quotes");
  const std::vector<EncodedPrompt> prompts = MakePrompts();
  const std::array logits = {PlainLogits(a, prompts), PlainLogits(b, prompts)};
  BehaviourOptions options = Options();
  size_t num_told = 0;
  options.on_certainty = [&](size_t model_idx, size_t prompt_idx,
                             const Certainty& found) {
    const auto& of = logits[model_idx][prompt_idx];
    Distribution workspace;
    const Certainty plain =
        CertaintyOf(of, of.size() / prompts[prompt_idx].ids.size(), workspace);
    EXPECT_EQ(found.mean_entropy_nats, plain.mean_entropy_nats);
    EXPECT_EQ(found.mean_top_probability, plain.mean_top_probability);
    ++num_told;
  };
  const auto told = CompareTwo({.checkpoint = &a, .prompts = prompts},
                               {.checkpoint = &b, .prompts = prompts}, options);
  EXPECT_EQ(num_told, 2 * prompts.size());
  EXPECT_TRUE(AreEqual(
      told, CompareTwo({.checkpoint = &a, .prompts = prompts},
                       {.checkpoint = &b, .prompts = prompts}, Options())));
}

TEST(BehaviourTest, APromptThatTwoModelsCutOtherwiseHasNoValueOverTokens) {
  const Checkpoint a = OpenExample("aster-s0");
  const BehaviourModel whole = {.checkpoint = &a, .prompts = MakePrompts()};
  BehaviourModel other = whole;
  other.prompts[1].ids.pop_back();
  const auto found = CompareTwo(whole, other, Options());
  EXPECT_GT(found[0].num_positions, 0);
  EXPECT_EQ(found[1].num_positions, 0);
}

TEST(BehaviourTest, IsTheSameBitsForAnyBudgetBatchThreadsAndOrder) {
  const Checkpoint a = OpenExample("aster-s0");
  const Checkpoint b = OpenExample("aster-s0-ft-quotes");
  const BehaviourModel of_a = {.checkpoint = &a, .prompts = MakePrompts()};
  const BehaviourModel of_b = {.checkpoint = &b, .prompts = MakePrompts()};
  const auto expected = CompareTwo(of_a, of_b, Options());
  const std::vector<BehaviourModel> models = {of_a, of_b};
  const std::vector<PairPlan> pairs = {
      {.a = 0, .b = 1, .scale = Scale::kTokens}};
  for (const int32_t batch : {1, 4}) {
    for (const int32_t threads : {1, 3}) {
      BehaviourOptions options = Options();
      options.batch_size = batch;
      options.num_threads = threads;
      const auto floor = BehaviourFloorBytes(models, pairs, options);
      ASSERT_TRUE(floor);
      for (const uint64_t budget_bytes : {*floor, kPlenty}) {
        EXPECT_TRUE(
            AreEqual(CompareTwo(of_a, of_b, options, budget_bytes), expected))
            << batch << " " << threads << " " << budget_bytes;
      }
    }
  }
  auto mirrored = CompareTwo(of_b, of_a, Options());
  for (PromptDivergence& value : mirrored) {
    std::swap(value.nats, value.mirror_nats);
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(mirrored[i].nats, expected[i].nats, 1e-12);
    EXPECT_NEAR(mirrored[i].mirror_nats, expected[i].mirror_nats, 1e-12);
  }
}

TEST(BehaviourTest, BelowTheFloorNothingRuns) {
  const Checkpoint a = OpenExample("aster-s0");
  const BehaviourModel model = {.checkpoint = &a, .prompts = MakePrompts()};
  const std::vector<BehaviourModel> models = {model, model};
  const std::vector<PairPlan> pairs = {
      {.a = 0, .b = 1, .scale = Scale::kTokens}};
  const auto floor = BehaviourFloorBytes(models, pairs, Options());
  ASSERT_TRUE(floor);
  memory::Budget budget(*floor / 2);
  const auto plans = PlanBehaviour(models, pairs, Options(), budget);
  ASSERT_FALSE(plans);
  EXPECT_EQ(plans.error().code, ErrorCode::kBudgetExceeded);
  EXPECT_EQ(budget.reserved_bytes(), 0u);
}

TEST(BehaviourTest, APromptThatAModelRefusesHasNoValue) {
  const Checkpoint a = OpenExample("aster-s0");
  BehaviourModel model = {.checkpoint = &a, .prompts = MakePrompts()};
  model.prompts[2].ids.clear();             // cannot be encoded
  model.prompts[4].ids.assign(100'000, 1);  // beyond the context
  const auto found = CompareTwo(model, model, Options());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].num_positions > 0, i != 2 && i != 4) << i;
  }
}

TEST(BehaviourTest, BytesAreTakenWhereTokensOfBothEnd) {
  const Checkpoint a = OpenExample("aster-s0");
  BehaviourModel of_a = {.checkpoint = &a, .prompts = MakePrompts()};
  of_a.first_bytes.assign(static_cast<size_t>(a.config().vocab_size), kNoByte);
  for (size_t i = 0; i < of_a.first_bytes.size(); ++i) {
    of_a.first_bytes[i] = static_cast<uint16_t>(i % 256);
  }
  for (EncodedPrompt& prompt : of_a.prompts) {
    for (size_t i = 0; i < prompt.ids.size(); ++i) {
      prompt.ends.push_back(static_cast<int64_t>(2 * i));
    }
  }
  BehaviourModel of_b = of_a;
  const auto all =
      CompareTwo(of_a, of_b, Options(), kPlenty, Scale::kFirstBytes);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].num_positions,
              static_cast<int32_t>(of_a.prompts[i].ids.size()));
    EXPECT_EQ(all[i].nats, 0);
  }
  // Every other token ends elsewhere; the last of those that end at one byte
  // counts.
  for (EncodedPrompt& prompt : of_b.prompts) {
    for (size_t i = 0; i < prompt.ends.size(); i += 2) ++prompt.ends[i];
  }
  for (const PromptDivergence& value :
       CompareTwo(of_a, of_b, Options(), kPlenty, Scale::kFirstBytes)) {
    EXPECT_GT(value.num_positions, 0);
    EXPECT_EQ(value.nats, 0);
  }
  for (EncodedPrompt& prompt : of_b.prompts) prompt.ends.clear();
  for (const PromptDivergence& value :
       CompareTwo(of_a, of_b, Options(), kPlenty, Scale::kFirstBytes)) {
    EXPECT_EQ(value.num_positions, 0);
  }
}

TEST(BehaviourTest, StopsWhenAsked) {
  const Checkpoint a = OpenExample("aster-s0");
  const BehaviourModel model = {.checkpoint = &a, .prompts = MakePrompts()};
  std::stop_source stop;
  BehaviourOptions options = Options();
  options.stop = stop.get_token();
  options.on_plan = [&](size_t, const engine::RunPlan&) {
    stop.request_stop();
  };
  memory::Budget budget(kPlenty);
  const std::vector<BehaviourModel> models = {model, model};
  const std::vector<PairPlan> pairs = {
      {.a = 0, .b = 1, .scale = Scale::kTokens}};
  const auto values = CompareBehaviour(models, pairs, options, budget);
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(budget.reserved_bytes(), 0u);
}

}  // namespace
}  // namespace revlm::verify
