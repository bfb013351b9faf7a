#include "formats/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/file.h"

namespace revlm::formats {
namespace {

using base::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kGolden = REVLM_TEST_DATA "/golden/arch/";

Json GoldenConfig(const std::string& name) {
  auto file = base::OpenFile(kGolden + name + "/config.json",
                             base::Caching::kPageCache);
  auto text = base::ReadWholeFile(file.value(), 1 << 20);
  return base::ParseJson(text.value(), name).value();
}

ModelConfig Parse(const Json& json) {
  auto config = ParseModelConfig(json.dump(), "config.json");
  EXPECT_TRUE(config) << config.error().message;
  return config.value_or(ModelConfig{});
}

// The error of a Llama configuration after `change`.
std::string ErrorAfter(const std::function<void(Json&)>& change) {
  Json json = GoldenConfig("llama");
  change(json);
  auto config = ParseModelConfig(json.dump(), "config.json");
  return config ? "accepted" : config.error().message;
}
std::string ErrorWith(const std::string& key, const Json& value) {
  return ErrorAfter([&](Json& json) { json[key] = value; });
}

// Moves what transformers 5 writes to where transformers 4 wrote it.
Json InOlderSpelling(Json json, const std::string& type_key) {
  json["torch_dtype"] = json["dtype"];
  json.erase("dtype");
  if (!json.contains("rope_parameters")) return json;
  Json rope = json["rope_parameters"];
  json.erase("rope_parameters");
  const bool is_neox = json["model_type"] == "gpt_neox";
  json[is_neox ? "rotary_emb_base" : "rope_theta"] = rope["rope_theta"];
  rope.erase("rope_theta");
  if (rope.contains("partial_rotary_factor")) {
    json[is_neox ? "rotary_pct" : "partial_rotary_factor"] =
        rope["partial_rotary_factor"];
    rope.erase("partial_rotary_factor");
  }
  rope[type_key] = rope["rope_type"];
  if (type_key != "rope_type") rope.erase("rope_type");
  json["rope_scaling"] =
      rope[type_key] == "default" ? Json(nullptr) : std::move(rope);
  return json;
}

class SpellingTest : public ::testing::TestWithParam<const char*> {};

TEST_P(SpellingTest, OldAndNewGiveTheSameConfig) {
  const Json newer = GoldenConfig(GetParam());
  ModelConfig expected = Parse(newer);
  expected.raw = nullptr;
  for (const char* type_key : {"type", "rope_type"}) {
    const Json older = InOlderSpelling(newer, type_key);
    ASSERT_NE(older, newer);
    ModelConfig config = Parse(older);
    EXPECT_EQ(config.raw, older);
    config.raw = nullptr;
    EXPECT_EQ(config, expected);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Golden, SpellingTest,
    ::testing::Values("llama", "llama-headdim-bias", "llama-rope-linear",
                      "llama-rope-llama3", "llama-rope-yarn", "mistral-window",
                      "qwen2", "qwen3", "gpt_neox", "gpt_neox-serial", "gpt2"),
    [](const auto& test) {
      std::string name = test.param;
      std::ranges::replace(name, '-', '_');
      return name;
    });

TEST(ModelConfigTest, LlamaIsReadInFull) {
  const ModelConfig config = Parse(GoldenConfig("llama-headdim-bias"));
  EXPECT_EQ(config.model_type, "llama");
  EXPECT_THAT(config.architectures, ElementsAre("LlamaForCausalLM"));
  EXPECT_EQ(config.vocab_size, 320);
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.num_layers, 3);
  EXPECT_EQ(config.num_heads, 4);
  EXPECT_EQ(config.num_kv_heads, 2);
  EXPECT_EQ(config.head_dim, 24);
  EXPECT_EQ(config.intermediate_size, 112);
  EXPECT_EQ(config.max_positions, 256);
  EXPECT_EQ(config.norm_eps, 1e-6);
  EXPECT_EQ(config.activation, "silu");
  EXPECT_EQ(config.tie_word_embeddings, true);
  EXPECT_EQ(config.attention_bias, true);
  EXPECT_EQ(config.mlp_bias, true);
  EXPECT_EQ(config.rope.type, "default");
  EXPECT_EQ(config.rope.theta, 10000);
  EXPECT_EQ(config.dtype, "float32");
  EXPECT_EQ(config.bos_token_id, 0);
  EXPECT_THAT(config.eos_token_ids, ElementsAre(1));
  EXPECT_FALSE(config.sliding_window);
  EXPECT_FALSE(config.quant_method);
}

TEST(ModelConfigTest, RopeVariantsAreRead) {
  const RopeConfig rope = Parse(GoldenConfig("llama-rope-llama3")).rope;
  EXPECT_EQ(rope.type, "llama3");
  EXPECT_EQ(rope.theta, 500000);
  EXPECT_EQ(rope.factor, 8);
  EXPECT_EQ(rope.low_freq_factor, 1);
  EXPECT_EQ(rope.high_freq_factor, 4);
  EXPECT_EQ(rope.original_max_positions, 64);
  Json json = GoldenConfig("llama-rope-yarn");
  json["rope_parameters"].update({{"beta_fast", 32},
                                  {"beta_slow", 1},
                                  {"attention_factor", 1.25},
                                  {"mscale", 0.5},
                                  {"mscale_all_dim", 0},
                                  {"truncate", false}});
  const RopeConfig yarn = Parse(json).rope;
  EXPECT_EQ(yarn.type, "yarn");
  EXPECT_EQ(yarn.beta_fast, 32);
  EXPECT_EQ(yarn.beta_slow, 1);
  EXPECT_EQ(yarn.attention_factor, 1.25);
  EXPECT_EQ(yarn.mscale, 0.5);
  EXPECT_EQ(yarn.mscale_all_dim, 0);
  EXPECT_EQ(yarn.truncate, false);
}

TEST(ModelConfigTest, NeoXAndMistralAndQwenFieldsAreRead) {
  const ModelConfig neox = Parse(GoldenConfig("gpt_neox"));
  EXPECT_EQ(neox.rope.partial_rotary_factor, 0.25);
  EXPECT_EQ(neox.norm_eps, 1e-5);
  EXPECT_EQ(neox.use_parallel_residual, true);
  EXPECT_EQ(Parse(GoldenConfig("gpt_neox-serial")).use_parallel_residual,
            false);
  EXPECT_FALSE(neox.num_kv_heads);
  EXPECT_EQ(Parse(GoldenConfig("mistral-window")).sliding_window, 8);
  const ModelConfig qwen = Parse(GoldenConfig("qwen2"));
  EXPECT_EQ(qwen.use_sliding_window, false);
  EXPECT_EQ(qwen.max_window_layers, 28);
  EXPECT_EQ(qwen.layer_types.size(), 3u);
  EXPECT_FALSE(qwen.attention_bias);
}

TEST(ModelConfigTest, Gpt2NamesAreAliasesAndNInnerDefaultsToFourTimesWidth) {
  Json json = GoldenConfig("gpt2");
  const ModelConfig config = Parse(json);
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.num_layers, 3);
  EXPECT_EQ(config.num_heads, 4);
  EXPECT_EQ(config.max_positions, 256);
  EXPECT_EQ(config.intermediate_size, 256);
  EXPECT_EQ(config.norm_eps, 1e-5);
  EXPECT_EQ(config.activation, "gelu_new");
  EXPECT_EQ(config.scale_attn_weights, true);
  EXPECT_EQ(config.scale_attn_by_inverse_layer_idx, false);
  json["n_inner"] = 100;
  EXPECT_EQ(Parse(json).intermediate_size, 100);
  json.erase("n_inner");
  json["model_type"] = "other";
  EXPECT_FALSE(Parse(json).intermediate_size);
}

TEST(ModelConfigTest, AbsentFieldsStayEmpty) {
  const ModelConfig config = Parse({{"model_type", "x"},
                                    {"vocab_size", 1},
                                    {"hidden_size", 8},
                                    {"num_hidden_layers", 1},
                                    {"num_attention_heads", 2},
                                    {"max_position_embeddings", 4},
                                    {"head_dim", nullptr}});
  ModelConfig expected;
  expected.model_type = "x";
  expected.vocab_size = 1;
  expected.hidden_size = 8;
  expected.num_layers = 1;
  expected.num_heads = 2;
  expected.max_positions = 4;
  expected.raw = config.raw;
  EXPECT_EQ(config, expected);
}

TEST(ModelConfigTest, TwoPlacesOfOneFieldMustAgree) {
  EXPECT_EQ(ErrorWith("n_embd", 64), "accepted");
  EXPECT_THAT(ErrorWith("n_embd", 65),
              HasSubstr("\"hidden_size\" is 64 and \"n_embd\" is 65"));
  EXPECT_EQ(ErrorWith("rope_theta", 10000), "accepted");
  EXPECT_THAT(ErrorWith("rope_theta", 500000), HasSubstr("they must agree"));
  EXPECT_THAT(ErrorWith("torch_dtype", "float16"),
              HasSubstr("\"dtype\" is float32 and \"torch_dtype\" is float16"));
  EXPECT_THAT(ErrorWith("rope_scaling", {{"type", "linear"}}),
              HasSubstr("\"rope_type\" is default and \"type\" is linear"));
}

TEST(ModelConfigTest, RopePerLayerTypeIsNamed) {
  Json json = GoldenConfig("llama");
  json["rope_parameters"] = {
      {"full_attention", {{"rope_theta", 1e6}, {"rope_type", "default"}}},
      {"sliding_attention", {{"rope_theta", 1e4}, {"rope_type", "default"}}}};
  EXPECT_EQ(Parse(json).rope.type, "per_layer_type");
}

TEST(ModelConfigTest, QuantizationIsNamed) {
  Json json = GoldenConfig("llama");
  json["quantization_config"] = {{"quant_method", "gptq"}, {"bits", 4}};
  EXPECT_EQ(Parse(json).quant_method, "gptq");
  json["quantization_config"] = {{"load_in_4bit", true}};
  EXPECT_EQ(Parse(json).quant_method, "unnamed");
  EXPECT_THAT(ErrorWith("quantization_config", "gptq"),
              HasSubstr("\"quantization_config\" is not an object"));
}

struct Bound {
  const char* key;
  int64_t min;
  int64_t max;
};

class BoundTest : public ::testing::TestWithParam<Bound> {};

// The other fields of the Llama configuration allow these extremes but for the
// rules between fields, which have tests of their own.
TEST_P(BoundTest, IsKept) {
  const Bound& bound = GetParam();
  const std::string key = bound.key;
  const auto error = [&](const Json& value) {
    return ErrorAfter([&](Json& json) {
      if (key == "num_attention_heads") {
        json["num_key_value_heads"] = 1;
      }
      if (key == "num_key_value_heads") {
        json["num_attention_heads"] = 1024;
      }
      json[key] = value;
    });
  };
  EXPECT_EQ(error(bound.min), "accepted");
  EXPECT_EQ(error(bound.max), "accepted");
  for (const Json& value :
       {Json(bound.min - 1), Json(bound.max + 1), Json(-1), Json(INT64_MIN),
        Json(UINT64_MAX), Json(1e300), Json("1"), Json(true), Json::array()}) {
    EXPECT_THAT(error(value), HasSubstr("\"" + key + "\" is ")) << value;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Config, BoundTest,
    ::testing::Values(Bound{"vocab_size", 1, 4 << 20},
                      Bound{"hidden_size", 1, 1 << 20},
                      Bound{"num_hidden_layers", 1, 512},
                      Bound{"num_attention_heads", 1, 1024},
                      Bound{"num_key_value_heads", 1, 1024},
                      Bound{"head_dim", 1, 1 << 16},
                      Bound{"intermediate_size", 1, 1 << 20},
                      Bound{"max_position_embeddings", 1, 1 << 30},
                      Bound{"sliding_window", 1, 1 << 30},
                      Bound{"max_window_layers", 0, 1 << 20},
                      Bound{"bos_token_id", 0, INT32_MAX}),
    [](const auto& test) { return std::string(test.param.key); });

TEST(ModelConfigTest, NumbersAreBounded) {
  EXPECT_THAT(ErrorWith("rms_norm_eps", -1e-9), HasSubstr("allowed is 0 to 1"));
  EXPECT_THAT(ErrorWith("rms_norm_eps", 1.5), HasSubstr("allowed is 0 to 1"));
  EXPECT_THAT(ErrorWith("rms_norm_eps", "1e-6"), HasSubstr("a number"));
  for (const char* key :
       {"rope_theta", "factor", "low_freq_factor", "high_freq_factor",
        "beta_fast", "beta_slow", "attention_factor"}) {
    for (const Json& value : {Json(0), Json(-1), Json(1e300), Json("x")}) {
      EXPECT_THAT(
          ErrorAfter([&](Json& json) { json["rope_parameters"][key] = value; }),
          HasSubstr(std::string("\"") + key + "\" is "))
          << value;
    }
  }
  for (const double value : {0.0, -0.25, 1.01}) {
    EXPECT_THAT(ErrorWith("partial_rotary_factor", value),
                HasSubstr("allowed is 1e-06 to 1"));
  }
}

TEST(ModelConfigTest, FieldsMustFitEachOther) {
  EXPECT_THAT(ErrorWith("num_key_value_heads", 3),
              HasSubstr("a multiple of \"num_key_value_heads\", 3"));
  EXPECT_THAT(ErrorWith("num_key_value_heads", 8),
              HasSubstr("an integer from 1 to 4"));
  EXPECT_EQ(ErrorWith("hidden_size", 65), "accepted");
  EXPECT_THAT(ErrorAfter([](Json& json) {
                json["hidden_size"] = 65;
                json.erase("head_dim");
              }),
              HasSubstr("a multiple of \"num_attention_heads\", 4"));
  EXPECT_THAT(ErrorWith("layer_types", {"full_attention"}),
              HasSubstr("has 1 entries, allowed is one for each of 3"));
}

TEST(ModelConfigTest, NamesArePrintableAndShort) {
  EXPECT_THAT(ErrorWith("model_type", "a\x1b[2J"), HasSubstr("\\x1b"));
  EXPECT_THAT(ErrorWith("model_type", ""), HasSubstr("allowed is a name"));
  EXPECT_THAT(ErrorWith("hidden_act", std::string(129, 'a')),
              HasSubstr("allowed is a name"));
  EXPECT_THAT(ErrorWith("architectures", "Llama"), HasSubstr("not a list"));
  EXPECT_THAT(ErrorWith("architectures", Json::array({1})),
              HasSubstr("something else than names"));
  EXPECT_THAT(ErrorWith("architectures", Json(std::vector<int>(17, 0))),
              HasSubstr("at most 16"));
}

TEST(ModelConfigTest, EndTokensAreOneOrMany) {
  Json json = GoldenConfig("llama");
  json["eos_token_id"] = {2, 3};
  EXPECT_THAT(Parse(json).eos_token_ids, ElementsAre(2, 3));
  json["eos_token_id"] = nullptr;
  EXPECT_THAT(Parse(json).eos_token_ids, ElementsAre());
  EXPECT_THAT(ErrorWith("eos_token_id", -1), HasSubstr("eos_token_id"));
  EXPECT_THAT(ErrorWith("eos_token_id", {1, nullptr}), HasSubstr("holds null"));
  EXPECT_THAT(ErrorWith("eos_token_id", {1, "2"}), HasSubstr("eos_token_id"));
  EXPECT_THAT(ErrorWith("eos_token_id", Json(std::vector<int>(129, 0))),
              HasSubstr("allowed are 128"));
}

TEST(ModelConfigTest, WhatEveryFamilyHasMustBeThere) {
  for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers",
                          "num_attention_heads", "max_position_embeddings"}) {
    Json json = GoldenConfig("llama");
    json.erase(key);
    auto config = ParseModelConfig(json.dump(), "config.json");
    ASSERT_FALSE(config) << key;
    EXPECT_EQ(config.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(config.error().message,
                HasSubstr(std::string("\"") + key + "\" is missing"));
  }
  EXPECT_THAT(ErrorWith("model_type", nullptr),
              HasSubstr("\"model_type\" is missing"));
}

TEST(ModelConfigTest, OnlyAnObjectIsAConfiguration) {
  for (const char* text : {"", "[]", "null", "1", "{", "{}x"}) {
    auto config = ParseModelConfig(text, "config.json");
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, ErrorCode::kCorrupt) << text;
  }
  EXPECT_THAT(ErrorWith("rope_parameters", 1), HasSubstr("not an object"));
  EXPECT_THAT(ErrorWith("rope_scaling", "x"), HasSubstr("not an object"));
  Json deep = 1;
  for (int i = 0; i < 32; ++i) deep = Json::array({deep});
  EXPECT_THAT(ErrorWith("x", deep), HasSubstr("nesting deeper than 32"));
}

