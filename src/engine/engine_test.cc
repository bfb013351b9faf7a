#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <optional>

#include "engine/engine_testing.h"
#include "engine/sampler.h"

namespace revlm::engine {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

constexpr int32_t kVocabulary = 320;
constexpr int32_t kContext = 256;
constexpr uint64_t kAmpleBytes = uint64_t{1} << 30;

// How much memory runs get: the least they can do with, or enough for all.
enum class Memory { kFloor, kAmple };

std::vector<int32_t> Prompt(int32_t length, int32_t seed = 1) {
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < length; ++i) {
    ids.push_back((i * 37 + seed * 101) % kVocabulary);
  }
  return ids;
}

std::vector<double> LogSoftmax(const float* logits) {
  double total = 0;
  for (int32_t i = 0; i < kVocabulary; ++i) {
    total += std::exp(static_cast<double>(logits[i]));
  }
  std::vector<double> logprobs;
  for (int32_t i = 0; i < kVocabulary; ++i) {
    logprobs.push_back(static_cast<double>(logits[i]) - std::log(total));
  }
  return logprobs;
}

std::vector<int32_t> Ids(const Completion& completion) {
  std::vector<int32_t> ids;
  for (const TokenScore& token : completion.tokens) ids.push_back(token.id);
  return ids;
}

// A small model on disk, run in little memory or in much.
class EngineTest : public ::testing::TestWithParam<Memory> {
 protected:
  EngineTest() { Use(LoadModelFiles("llama")); }

  void Use(const ModelFiles& files, size_t shift_bytes = 0) {
    files_ = files;
    WriteModelFiles(files, folder_.Path("model"), shift_bytes);
    checkpoint_.emplace(
        formats::Checkpoint::Open(folder_.Path("model")).value());
  }

  std::unique_ptr<Engine> Open(EngineOptions options = {}) {
    if (options.compute == ComputeType::kAuto) {
      options.compute = ComputeType::kF32;
    }
    options.num_threads = 2;
    auto engine = Engine::Open(*checkpoint_, budget_, options);
    EXPECT_TRUE(engine) << engine.error().message;
    return std::move(*engine);
  }

  // Holds what the requests are not to have.
  memory::Reservation Squeeze(Engine& engine,
                              std::span<const Request> requests) {
    if (GetParam() == Memory::kAmple) return {};
    return budget_
        .Reserve(kAmpleBytes - engine.FloorBytes(requests),
                 memory::Use::kProgram)
        .value();
  }

  // All completions; each request must be completed once.
  std::vector<Completion> RunAll(Engine& engine,
                                 const std::vector<Request>& requests) {
    const memory::Reservation held = Squeeze(engine, requests);
    std::vector<Completion> completions(requests.size());
    std::vector<int> calls(requests.size(), 0);
    const Status status = engine.Run(
        requests, {.on_complete = [&](size_t i, Completion completion) {
          ++calls[i];
          completions[i] = std::move(completion);
        }});
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_THAT(calls, Each(1));
    return completions;
  }
  Completion RunOne(Engine& engine, const Request& request) {
    Completion completion = RunAll(engine, {request})[0];
    EXPECT_FALSE(completion.error) << completion.error->message;
    return completion;
  }

  std::vector<crypto::Sha256Digest> ExpectedDigests() {
    std::vector<crypto::Sha256Digest> digests;
    for (const formats::TensorInfo& info : checkpoint_->tensors()) {
      digests.push_back(
          crypto::Sha256(base::AsBytes(files_.Tensor(info.name).bytes)));
    }
    return digests;
  }

  const TempFolder folder_;
  memory::Budget budget_{kAmpleBytes};
  ModelFiles files_;
  std::optional<formats::Checkpoint> checkpoint_;
};

