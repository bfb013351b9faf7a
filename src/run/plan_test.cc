#include "run/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/file.h"

namespace revlm::run {
namespace {

using ::testing::HasSubstr;

RunOptions WithPrompts(std::vector<std::string> prompts) {
  RunOptions options;
  options.models = {"m"};
  options.prompts = std::move(prompts);
  return options;
}

Result<std::vector<PlannedPrompt>> Planned(const RunOptions& options) {
  REVLM_ASSIGN_OR_RETURN(PromptPlan plan, PlanPrompts(options));
  return std::move(plan.prompts);
}

std::map<std::string, std::string> KeysById(const RunOptions& options) {
  std::map<std::string, std::string> keys;
  const auto prompts = Planned(options);
  EXPECT_TRUE(prompts);
  OperationKeys of("identity", "f32", "", options);
  for (const PlannedPrompt& prompt : *prompts) keys[prompt.id] = of.Of(prompt);
  return keys;
}

// How many prompts each model gets.
std::vector<size_t> Counts(Mode mode, size_t num_models, size_t num_prompts) {
  const std::vector<PlannedPrompt> prompts(num_prompts);
  std::vector<size_t> counts;
  for (size_t i = 0; i < NumModelsAsked(mode, num_models, num_prompts); ++i) {
    const auto asked = PromptsFor(mode, i, num_models, prompts);
    counts.push_back(asked.size());
    const size_t first = mode == Mode::kPaired ? i : 0;
    EXPECT_EQ(asked.data(), prompts.data() + first);
  }
  return counts;
}

TEST(PlanTest, PromptsAreMadeInExactlyTheNumberAskedFor) {
  RunOptions options;
  options.models = {"m"};
  options.orchestration.emplace();
  std::vector<std::string> first_texts;
  for (const int32_t count : {1, 65, 1000}) {
    options.num_challenges = count;
    const auto prompts = Planned(options);
    ASSERT_TRUE(prompts);
    EXPECT_EQ(prompts->size(), static_cast<size_t>(count));
    std::set<std::string> texts;
    for (const PlannedPrompt& prompt : *prompts) texts.insert(prompt.text);
    EXPECT_EQ(texts.size(), prompts->size());
    first_texts.push_back(prompts->front().text);
  }
  EXPECT_EQ(first_texts[0], first_texts[2]);
  options.sampling.seed = 1;
  EXPECT_NE(Planned(options)->front().text, first_texts[0]);
  options.num_challenges = std::nullopt;
  EXPECT_EQ(Planned(options)->size(), 10u);
  options.num_challenges = 10'001;
  EXPECT_FALSE(Planned(options));
  options.num_challenges = 5;
  options.prompts = {"mine"};
  EXPECT_FALSE(Planned(options));
}

TEST(PlanTest, AModeSaysWhichModelsGetWhichPrompts) {
  using Sizes = std::vector<size_t>;
  EXPECT_EQ(Counts(Mode::kCrossProduct, 2, 10), (Sizes{10, 10}));
  EXPECT_EQ(Counts(Mode::kCrossProduct, 3, 1), (Sizes{1, 1, 1}));
  EXPECT_EQ(Counts(Mode::kPaired, 2, 10), (Sizes{1, 1}));
  EXPECT_EQ(Counts(Mode::kPaired, 5, 3), (Sizes{1, 1, 1}));
  EXPECT_EQ(Counts(Mode::kBroadcast, 3, 10), (Sizes{10}));
  EXPECT_EQ(Counts(Mode::kBroadcast, 3, 3), (Sizes{3}));
  EXPECT_EQ(Counts(Mode::kBroadcast, 3, 2), (Sizes{1, 1, 1}));
  EXPECT_EQ(Counts(Mode::kBroadcast, 1, 1), (Sizes{1}));
}

TEST(PlanTest, DefaultIdsComeFromTheTextAndCountRepeats) {
  const auto prompts = Planned(WithPrompts({"a", "b", "a", "a"}));
  ASSERT_TRUE(prompts);
  // printf a | sha256sum
  EXPECT_EQ((*prompts)[0].id, "ca978112ca1b");
  EXPECT_EQ((*prompts)[1].id, "3e23e8160039");
  EXPECT_EQ((*prompts)[2].id, "ca978112ca1b-2");
  EXPECT_EQ((*prompts)[3].id, "ca978112ca1b-3");
}

TEST(PlanTest, KeysAreTheSameInAnyOrderAndCompany) {
  const auto keys = KeysById(WithPrompts({"a", "b", "a", "c"}));
  EXPECT_EQ(KeysById(WithPrompts({"c", "a", "a", "b"})), keys);
  for (const auto& [id, key] : KeysById(WithPrompts({"b", "a"}))) {
    EXPECT_EQ(keys.at(id), key);
  }
}

TEST(PlanTest, AKeyNeverChangesBetweenVersions) {
  RunOptions options = WithPrompts({"a"});
  EXPECT_EQ(KeysById(options).begin()->second,
            "65a2d27a227e7c084dfa102d4f5b7fe37a1ef6bb1d3455ceb2fb419806299d89");
}

TEST(PlanTest, AKeyIsThatOfItsGrammarWhateverThePromptIsCalled) {
  const RunOptions options = WithPrompts({"a"});
  PlannedPrompt prompt;
  prompt.text_sha256 = Sha256Hex("a");
  prompt.variant = "\"variant\":null,\"max_tokens\":null\\\n\xc3\xa4";
  prompt.max_tokens = 7;
  base::Json object = ParametersToJson(options);
  object.erase("dtype");
  object["schema"] = "revlm.key/1";
  object["model"] = "identity";
  object["compute"] = "f32";
  object["prompt_sha256"] = prompt.text_sha256;
  object["variant"] = prompt.variant;
  object["max_tokens"] = prompt.max_tokens;
  EXPECT_EQ(OperationKeys("identity", "f32", "", options).Of(prompt),
            Sha256Hex(object.dump()));
}

TEST(PlanTest, EverythingThatDecidesAResultChangesTheKey) {
  const RunOptions base = WithPrompts({"a"});
  std::set<std::string> keys;
  const auto add =
      [&](const RunOptions& options, const std::string& identity = "identity",
          const std::string& compute = "f32", const std::string& chat = "") {
        const auto prompts = Planned(options).value();
        OperationKeys of(identity, compute, chat, options);
        EXPECT_TRUE(keys.insert(of.Of(prompts[0])).second);
      };
  add(base);
  add(base, "other");
  add(base, "identity", "bf16");
  add(base, "identity", "f32", "00");
  add(base, "identity", "f32", "01");
  add(WithPrompts({"b"}));
  const auto with = [&](auto change) {
    RunOptions options = base;
    change(options);
    add(options);
  };
  with([](RunOptions& o) { o.max_tokens = 3; });
  with([](RunOptions& o) { o.sampling.temperature = 0.5f; });
  with([](RunOptions& o) { o.sampling.top_k = 5; });
  with([](RunOptions& o) { o.sampling.top_p = 0.5f; });
  with([](RunOptions& o) { o.sampling.seed = 1; });
  with([](RunOptions& o) { o.num_logprobs = 2; });
  with([](RunOptions& o) { o.prompt_logprobs = true; });
  with([](RunOptions& o) { o.capture = HiddenStates::kLast; });
  with([](RunOptions& o) { o.special_tokens = false; });
}

TEST(PlanTest, AConversationIsMadeOfSpecialTokens) {
  RunOptions options = WithPrompts({"a"});
  options.special_tokens = false;
  EXPECT_TRUE(CheckOptions(options));
  for (const PromptForm form : {PromptForm::kChat, PromptForm::kAuto}) {
    options.prompt_form = form;
    const Status checked = CheckOptions(options);
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message, HasSubstr("--no-special-tokens"));
  }
  options.prompt_form = std::nullopt;
  options.prompts.clear();
  options.orchestration.emplace();
  EXPECT_TRUE(CheckOptions(options));
}

TEST(PlanTest, HowItIsDoneChangesNoKey) {
  const RunOptions base = WithPrompts({"a"});
  RunOptions other = base;
  other.num_threads = 7;
  other.memory_limit_bytes = 123456789;
  other.output_dir = "elsewhere";
  other.dtype = Dtype::kF32;  // what it resolves to is given
  EXPECT_EQ(KeysById(other), KeysById(base));
}

TEST(PlanTest, SeedsDependOnSeedAndKey) {
  const uint64_t seed = SamplingSeed(1, "key");
  EXPECT_EQ(SamplingSeed(1, "key"), seed);
  EXPECT_NE(SamplingSeed(2, "key"), seed);
  EXPECT_NE(SamplingSeed(1, "yek"), seed);
  // (printf revlm/sample/v1; printf '\1\0\0\0\0\0\0\0key') | sha256sum
  EXPECT_EQ(seed, 0x45a3a7c6c62224a8u);
}

TEST(PlanTest, TheBuiltInSetIsTheDefaultAndHasAnEnd) {
  EXPECT_EQ(Planned(WithPrompts({}))->size(), 10u);
  RunOptions options = WithPrompts({});
  options.num_challenges = 50;
  EXPECT_EQ(Planned(options)->size(), 50u);
  options.num_challenges = 1000;
  const auto prompts = Planned(options);
  ASSERT_FALSE(prompts);
  EXPECT_EQ(prompts.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(prompts.error().message, HasSubstr("--challenges: found 1000"));
}

TEST(PlanTest, ChallengesAndPromptsExcludeEachOther) {
  RunOptions options = WithPrompts({"a"});
  options.num_challenges = 3;
  EXPECT_THAT(Planned(options).error().message,
              HasSubstr("cannot be combined"));
}

TEST(PlanTest, IdsThatMeetAreRefused) {
  const std::string path = ::testing::TempDir() + "/plan_ids.jsonl";
  ASSERT_TRUE(base::WriteFileAtomically(
      path, "{\"prompt\": \"x\", \"id\": \"ca978112ca1b\"}\n"));
  RunOptions options = WithPrompts({"a"});
  options.prompt_file = path;
  EXPECT_THAT(Planned(options).error().message,
              HasSubstr("two prompts have the id \"ca978112ca1b\""));
}

TEST(PlanTest, AGivenIdMakesEqualPromptsDifferentOperations) {
  const std::string path = ::testing::TempDir() + "/plan_repeat.jsonl";
  ASSERT_TRUE(base::WriteFileAtomically(
      path,
      "{\"prompt\": \"x\", \"id\": \"one\"}\n"
      "{\"prompt\": \"x\", \"id\": \"two\", \"max_tokens\": 2}\n"));
  RunOptions options = WithPrompts({});
  options.prompt_file = path;
  const auto prompts = Planned(options);
  ASSERT_TRUE(prompts);
  EXPECT_EQ((*prompts)[0].max_tokens, 16);
  EXPECT_EQ((*prompts)[1].max_tokens, 2);
  EXPECT_NE(KeysById(options).at("one"), KeysById(options).at("two"));
}

TEST(PlanTest, MeaninglessOptionsAreRefusedByName) {
  const auto message = [](auto change) {
    RunOptions options = WithPrompts({"a"});
    change(options);
    const Status status = CheckOptions(options);
    return status ? std::string("accepted") : status.error().message;
  };
  EXPECT_EQ(message([](RunOptions&) {}), "accepted");
  EXPECT_THAT(message([](RunOptions& o) { o.models.clear(); }),
              HasSubstr("no model given"));
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1} << 60}) {
    EXPECT_THAT(message([&](RunOptions& o) { o.memory_limit_bytes = bytes; }),
                HasSubstr("--parallel-memory-limit"));
    EXPECT_THAT(message([&](RunOptions& o) { o.per_process_bytes = bytes; }),
                HasSubstr("--parallel-per-process"));
  }
  EXPECT_THAT(message([](RunOptions& o) { o.max_tokens = -1; }),
              HasSubstr("--max-tokens: found -1"));
  EXPECT_THAT(message([](RunOptions& o) { o.sampling.temperature = -1; }),
              HasSubstr("--temperature"));
  EXPECT_THAT(
      message([](RunOptions& o) { o.sampling.temperature = std::stof("nan"); }),
      HasSubstr("--temperature"));
  EXPECT_THAT(message([](RunOptions& o) { o.sampling.top_p = 1.5f; }),
              HasSubstr("--top-p"));
  EXPECT_THAT(message([](RunOptions& o) { o.sampling.top_k = -2; }),
              HasSubstr("--top-k"));
  EXPECT_THAT(message([](RunOptions& o) { o.num_logprobs = -2; }),
              HasSubstr("--logprobs"));
  EXPECT_THAT(message([](RunOptions& o) { o.num_threads = -2; }),
              HasSubstr("--threads"));
  EXPECT_THAT(message([](RunOptions& o) { o.num_challenges = 0; }),
              HasSubstr("--challenges"));
  EXPECT_THAT(Planned(WithPrompts({"\xff"})).error().message,
              HasSubstr("--prompt \"\\xff\": found bytes that are not UTF-8"));
}

TEST(PlanTest, ADifferenceOfPlansIsNamed) {
  const base::Json there = {{"seed", 1}, {"models", {{{"alias", "a"}}}}};
  base::Json asked = there;
  EXPECT_EQ(FindPlanDifference(there, asked), std::nullopt);
  asked["seed"] = 2;
  EXPECT_EQ(FindPlanDifference(there, asked), "seed: 1 there, 2 asked");
  asked["seed"] = 1;
  asked["models"][0]["alias"] = "b";
  EXPECT_EQ(FindPlanDifference(there, asked),
            "models.0.alias: \"a\" there, \"b\" asked");
  asked["models"].erase(0);
  EXPECT_THAT(FindPlanDifference(there, asked).value_or(""),
              HasSubstr("models"));
  asked = there;
  asked["more"] = true;
  EXPECT_EQ(FindPlanDifference(there, asked),
            "more: nothing there, true asked");
}

}  // namespace
}  // namespace revlm::run
