// A request gives the same bits whatever the number of threads, the company of
// other requests, their order, and the memory there is. Run natively
// and with oneDNN held to AVX2 and to AVX-512 without bf16 instructions (see
// CMakeLists.txt): the bits may differ between those classes, never within one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/file.h"
#include "engine/engine.h"
#include "formats/checkpoint.h"
#include "support/files.h"
#include "support/models.h"

namespace revlm::testing {
namespace {

using engine::Completion;
using engine::ComputeType;
using engine::EngineOptions;
using engine::Request;

struct Subject {
  const char* golden_case;  // its weights
  ComputeType compute;
};

class InvarianceTest : public ::testing::TestWithParam<Subject> {
 protected:
  // Prompts of many lengths (one longer than a chunk of rows where the context
  // allows), some that generate, some that score, some that sample.
  std::vector<Request> MakeRequests(const engine::Engine& engine) {
    std::vector<Request> requests;
    const std::vector<int32_t> lengths = {1, 2, 3, 5, 17, 33, 64, 100, 200};
    for (size_t i = 0; i < lengths.size(); ++i) {
      Request request;
      for (int32_t t = 0; t < lengths[i]; ++t) {
        request.prompt.push_back((t * 37 + static_cast<int32_t>(i) * 101 + 11) %
                                 300);
      }
      request.max_new_tokens = i % 3 == 0 ? 0 : 6;
      request.num_top_logprobs = 3;
      request.want_prompt_logprobs = i % 2 == 0;
      request.ignore_stop_tokens = true;
      request.capture = engine::Capture::kMean;
      if (i % 4 == 1) request.sampling = {.temperature = 0.8f, .seed = i};
      requests.push_back(request);
    }
    Request longest;
    longest.prompt.assign(static_cast<size_t>(engine.context_length()), 7);
    longest.max_new_tokens = 0;
    longest.capture = engine::Capture::kLast;
    requests.push_back(longest);
    return requests;
  }

  struct How {
    int num_threads = 2;
    double memory = 0;  // in floors; 0: plenty
    bool one_by_one = false;
    bool reversed = false;
    bool spills = false;
  };

  std::vector<Completion> RunAll(const formats::Checkpoint& checkpoint,
                                 const How& how) {
    constexpr uint64_t kPlenty = uint64_t{1} << 30;
    memory::Budget budget(kPlenty);
    EngineOptions options = {.compute = GetParam().compute,
                             .num_threads = how.num_threads};
    if (how.spills) options.spill_directory = checkpoint.path();
    auto opened = engine::Engine::Open(checkpoint, budget, options);
    EXPECT_TRUE(opened) << opened.error().message;
    engine::Engine& engine = **opened;
    numerics_ = engine.numerics();
    std::vector<Request> requests = MakeRequests(engine);
    if (how.reversed) std::reverse(requests.begin(), requests.end());
    std::vector<Completion> completions(requests.size());
    auto run = [&](std::span<const Request> some, size_t first) {
      memory::Reservation held;
      if (how.memory > 0) {
        const double bytes =
            how.memory * static_cast<double>(engine.FloorBytes(some));
        held = budget
                   .Reserve(kPlenty - static_cast<uint64_t>(bytes),
                            memory::Use::kProgram)
                   .value();
      }
      plan_ = engine.Plan(some).value();
      const Status status = engine.Run(
          some, {.on_complete = [&](size_t i, Completion completion) {
            EXPECT_FALSE(completion.error) << completion.error->message;
            completions[first + i] = std::move(completion);
          }});
      EXPECT_TRUE(status) << status.error().message;
    };
    if (how.one_by_one) {
      for (size_t i = 0; i < requests.size(); ++i) run({&requests[i], 1}, i);
    } else {
      run(requests, 0);
    }
    if (how.reversed) std::reverse(completions.begin(), completions.end());
    return completions;
  }

  engine::NumericsClass numerics_;
  engine::RunPlan plan_;  // of the last run
};

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

bool SameBits(float a, float b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

void ExpectSameScores(const std::vector<engine::TokenScore>& a,
                      const std::vector<engine::TokenScore>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].id, b[i].id);
    EXPECT_TRUE(SameBits(a[i].logprob, b[i].logprob))
        << a[i].logprob << " and " << b[i].logprob;
    ASSERT_EQ(a[i].alternatives.size(), b[i].alternatives.size());
    for (size_t k = 0; k < a[i].alternatives.size(); ++k) {
      EXPECT_EQ(a[i].alternatives[k].id, b[i].alternatives[k].id);
      EXPECT_TRUE(
          SameBits(a[i].alternatives[k].logprob, b[i].alternatives[k].logprob));
    }
  }
}

void ExpectSame(const std::vector<Completion>& a,
                const std::vector<Completion>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    SCOPED_TRACE("request " + std::to_string(i));
    ExpectSameScores(a[i].tokens, b[i].tokens);
    ExpectSameScores(a[i].prompt_scores, b[i].prompt_scores);
    EXPECT_TRUE(SameBits(a[i].hidden_states, b[i].hidden_states));
    EXPECT_EQ(a[i].finish_reason, b[i].finish_reason);
  }
}