TEST_P(EngineTest, WeightsThatAreNoNumbersFailTheirRequestsOnly) {
  ModelFiles files = files_;
  // One row of the embedding: only prompts with this token meet it.
  constexpr int32_t kBadToken = 7;
  TensorEntry& embedding = files.Tensor("model.embed_tokens.weight");
  const size_t row_bytes = embedding.bytes.size() / kVocabulary;
  std::fill_n(embedding.bytes.begin() + kBadToken * row_bytes, row_bytes,
              '\xff');
  Use(files);
  const auto engine = Open();
  std::vector<Request> requests(4);
  for (Request& request : requests) request.max_new_tokens = 2;
  requests[0].prompt = {1, 2, 3};
  requests[1].prompt = {1, kBadToken, 3};
  requests[2].prompt = {1, kBadToken, 3};
  requests[2].max_new_tokens = 0;
  requests[2].capture = Capture::kLast;
  requests[3].prompt = {3, 2, 1};
  const std::vector<Completion> completions = RunAll(*engine, requests);
  for (const size_t i : {0u, 3u}) {
    EXPECT_FALSE(completions[i].error);
    EXPECT_FALSE(completions[i].tokens.empty());
  }
  for (const size_t i : {1u, 2u}) {
    ASSERT_TRUE(completions[i].error);
    EXPECT_EQ(completions[i].error->code, ErrorCode::kCorrupt);
    EXPECT_THAT(completions[i].error->message, HasSubstr("not a number"));
    EXPECT_TRUE(completions[i].tokens.empty());
    EXPECT_TRUE(completions[i].hidden_states.empty());
  }
}