TEST(GenerationConfigTest, IdsAreRead) {
  auto config = ParseGenerationConfig(
      R"({"bos_token_id":1,"eos_token_id":[2,5],"top_p":0.9})", "g.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->bos_token_id, 1);
  EXPECT_THAT(config->eos_token_ids, ElementsAre(2, 5));
  EXPECT_EQ(ParseGenerationConfig("{}", "g.json").value(), GenerationConfig{});
  EXPECT_FALSE(ParseGenerationConfig("[]", "g.json"));
  EXPECT_FALSE(ParseGenerationConfig(R"({"bos_token_id":"1"})", "g.json"));
}

TEST(TokenizerConfigTest, BothSpellingsOfTokensAreRead) {
  auto config = ParseTokenizerConfig(
      R"({"add_bos_token":true,"bos_token":{"content":"<s>","lstrip":false},)"
      R"("eos_token":"</s>","model_max_length":1000000000000000019884624838656})",
      "t.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->add_bos_token, true);
  EXPECT_FALSE(config->add_eos_token);
  EXPECT_EQ(config->bos_token, "<s>");
  EXPECT_EQ(config->eos_token, "</s>");
  EXPECT_EQ(ParseTokenizerConfig(R"({"bos_token":null})", "t.json").value(),
            TokenizerConfig{});
  for (const char* text :
       {"[]", R"({"bos_token":1})", R"({"bos_token":{"content":1}})",
        R"({"add_bos_token":"yes"})", R"({"eos_token":["x"]})"}) {
    EXPECT_FALSE(ParseTokenizerConfig(text, "t.json")) << text;
  }
}

}  // namespace
}  // namespace revlm::formats