TEST_P(InvarianceTest, ThreadsCompanyOrderAndMemoryNeverShow) {
  auto golden_case = LoadGoldenCase(GetParam().golden_case);
  ASSERT_TRUE(golden_case) << golden_case.error().message;
  auto checkpoint = formats::Checkpoint::Open(golden_case->directory);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const std::vector<Completion> expected =
      RunAll(*checkpoint, {.num_threads = 1});
  const std::pair<const char*, How> cases[] = {
      {"2 threads", {}},
      {"2 threads, the floor", {.memory = 1}},
      {"1 thread, 1.5 floors", {.num_threads = 1, .memory = 1.5}},
      {"8 threads, reversed", {.num_threads = 8, .reversed = true}},
      {"8 threads, 1.2 floors", {.num_threads = 8, .memory = 1.2}},
      {"one at a time", {.one_by_one = true}},
      {"one at a time, the floor", {.memory = 1, .one_by_one = true}}};
  for (const auto& [name, how] : cases) {
    SCOPED_TRACE(name);
    ExpectSame(expected, RunAll(*checkpoint, how));
  }
  // Keys and values on disk, where that is what the planner chooses.
  bool has_spilled = false;
  for (const double memory : {1.01, 1.03, 1.1, 1.3, 1.6}) {
    SCOPED_TRACE(memory);
    ExpectSame(expected,
               RunAll(*checkpoint, {.memory = memory, .spills = true}));
    has_spilled = has_spilled || plan_.use.spilled_bytes > 0;
  }
  EXPECT_TRUE(has_spilled);
  std::printf("%s: isa %s, row tile %d, %s, kernels %s\n",
              GetParam().golden_case, numerics_.isa.c_str(), numerics_.row_tile,
              numerics_.products.c_str(), numerics_.kernels.c_str());
}

// A prompt longer than a chunk of rows goes through each product in pieces,
// with keys and values in scratch when it only scores and in its own pages when
// it generates. Neither may show.
TEST(LongPromptTest, PiecesNeverShow) {
  auto golden_case = LoadGoldenCase("models/dahlia-s0");
  ASSERT_TRUE(golden_case) << golden_case.error().message;
  const std::string config_path = golden_case->directory + "/config.json";
  std::string config = ReadFile(config_path).value();
  const std::string old_context = "\"max_position_embeddings\": 512";
  const size_t at = config.find(old_context);
  ASSERT_NE(at, std::string::npos);
  config.replace(at, old_context.size(), "\"max_position_embeddings\": 1500");
  ASSERT_TRUE(base::WriteFileAtomically(config_path, config));
  auto checkpoint = formats::Checkpoint::Open(golden_case->directory);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  memory::Budget budget(uint64_t{1} << 30);
  auto opened = engine::Engine::Open(
      *checkpoint, budget, {.compute = ComputeType::kBf16, .num_threads = 2});
  ASSERT_TRUE(opened) << opened.error().message;

  Request scoring = {.max_new_tokens = 0, .want_prompt_logprobs = true};
  for (int32_t t = 0; t < 1300; ++t) scoring.prompt.push_back(t * 31 % 2000);
  Request generating = scoring;
  generating.max_new_tokens = 2;
  Request start = scoring;  // the first positions alone
  start.prompt.resize(300);
  const std::vector<Request> requests = {start, scoring, start, generating};
  std::vector<Completion> completions(requests.size());
  const Status status = (*opened)->Run(
      requests, {.on_complete = [&](size_t i, Completion completion) {
        EXPECT_FALSE(completion.error) << completion.error->message;
        completions[i] = std::move(completion);
      }});
  ASSERT_TRUE(status) << status.error().message;
  ExpectSameScores(completions[1].prompt_scores, completions[3].prompt_scores);
  ExpectSameScores(completions[0].prompt_scores, completions[2].prompt_scores);
  completions[1].prompt_scores.resize(299);
  ExpectSameScores(completions[0].prompt_scores, completions[1].prompt_scores);
}

INSTANTIATE_TEST_SUITE_P(
    Models, InvarianceTest,
    ::testing::Values(Subject{"models/aster-s0", ComputeType::kBf16},
                      Subject{"models/aster-s0", ComputeType::kF32},
                      Subject{"models/aster-s0-fp16", ComputeType::kBf16},
                      Subject{"models/asterl-s0", ComputeType::kBf16},
                      Subject{"models/cedar-s0", ComputeType::kBf16},
                      Subject{"models/cedar-s0", ComputeType::kF32},
                      Subject{"models/briar-s0", ComputeType::kF32},
                      Subject{"arch/qwen3", ComputeType::kF32},
                      Subject{"arch/mistral-window", ComputeType::kBf16}),
    [](const ::testing::TestParamInfo<Subject>& subject) {
      std::string name = subject.param.golden_case;
      for (char& c : name) {
        if (c == '/' || c == '-') c = '_';
      }
      return name + "_" + std::string(ComputeTypeName(subject.param.compute));
    });

}  // namespace
}  // namespace revlm::testing