TEST_P(EngineTest, RefusedRequestsDoNotStopOthers) {
  auto engine = Open();
  std::vector<Request> requests(7, {.prompt = Prompt(9), .max_new_tokens = 4});
  requests[1].prompt = {};
  requests[2].prompt = Prompt(kContext + 1);
  requests[3].prompt.back() = kVocabulary;
  requests[4].prompt.front() = -1;
  requests[5].num_top_logprobs = -1;
  const std::vector<Completion> completions = RunAll(*engine, requests);
  const char* messages[] = {nullptr,        "no tokens",   "257 tokens",
                            "token id 320", "token id -1", "is -1",
                            nullptr};
  for (size_t i = 0; i < requests.size(); ++i) {
    SCOPED_TRACE(i);
    ASSERT_EQ(completions[i].error.has_value(), messages[i] != nullptr);
    if (messages[i] == nullptr) {
      EXPECT_EQ(Ids(completions[i]).size(), 4u);
      EXPECT_EQ(Ids(completions[i]), Ids(RunOne(*engine, requests[0])));
      continue;
    }
    EXPECT_EQ(completions[i].error->code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(completions[i].error->message, HasSubstr(messages[i]));
  }
  requests.resize(3);
  requests.erase(requests.begin());
  RunAll(*engine, requests);  // nothing but refused ones
  EXPECT_TRUE(engine->Run({}, {}));
}

TEST_P(EngineTest, FloorIsTheLeastAndNamed) {
  auto engine = Open();
  const std::vector<Request> requests = {
      {.prompt = Prompt(9), .max_new_tokens = 2},
      {.prompt = Prompt(120), .max_new_tokens = 100},
      {.prompt = Prompt(200), .max_new_tokens = 0, .want_prompt_logits = true}};
  const uint64_t floor_bytes = engine->FloorBytes(requests);
  {
    const auto held =
        budget_.Reserve(kAmpleBytes - floor_bytes + 1, memory::Use::kProgram);
    const Status run = engine->Run(
        requests, {.on_complete = [](size_t, Completion) { ADD_FAILURE(); }});
    const auto plan = engine->Plan(requests);
    ASSERT_FALSE(run);
    ASSERT_FALSE(plan);
    for (const Error& error : {run.error(), plan.error()}) {
      EXPECT_EQ(error.code, ErrorCode::kBudgetExceeded);
      EXPECT_THAT(error.message, HasSubstr(std::to_string(floor_bytes)));
    }
  }
  const auto held =
      budget_.Reserve(kAmpleBytes - floor_bytes, memory::Use::kProgram);
  const RunPlan plan = engine->Plan(requests).value();
  EXPECT_LE(plan.use.peak_bytes(), floor_bytes);
  EXPECT_EQ(plan.floor_bytes, floor_bytes);
  int num_complete = 0;
  const Status status = engine->Run(
      requests, {.on_complete = [&](size_t, Completion) {
        // What is held is what was planned, and back at the end.
        EXPECT_EQ(budget_.reserved_bytes(),
                  kAmpleBytes - floor_bytes + plan.use.peak_bytes());
        ++num_complete;
      }});
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(num_complete, 3);
  EXPECT_EQ(budget_.left_bytes(), floor_bytes);
}

TEST_P(EngineTest, GenerationEndsWhereItShould) {
  auto engine = Open();
  struct Case {
    int32_t length, max_new_tokens;
    size_t num_tokens;
    FinishReason reason;
  };
  const std::vector<Case> cases = {
      {5, 0, 0, FinishReason::kLength},
      {5, 1, 1, FinishReason::kLength},
      {kContext - 2, 10, 2, FinishReason::kContext},
      {kContext - 2, 2, 2, FinishReason::kLength},
      {kContext - 1, 1, 1, FinishReason::kLength},
      {kContext, 3, 0, FinishReason::kContext},
      {kContext, 0, 0, FinishReason::kLength},
      {kContext - 20, INT32_MAX, 20, FinishReason::kContext},
  };
  std::vector<Request> requests;
  for (const Case& c : cases) {
    requests.push_back({.prompt = Prompt(c.length),
                        .max_new_tokens = c.max_new_tokens,
                        .ignore_stop_tokens = true});
  }
  const std::vector<Completion> completions = RunAll(*engine, requests);
  for (size_t i = 0; i < cases.size(); ++i) {
    EXPECT_FALSE(completions[i].error) << i;
    EXPECT_EQ(completions[i].tokens.size(), cases[i].num_tokens) << i;
    EXPECT_EQ(completions[i].finish_reason, cases[i].reason) << i;
  }
}

TEST_P(EngineTest, StopTokenEndsTheAnswerAndIsItsLast) {
  const Request request = {.prompt = Prompt(20), .max_new_tokens = 12};
  Request through = request;
  through.ignore_stop_tokens = true;
  const std::vector<int32_t> all = Ids(RunOne(*Open(), through));
  ASSERT_EQ(all.size(), 12u);
  const auto first = std::find(all.begin(), all.end(), all[3]);
  files_.config["eos_token_id"] = {319, all[3]};
  Use(files_);
  auto engine = Open();
  // Another request goes on while this one is over.
  const std::vector<Completion> completions =
      RunAll(*engine, {request, through});
  EXPECT_EQ(Ids(completions[0]), std::vector<int32_t>(all.begin(), first + 1));
  EXPECT_EQ(completions[0].finish_reason, FinishReason::kStop);
  EXPECT_EQ(Ids(completions[1]), all);
  EXPECT_EQ(completions[1].finish_reason, FinishReason::kLength);
  // The pass that was read ahead for nothing disturbs no one.
  EXPECT_EQ(Ids(RunOne(*engine, request)), Ids(completions[0]));
  EXPECT_EQ(Ids(RunOne(*engine, through)), all);
}

// Scores and alternatives against the logits in plain double.
void ExpectScore(const TokenScore& score, const float* logits,
                 size_t num_alternatives) {
  const std::vector<double> logprobs = LogSoftmax(logits);
  std::vector<int32_t> order(kVocabulary);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
  auto at = [&](int32_t id) { return logprobs[static_cast<size_t>(id)]; };
  EXPECT_NEAR(static_cast<double>(score.logprob), at(score.id), 2e-6);
  ASSERT_EQ(score.alternatives.size(), num_alternatives);
  for (size_t i = 0; i < num_alternatives; ++i) {
    EXPECT_EQ(score.alternatives[i].id, order[i]);
    EXPECT_NEAR(static_cast<double>(score.alternatives[i].logprob),
                at(order[i]), 2e-6);
  }
}

TEST_P(EngineTest, ScoresAreThoseOfTheLogits) {
  auto engine = Open();
  for (const int32_t num_top : {0, 1, 5, 1000}) {
    const Request request = {.prompt = Prompt(40),
                             .max_new_tokens = 1,
                             .num_top_logprobs = num_top,
                             .want_prompt_logprobs = true,
                             .want_prompt_logits = true};
    Request without_logits = request;
    without_logits.want_prompt_logits = false;
    const std::vector<Completion> completions =
        RunAll(*engine, {request, without_logits});
    const std::vector<float>& logits = completions[0].prompt_logits;
    ASSERT_EQ(logits.size(), 40u * kVocabulary);
    EXPECT_TRUE(completions[1].prompt_logits.empty());
    for (const Completion& completion : completions) {
      ASSERT_EQ(completion.prompt_scores.size(), 39u);
      const size_t limit = static_cast<size_t>(std::min(num_top, kVocabulary));
      for (size_t i = 0; i < 39; ++i) {
        EXPECT_EQ(completion.prompt_scores[i].id, request.prompt[i + 1]);
        ExpectScore(completion.prompt_scores[i],
                    logits.data() + i * kVocabulary, limit);
      }
      const float* last = logits.data() + 39 * kVocabulary;
      EXPECT_EQ(completion.tokens[0].id,
                std::max_element(last, last + kVocabulary) - last);
      ExpectScore(completion.tokens[0], last, limit);
    }
  }
}

TEST_P(EngineTest, LastAndMeanAreThoseOfAllStates) {
  auto engine = Open();
  constexpr size_t kLength = 21;
  std::vector<Request> requests(
      4, {.prompt = Prompt(kLength), .max_new_tokens = 2});
  requests[0].capture = Capture::kAll;
  requests[1].capture = Capture::kLast;
  requests[2].capture = Capture::kMean;
  const std::vector<Completion> completions = RunAll(*engine, requests);
  const size_t width = static_cast<size_t>(engine->hidden_size());
  const size_t depths = static_cast<size_t>(engine->num_layers()) + 1;
  const std::vector<float>& all = completions[0].hidden_states;
  ASSERT_EQ(all.size(), depths * kLength * width);
  std::vector<float> last, mean;
  for (size_t depth = 0; depth < depths; ++depth) {
    for (size_t j = 0; j < width; ++j) {
      const float* column = all.data() + depth * kLength * width + j;
      last.push_back(column[(kLength - 1) * width]);
      double sum = 0;
      for (size_t i = 0; i < kLength; ++i) {
        sum += static_cast<double>(column[i * width]);
      }
      mean.push_back(static_cast<float>(sum / kLength));
    }
  }
  EXPECT_EQ(completions[1].hidden_states, last);
  EXPECT_EQ(completions[2].hidden_states, mean);
  EXPECT_TRUE(completions[3].hidden_states.empty());
  // Depth 0 is the embedding itself.
  const std::string& embedding =
      files_.Tensor("model.embed_tokens.weight").bytes;
  for (size_t i = 0; i < kLength; ++i) {
    EXPECT_EQ(
        std::memcmp(all.data() + i * width,
                    embedding.data() +
                        static_cast<size_t>(requests[0].prompt[i]) * width * 4,
                    width * 4),
        0);
  }
}

TEST_P(EngineTest, SamplingDrawsFromTheSeedAlone) {
  auto engine = Open();
  Request request = {.prompt = Prompt(12),
                     .max_new_tokens = 10,
                     .sampling = {.temperature = 1.3f, .top_k = 50, .seed = 4},
                     .num_top_logprobs = 2,
                     .want_prompt_logits = true,
                     .ignore_stop_tokens = true};
  Request other_seed = request;
  other_seed.sampling.seed = 5;
  Request greedy = request;
  greedy.sampling = {};
  Request nearly_greedy = request;
  nearly_greedy.sampling.temperature = 1e-6f;
  const std::vector<Completion> completions =
      RunAll(*engine, {request, other_seed, request, greedy, nearly_greedy});
  EXPECT_EQ(Ids(completions[0]), Ids(completions[2]));
  EXPECT_NE(Ids(completions[0]), Ids(completions[1]));
  EXPECT_EQ(Ids(completions[3]), Ids(completions[4]));
  const float* last = completions[0].prompt_logits.data() + 11 * kVocabulary;
  EXPECT_EQ(completions[0].tokens[0].id,
            SampleToken({last, kVocabulary}, request.sampling, 0));
  ExpectScore(completions[0].tokens[0], last, 2);
  // The logits of later tokens are those of the sequence so far.
  Request again = request;
  again.prompt.insert(again.prompt.end(), {completions[0].tokens[0].id,
                                           completions[0].tokens[1].id});
  const Completion scored = RunOne(*engine, again);
  const float* third = scored.prompt_logits.data() + 13 * kVocabulary;
  EXPECT_EQ(completions[0].tokens[2].id,
            SampleToken({third, kVocabulary}, request.sampling, 2));
}

TEST_P(EngineTest, StopCancelsAtTheNextSlabAndTheEngineGoesOn) {
  auto engine = Open();
  engine->HashWeights();
  const Request request = {.prompt = Prompt(30), .max_new_tokens = 4};
  const RunPlan plan = engine->Plan({&request, 1}).value();
  const int num_steps = static_cast<int>(plan.num_passes) * plan.num_slabs;
  for (int stop_after = 0; stop_after < num_steps; ++stop_after) {
    std::stop_source source;
    int num_slabs = 0;
    if (stop_after == 0) source.request_stop();
    const Status status =
        engine->Run({&request, 1},
                    {.on_complete = [](size_t, Completion) { ADD_FAILURE(); },
                     .on_progress =
                         [&](const Progress&) {
                           if (++num_slabs == stop_after) source.request_stop();
                         },
                     .stop = source.get_token()});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
    EXPECT_EQ(num_slabs, stop_after);
  }
  const std::vector<int32_t> ids = Ids(RunOne(*engine, request));
  EXPECT_EQ(ids, Ids(RunOne(*Open(), request)));
  EXPECT_EQ(engine->TensorDigests({}).value(), ExpectedDigests());
}

TEST_P(EngineTest, DrainingFinishesTheGroupThatWasBegun) {
  auto engine = Open({.batch_size = 2});
  std::vector<Request> requests(5);
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i] = {.prompt = Prompt(9 + static_cast<int64_t>(i)),
                   .max_new_tokens = 1 + 3 * static_cast<int32_t>(i % 2),
                   .ignore_stop_tokens = true};
  }
  const std::vector<Completion> whole = RunAll(*engine, requests);
  for (const size_t drain_after : {0, 1, 2, 3, 5}) {
    const memory::Reservation held = Squeeze(*engine, requests);
    std::vector<std::vector<int32_t>> found;
    std::vector<size_t> begun;  // complete each time that it was asked
    const Status status =
        engine->Run(requests, {.on_complete =
                                   [&](size_t i, Completion completion) {
                                     ASSERT_EQ(Ids(completion), Ids(whole[i]));
                                     found.push_back(Ids(completion));
                                   },
                               .is_draining =
                                   [&] {
                                     begun.push_back(found.size());
                                     return found.size() >= drain_after;
                                   }});
    // Each group is of two, but where memory is short and for the last one.
    EXPECT_EQ(begun.front(), 0u);
    if (drain_after == requests.size()) {
      EXPECT_TRUE(status) << status.error().message;
      EXPECT_EQ(found.size(), requests.size());
      continue;
    }
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
    EXPECT_EQ(begun.back(), found.size());
    EXPECT_GE(found.size(), drain_after);
    EXPECT_LT(found.size(), drain_after + 2);
  }
  EXPECT_EQ(Ids(RunAll(*engine, requests)[4]), Ids(whole[4]));
}

