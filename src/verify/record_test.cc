#include "verify/record.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "run/orchestration.h"

namespace revlm::verify {
namespace {

using base::Json;
using ::testing::HasSubstr;

Comparison MakeComparison() {
  Comparison comparison;
  comparison.models = {{.alias = "a",
                        .reference = "./a\xff",
                        .commit = "",
                        .tensor_root = std::string(64, '1'),
                        .identity = std::string(64, '2')},
                       {.alias = "b", .reference = "hf:o/b"}};
  PairComparison& pair = comparison.pairs.emplace_back();
  pair.a = "a";
  pair.b = "b";
  pair.verdict = Verdict::kDerived;
  pair.reason = "int4 of a";
  pair.error_bound = 1e-6;
  pair.num_used = 12;
  pair.weights = WeightFinding{.relation = Relation::kDerived,
                               .sentence = "int4 of a",
                               .is_same_function = true,
                               .z = 0.1 + 0.2,
                               .error_bound = 1e-6};
  pair.weights->tensors = TensorFinding{.num_tensors = 3,
                                        .num_equal_bytes = 1,
                                        .num_equal_values = 2,
                                        .common = {"q"},
                                        .equal = {"k", "q"},
                                        .differing = {},
                                        .only_in_a = {},
                                        .only_in_b = {"extra"},
                                        .not_finite_in_a = {},
                                        .not_finite_in_b = {"k"},
                                        .settings = {"tokenizer"}};
  pair.weights->match =
      WeightStatistic{.z = 12.5, .log_p = -1e4 / 3, .num_units = 384};
  pair.weights->layers = {{.a = 0, .b = 1, .similarity = 0.1 + 0.2}};
  pair.behaviour = BehaviourFinding{
      .scale = Scale::kFirstBytes,
      .closeness = Closeness::kDifferent,
      .num_used = 12,
      .num_prompts = 50,
      .num_cut = 3,
      .num_failed = 2,
      .divergence = {0.1, 1.0 / 3, 0.5},
      .mirror = {0.2, 1e-300, 0.6},
      .log_e = -7.25,
      .num_needed = 0,
      .nearness = NearnessFinding{
          .num_pairs = 27, .ratio = 1.0 / 7, .log_e = 13.5, .is_shown = true}};
  comparison.worst = Verdict::kDerived;
  comparison.num_prompts = 50;
  comparison.prompt_source = "pot/1";
  comparison.adaptive =
      AdaptivePrompts{.systems = {{.name = "pot/1",
                                   .share = 0.3,
                                   .num_prompts = 50,
                                   .failure = "",
                                   .remark = ""},
                                  {.name = "kdf/1",
                                   .share = 0.7,
                                   .num_prompts = 0,
                                   .failure = "late",
                                   .remark = "none"}},
                      .strategy = "balanced",
                      .focus = "coverage",
                      .rounds = {{.num_prompts = 8, .num_undecided = 1},
                                 {.num_prompts = 42, .num_undecided = 0}},
                      .num_left_out = 3,
                      .profiles = {{.model = "a",
                                    .num_prompts = 47,
                                    .mean_entropy_nats = 1.0 / 3,
                                    .mean_top_probability = 0.25}}};
  comparison.seed = UINT64_MAX;
  comparison.same_nats = 1e-3;
  comparison.most_nats = 0.1;
  comparison.alpha = 0.01;
  comparison.compute = "f32";
  return comparison;
}

TEST(RecordTest, ReadsBackWhatItWrote) {
  Comparison comparison = MakeComparison();
  comparison.models[0].reference = "./a";
  const std::string text = ComparisonToJson(comparison).dump();
  const auto read = ComparisonFromJson(Json::parse(text), "v.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(ComparisonToJson(*read).dump(), text);
  EXPECT_EQ(read->seed, UINT64_MAX);
  EXPECT_EQ(read->pairs[0].weights->z, 0.1 + 0.2);
  EXPECT_EQ(read->pairs[0].behaviour->divergence.lower, 1.0 / 3);
  EXPECT_EQ(read->pairs[0].behaviour->scale, Scale::kFirstBytes);
  EXPECT_EQ(read->pairs[0].behaviour->nearness->ratio, 1.0 / 7);
  EXPECT_TRUE(read->pairs[0].behaviour->nearness->is_shown);

  // As revlm prompts and manifests write them.
  const Json json = Json::parse(text);
  EXPECT_EQ(json["adaptive"]["systems"],
            run::SystemsToJson(comparison.adaptive->systems));
  EXPECT_EQ(json["adaptive"]["systems"][0]["failure"], nullptr);
  EXPECT_EQ(read->adaptive->systems[0].remark, "");
  EXPECT_EQ(read->adaptive->systems[1].failure, "late");
  EXPECT_EQ(read->adaptive->num_left_out, 3);
  EXPECT_EQ(read->adaptive->profiles[0].mean_entropy_nats, 1.0 / 3);
  EXPECT_EQ(read->adaptive->rounds[1].num_prompts, 42);

  Json older = json;
  older["adaptive"].erase("num_left_out");
  older["adaptive"].erase("profiles");
  older["adaptive"]["systems"][0]["failure"] = "";
  const auto of_older = ComparisonFromJson(older, "v.json");
  ASSERT_TRUE(of_older) << of_older.error().message;
  EXPECT_EQ(of_older->adaptive->num_left_out, 0);
  EXPECT_EQ(of_older->adaptive->systems[0].failure, "");

  comparison.adaptive.reset();
  comparison.pairs[0].weights.reset();
  comparison.pairs[0].behaviour.reset();
  const auto bare = ComparisonFromJson(ComparisonToJson(comparison), "v.json");
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->adaptive);
  EXPECT_FALSE(bare->pairs[0].weights);
  EXPECT_FALSE(bare->pairs[0].behaviour);
}

TEST(RecordTest, ADocumentOfBeforeThereWereMoreMembersIsRead) {
  Json old = ComparisonToJson(MakeComparison());
  for (const char* member : {"tensors", "match", "csu", "layers"}) {
    old["pairs"][0]["weights"].erase(member);
  }
  old["pairs"][0]["behaviour"].erase("num_failed");
  const auto read = ComparisonFromJson(old, "v.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->pairs[0].weights->tensors);
  EXPECT_FALSE(read->pairs[0].weights->match);
  EXPECT_TRUE(read->pairs[0].weights->layers.empty());
  EXPECT_EQ(read->pairs[0].behaviour->num_failed, 0);
}

TEST(RecordTest, RefusesADocumentWithOneMemberWrong) {
  const Json good = ComparisonToJson(MakeComparison());
  // Every member, replaced by what it is not, and left out.
  for (const std::string_view pointer : {"/schema",
                                         "/models",
                                         "/pairs",
                                         "/verdict",
                                         "/seed",
                                         "/alpha",
                                         "/num_prompts",
                                         "/pairs/0/verdict",
                                         "/pairs/0/a",
                                         "/pairs/0/error_bound",
                                         "/pairs/0/weights/relation",
                                         "/pairs/0/weights/z",
                                         "/pairs/0/behaviour/scale",
                                         "/pairs/0/behaviour/closeness",
                                         "/pairs/0/behaviour/divergence",
                                         "/pairs/0/behaviour/mirror/lower",
                                         "/models/1/alias",
                                         "/adaptive/systems/0/share",
                                         "/adaptive/rounds/1/num_prompts",
                                         "/adaptive/num_left_out",
                                         "/adaptive/profiles",
                                         "/adaptive/focus"}) {
    Json bad = good;
    bad[Json::json_pointer(std::string(pointer))] = Json::array({"x"});
    const auto read = ComparisonFromJson(bad, "v.json");
    ASSERT_FALSE(read) << pointer;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(read.error().message, HasSubstr("v.json"));
  }
  for (const char* member : {"pairs", "alpha", "verdict"}) {
    Json bad = good;
    bad.erase(member);
    EXPECT_FALSE(ComparisonFromJson(bad, "v.json")) << member;
  }
  EXPECT_FALSE(ComparisonFromJson(Json::array(), "v.json"));
}

TEST(RecordTest, EvidenceReadsBackBitForBit) {
  const EvidenceLine line = {
      .a = "a",
      .b = "b",
      .prompt_idx = 3,
      .prompt = "pot-3",
      .divergence = {
          .num_positions = 7, .nats = 0.1 + 0.2, .mirror_nats = 5e-324}};
  const std::string text = EvidenceToLine(line);
  EXPECT_EQ(text.back(), '\n');
  const auto read = EvidenceFromLine(text.substr(0, text.size() - 1), "e");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->divergence.nats, 0.1 + 0.2);
  EXPECT_EQ(read->divergence.mirror_nats, 5e-324);
  EXPECT_EQ(read->divergence.num_positions, 7);
  EXPECT_EQ(read->prompt_idx, 3);
  EXPECT_FALSE(EvidenceFromLine(text.substr(0, text.size() / 2), "e"));
  EXPECT_FALSE(EvidenceFromLine("{}", "e"));
}

}  // namespace
}  // namespace revlm::verify
