// Every supported checkpoint under tests/data/golden answers as the reference
// implementation does: logits and hidden states by normalised squared error,
// greedy tokens exactly. Prints the worst figure of each.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "formats/checkpoint.h"
#include "support/models.h"

namespace revlm::testing {
namespace {

using engine::ComputeType;

struct Figures {
  double logits = 0;  // worst normalised error of a prompt
  double hidden = 0;  // worst of a prompt and depth
  int num_prompts = 0;
  int num_equal_first = 0;  // prompts whose first greedy token is equal
  int num_tokens = 0;
  int num_equal_tokens = 0;
};

std::vector<engine::Request> RequestsOf(const GoldenCase& golden_case) {
  std::vector<engine::Request> requests;
  for (int i = 0; i < golden_case.num_prompts; ++i) {
    const std::string suffix = "." + std::to_string(i);
    requests.push_back(
        {.prompt = golden_case.golden.at("ids" + suffix).integers,
         .max_new_tokens = static_cast<int32_t>(
             golden_case.golden.at("greedy" + suffix).integers.size()),
         .want_prompt_logits = true,
         .ignore_stop_tokens = true,
         .capture = engine::Capture::kAll});
  }
  return requests;
}

// What differs between one completion and prompt `i` of the golden answers.
void Compare(const GoldenCase& golden_case, int i,
             const engine::Completion& completion, Figures& figures) {
  const std::string suffix = "." + std::to_string(i);
  const GoldenTensor& logits = golden_case.golden.at("logits" + suffix);
  ASSERT_EQ(completion.prompt_logits.size(), logits.floats.size());
  figures.logits =
      std::max(figures.logits,
               NormalizedError(completion.prompt_logits.data(),
                               logits.floats.data(), logits.floats.size()));
  const GoldenTensor& hidden = golden_case.golden.at("hidden" + suffix);
  ASSERT_EQ(completion.hidden_states.size(), hidden.floats.size());
  const size_t plane = hidden.shape[1] * hidden.shape[2];
  for (size_t depth = 0; depth < hidden.shape[0]; ++depth) {
    figures.hidden = std::max(
        figures.hidden,
        NormalizedError(completion.hidden_states.data() + depth * plane,
                        hidden.floats.data() + depth * plane, plane));
  }
  const std::vector<int32_t>& greedy =
      golden_case.golden.at("greedy" + suffix).integers;
  ASSERT_EQ(completion.tokens.size(), greedy.size());
  ++figures.num_prompts;
  figures.num_equal_first += completion.tokens[0].id == greedy[0];
  for (size_t t = 0; t < greedy.size(); ++t) {
    ++figures.num_tokens;
    figures.num_equal_tokens += completion.tokens[t].id == greedy[t];
  }
}

Figures Measure(const std::string& name, ComputeType compute) {
  Figures figures;
  auto golden_case = LoadGoldenCase(name);
  EXPECT_TRUE(golden_case) << golden_case.error().message;
  if (!golden_case) return figures;
  auto checkpoint = formats::Checkpoint::Open(golden_case->directory);
  EXPECT_TRUE(checkpoint) << checkpoint.error().message;
  if (!checkpoint) return figures;
  memory::Budget budget(uint64_t{1} << 30);
  auto opened = engine::Engine::Open(*checkpoint, budget,
                                     {.compute = compute, .num_threads = 2});
  EXPECT_TRUE(opened) << opened.error().message;
  if (!opened) return figures;
  const std::vector<engine::Request> requests = RequestsOf(*golden_case);
  const Status status = (*opened)->Run(
      requests, {.on_complete = [&](size_t i, engine::Completion completion) {
        EXPECT_FALSE(completion.error) << completion.error->message;
        Compare(*golden_case, static_cast<int>(i), completion, figures);
      }});
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(figures.num_prompts, golden_case->num_prompts);
  std::printf("%-24s %-4s logits %.1e  hidden %.1e  greedy %d/%d\n",
              name.c_str(), std::string(ComputeTypeName(compute)).c_str(),
              figures.logits, figures.hidden, figures.num_equal_tokens,
              figures.num_tokens);
  return figures;
}

TEST(GoldenTest, F32AgreesWithTheReference) {
  Figures worst;
  for (const std::string& name : GoldenCaseNames()) {
    const Figures figures = Measure(name, ComputeType::kF32);
    EXPECT_LE(figures.logits, 1e-9) << name;
    EXPECT_LE(figures.hidden, 1e-8) << name;
    EXPECT_EQ(figures.num_equal_tokens, figures.num_tokens) << name;
    worst.logits = std::max(worst.logits, figures.logits);
    worst.hidden = std::max(worst.hidden, figures.hidden);
    worst.num_tokens += figures.num_tokens;
    worst.num_equal_tokens += figures.num_equal_tokens;
  }
  std::printf(
      "worst in f32: logits %.2e (1e-9), hidden %.2e (1e-8), greedy "
      "tokens %d/%d\n",
      worst.logits, worst.hidden, worst.num_equal_tokens, worst.num_tokens);
}

TEST(GoldenTest, Bf16StaysCloseToTheReference) {
  Figures worst;
  for (const std::string& name : GoldenCaseNames()) {
    const Figures figures = Measure(name, ComputeType::kBf16);
    EXPECT_LE(figures.logits, 2e-3) << name;
    worst.logits = std::max(worst.logits, figures.logits);
    worst.num_prompts += figures.num_prompts;
    worst.num_equal_first += figures.num_equal_first;
  }
  EXPECT_GE(worst.num_equal_first, 0.95 * worst.num_prompts);
  std::printf("worst in bf16: logits %.2e (2e-3), first greedy tokens %d/%d\n",
              worst.logits, worst.num_equal_first, worst.num_prompts);
}

}  // namespace
}  // namespace revlm::testing