TEST_P(EngineTest, ProgressOnlyGrows) {
  auto engine = Open();
  const std::vector<Request> requests = {
      {.prompt = Prompt(30), .max_new_tokens = 4, .ignore_stop_tokens = true},
      {.prompt = {}},
      {.prompt = Prompt(7), .max_new_tokens = 0},
      {.prompt = Prompt(7), .max_new_tokens = 2, .ignore_stop_tokens = true}};
  const memory::Reservation held = Squeeze(*engine, requests);
  const RunPlan plan = engine->Plan(requests).value();
  Progress last;
  int num_passes = 0;
  int num_complete = 0;
  ASSERT_TRUE(engine->Run(
      requests, {.on_complete = [&](size_t, Completion) { ++num_complete; },
                 .on_progress =
                     [&](const Progress& progress) {
                       num_passes += progress.slab_idx == 1;
                       EXPECT_EQ(progress.slab_idx, progress.slab_idx == 1
                                                        ? 1
                                                        : last.slab_idx + 1);
                       EXPECT_LE(progress.slab_idx, progress.num_slabs);
                       if (plan.num_groups == 1) {
                         EXPECT_EQ(progress.phase,
                                   num_passes == 1 ? Progress::Phase::kPrefill
                                                   : Progress::Phase::kDecode);
                       }
                       EXPECT_GE(progress.tokens_done, last.tokens_done);
                       EXPECT_EQ(progress.num_complete, num_complete);
                       EXPECT_EQ(progress.num_requests, 4);
                       EXPECT_GE(progress.read_bytes, last.read_bytes);
                       EXPECT_GT(progress.read_bytes, 0u);
                       last = progress;
                     }}));
  EXPECT_EQ(num_passes, plan.num_passes);
  EXPECT_GE(num_passes, 4);
  EXPECT_EQ(last.slab_idx, last.num_slabs);
  // Through the last layer: both prompts and the scored one, then 2 + 1 tokens
  // before the last pass began.
  EXPECT_EQ(last.tokens_done, 30 + 7 + 7 + 2 + 1);
  const uint64_t weights = checkpoint_->weight_bytes();
  if (GetParam() == Memory::kAmple) {
    EXPECT_LE(last.read_bytes, weights + weights / 4);
  } else {
    EXPECT_GE(last.read_bytes, 3 * weights);
  }
}

TEST_P(EngineTest, DigestsAreOfTheTensorsWhateverRan) {
  const std::vector<crypto::Sha256Digest> expected = ExpectedDigests();
  const Request generating = {.prompt = Prompt(8), .max_new_tokens = 3};
  const Request scoring = {.prompt = Prompt(8), .max_new_tokens = 0};
  for (const std::vector<Request>& requests :
       {std::vector<Request>{}, {scoring}, {generating}}) {
    auto engine = Open();
    engine->HashWeights();
    RunAll(*engine, requests);
    EXPECT_EQ(engine->TensorDigests({}).value(), expected);
    RunAll(*engine, requests);
    EXPECT_EQ(engine->TensorDigests({}).value(), expected);
  }
  auto engine = Open();
  engine->HashWeights();
  EXPECT_EQ(engine->TensorDigests({}).value(), expected);
}

TEST_P(EngineTest, FileCutWhileOpenIsAnErrorAndWholeAgainIsRight) {
  const Request request = {.prompt = Prompt(10), .max_new_tokens = 3};
  const std::vector<int32_t> expected = Ids(RunOne(*Open(), request));
  const std::string path = folder_.Path("model/model.safetensors");
  const std::string whole = testing::ReadFile(path).value();
  for (const size_t cut :
       {size_t{0}, whole.size() / 3, whole.size() / 2, whole.size() - 5000}) {
    auto engine = Open();
    engine->HashWeights();
    ASSERT_EQ(truncate(path.c_str(), static_cast<off_t>(cut)), 0);
    for (int i = 0; i < 2; ++i) {
      const Status status = engine->Run(
          {&request, 1},
          {.on_complete = [](size_t, Completion) { ADD_FAILURE(); }});
      ASSERT_FALSE(status) << cut;
      EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
      EXPECT_THAT(status.error().message, HasSubstr(path));
    }
    std::ofstream(path, std::ios::binary | std::ios::in) << whole;
    EXPECT_EQ(Ids(RunOne(*engine, request)), expected) << cut;
    EXPECT_EQ(engine->TensorDigests({}).value(), ExpectedDigests());
  }
}

// Tensors at odd addresses of their file and names without their prefix.
TEST_P(EngineTest, PlaceAndPrefixOfTensorsNeverShow) {
  const Request request = {
      .prompt = Prompt(30), .max_new_tokens = 4, .want_prompt_logits = true};
  for (const auto& [architecture, prefix] :
       {std::pair<std::string, std::string>{"llama", "model."},
        {"gpt2", "transformer."}}) {
    for (const ComputeType compute : {ComputeType::kF32, ComputeType::kBf16}) {
      ModelFiles files = LoadModelFiles(architecture);
      Use(files);
      const Completion expected = RunOne(*Open({.compute = compute}), request);
      for (TensorEntry& tensor : files.tensors) {
        if (tensor.spec.name.rfind(prefix, 0) == 0) {
          tensor.spec.name.erase(0, prefix.size());
        }
      }
      for (const size_t shift : {0, 1, 2, 3}) {
        Use(files, shift);
        const Completion found = RunOne(*Open({.compute = compute}), request);
        EXPECT_EQ(found.prompt_logits, expected.prompt_logits)
            << architecture << " " << shift;
        EXPECT_EQ(Ids(found), Ids(expected));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, EngineTest,
                         ::testing::Values(Memory::kFloor, Memory::kAmple),
                         [](const auto& test) {
                           return test.param == Memory::kFloor ? "Floor"
                                                               : "Ample";
                         });

}  // namespace
}  // namespace revlm::engine
