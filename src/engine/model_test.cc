#include "engine/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "engine/engine_testing.h"

namespace revlm::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A model on disk while it is looked at.
struct OpenModel {
  explicit OpenModel(const ModelFiles& files) {
    WriteModelFiles(files, folder.Path("model"));
    auto opened = formats::Checkpoint::Open(folder.Path("model"));
    EXPECT_TRUE(opened) << opened.error().message;
    if (opened) checkpoint.emplace(std::move(*opened));
  }

  TempFolder folder;
  std::optional<formats::Checkpoint> checkpoint;
};

struct Defect {
  const char* name;
  const char* architecture;
  std::function<void(ModelFiles&)> make;
  ErrorCode code;
  std::vector<std::string> messages;
};

void Reshape(ModelFiles& files, const std::string& tensor,
             std::vector<uint64_t> shape) {
  files.Tensor(tensor).spec.shape = std::move(shape);
}

std::vector<Defect> Defects() {
  const std::string layer = "model.layers.1.";
  std::vector<Defect> defects = {
      {"UnknownFamily",
       "llama",
       [](ModelFiles& m) { m.config["model_type"] = "mamba"; },
       ErrorCode::kUnsupported,
       {"\"mamba\"", "gpt2, gpt_neox, llama, mistral, qwen2, qwen3"}},
      {"UnknownActivation",
       "llama",
       [](ModelFiles& m) { m.config["hidden_act"] = "mish"; },
       ErrorCode::kUnsupported,
       {"\"mish\"", "silu", "gelu_new"}},
      {"UnknownRope",
       "llama",
       [](ModelFiles& m) {
         m.config["rope_parameters"]["rope_type"] = "longrope";
       },
       ErrorCode::kUnsupported,
       {"\"longrope\"", "yarn"}},
      {"Quantised",
       "llama",
       [](ModelFiles& m) {
         m.config["quantization_config"] = {{"quant_method", "gptq"}};
       },
       ErrorCode::kUnsupported,
       {"\"gptq\"", "unquantised"}},
      {"OddRotaryDim",
       "llama",
       [](ModelFiles& m) {
         m.config["rope_parameters"]["partial_rotary_factor"] = 0.2;
       },
       ErrorCode::kCorrupt,
       {"3 of 16"}},
      {"NoRotaryDim",
       "llama",
       [](ModelFiles& m) {
         m.config["rope_parameters"]["partial_rotary_factor"] = 0.01;
       },
       ErrorCode::kCorrupt,
       {"0 of 16"}},
      {"NoHead",
       "llama",
       [](ModelFiles& m) { m.Drop("lm_head.weight"); },
       ErrorCode::kCorrupt,
       {"\"lm_head.weight\"", "tie_word_embeddings"}},
      {"HeadOfAnotherShape",
       "llama",
       [](ModelFiles& m) { Reshape(m, "lm_head.weight", {64, 320}); },
       ErrorCode::kCorrupt,
       {"lm_head.weight", "[64, 320]", "[320, 64]"}},
      {"Transposed",
       "llama",
       [=](ModelFiles& m) {
         Reshape(m, layer + "mlp.up_proj.weight", {64, 112});
       },
       ErrorCode::kCorrupt,
       {"layers.1.mlp.up_proj.weight", "[64, 112]", "[112, 64]"}},
      {"OneDimension",
       "llama",
       [](ModelFiles& m) {
         Reshape(m, "model.embed_tokens.weight", {320 * 64});
       },
       ErrorCode::kCorrupt,
       {"embed_tokens", "[20480]", "[320, 64]"}},
      {"NormOfAnotherWidth",
       "llama",
       [](ModelFiles& m) { Reshape(m, "model.norm.weight", {1, 64}); },
       ErrorCode::kCorrupt,
       {"model.norm.weight", "[1, 64]", "[64]"}},
      {"IntegerWeights",
       "llama",
       [=](ModelFiles& m) {
         m.Tensor(layer + "mlp.down_proj.weight").spec.dtype =
             formats::DType::kI32;
       },
       ErrorCode::kUnsupported,
       {"layers.1.mlp.down_proj.weight", "I32", "F32, F16 and BF16"}},
      {"NoFeedForwardSize",
       "llama",
       [](ModelFiles& m) { m.config.erase("intermediate_size"); },
       ErrorCode::kCorrupt,
       {"intermediate_size"}},
      {"MoreLayersThanTensors",
       "llama",
       [](ModelFiles& m) { m.config["num_hidden_layers"] = 4; },
       ErrorCode::kCorrupt,
       {"model.layers.3.input_layernorm.weight", "missing"}},
      {"BiasesThatAreNotThere",
       "llama",
       [](ModelFiles& m) { m.config["mlp_bias"] = true; },
       ErrorCode::kCorrupt,
       {"mlp.gate_proj.bias", "missing"}},
      {"GroupedHeadsInFusedThirds",
       "gpt2",
       [](ModelFiles& m) { m.config["num_key_value_heads"] = 2; },
       ErrorCode::kUnsupported,
       {"gpt2", "(2)", "(4)"}},
      {"UnknownLayerType",
       "qwen2",
       [](ModelFiles& m) {
         m.config["use_sliding_window"] = true;
         m.config["sliding_window"] = 8;
         m.config["layer_types"][1] = "chunked_attention";
       },
       ErrorCode::kUnsupported,
       {"\"chunked_attention\""}},
  };
  // Each kind of tensor of each layout of tensors.
  static const std::pair<const char*, const char*> kNeeded[] = {
      {"llama", "model.embed_tokens.weight"},
      {"llama", "model.layers.2.input_layernorm.weight"},
      {"llama", "model.layers.0.post_attention_layernorm.weight"},
      {"llama", "model.layers.1.self_attn.k_proj.weight"},
      {"llama", "model.layers.1.self_attn.o_proj.weight"},
      {"llama", "model.layers.1.mlp.gate_proj.weight"},
      {"llama", "model.norm.weight"},
      {"qwen2", "model.layers.1.self_attn.v_proj.bias"},
      {"qwen3", "model.layers.1.self_attn.q_norm.weight"},
      {"gpt2", "transformer.wpe.weight"},
      {"gpt2", "transformer.h.1.ln_2.bias"},
      {"gpt2", "transformer.h.1.attn.c_attn.bias"},
      {"gpt_neox", "gpt_neox.layers.1.attention.query_key_value.weight"},
      {"gpt_neox", "gpt_neox.final_layer_norm.bias"},
  };
  for (const auto& [architecture, tensor] : kNeeded) {
    const std::string name = tensor;
    // The inner name: without the embedding no prefix is known.
    defects.push_back({tensor,
                       architecture,
                       [=](ModelFiles& m) { m.Drop(name); },
                       ErrorCode::kCorrupt,
                       {name.substr(name.find('.') + 1), "missing"}});
  }
  return defects;
}

TEST(ModelTest, EveryDefectIsRefusedByName) {
  for (const Defect& defect : Defects()) {
    SCOPED_TRACE(defect.name);
    ModelFiles files = LoadModelFiles(defect.architecture);
    defect.make(files);
    const OpenModel model(files);
    ASSERT_TRUE(model.checkpoint);
    auto spec = DescribeModel(*model.checkpoint);
    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().code, defect.code) << spec.error().message;
    for (const std::string& message : defect.messages) {
      EXPECT_THAT(spec.error().message, HasSubstr(message));
    }
    EXPECT_THAT(spec.error().message, HasSubstr(model.folder.Path("model")));
  }
}

TEST(ModelTest, NamesWithoutTheirPrefixAreFound) {
  for (const auto& [architecture, prefix] :
       {std::pair<std::string, std::string>{"gpt2", "transformer."},
        {"llama", "model."},
        {"gpt_neox", "gpt_neox."}}) {
    ModelFiles files = LoadModelFiles(architecture);
    const ModelSpec expected =
        DescribeModel(*OpenModel(files).checkpoint).value();
    for (TensorEntry& tensor : files.tensors) {
      if (tensor.spec.name.rfind(prefix, 0) == 0) {
        tensor.spec.name.erase(0, prefix.size());
      }
    }
    const OpenModel model(files);
    auto spec = DescribeModel(*model.checkpoint);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(spec->layers.size(), expected.layers.size());
    EXPECT_EQ(spec->tied(), expected.tied());
    EXPECT_EQ(model.checkpoint->tensors()[static_cast<size_t>(spec->head)].name,
              expected.tied()           ? "wte.weight"
              : architecture == "llama" ? "lm_head.weight"
                                        : "embed_out.weight");
  }
}

// The rules of the reference implementation's configuration classes.
TEST(ModelTest, WindowsFollowTheFamilyAndItsSwitches) {
  struct Rule {
    const char* architecture;
    const char* config;  // merged over the golden one; null stays null
    const char* absent;  // a key taken away
    std::vector<int64_t> windows;
  };
  const char* kSliding = "sliding_attention";
  const std::vector<Rule> rules = {
      {"mistral-window", "{}", nullptr, {8, 8, 8}},
      {"mistral-window", R"({"sliding_window": null})", nullptr, {0, 0, 0}},
      {"mistral-window", "{}", "sliding_window", {4096, 4096, 4096}},
      {"mistral-window", R"({"max_window_layers": 2})", nullptr, {8, 8, 8}},
      {"mistral-window",
       R"({"use_sliding_window": false})",
       nullptr,
       {8, 8, 8}},
      {"llama", R"({"sliding_window": 8})", nullptr, {0, 0, 0}},
      {"llama",
       R"({"sliding_window": 8, "use_sliding_window": true})",
       nullptr,
       {0, 0, 0}},
      {"gpt2", R"({"sliding_window": 8})", nullptr, {0, 0, 0}},
      {"gpt_neox", R"({"sliding_window": 8})", nullptr, {0, 0, 0}},
      {"qwen2", R"({"sliding_window": 8})", "layer_types", {0, 0, 0}},
      {"qwen2",
       R"({"sliding_window": 8, "use_sliding_window": false,
                    "max_window_layers": 0})",
       "layer_types",
       {0, 0, 0}},
      {"qwen2",
       R"({"sliding_window": 8, "use_sliding_window": true,
                    "max_window_layers": 0})",
       "layer_types",
       {8, 8, 8}},
      {"qwen2",
       R"({"sliding_window": 8, "use_sliding_window": true,
                    "max_window_layers": 2})",
       "layer_types",
       {0, 0, 8}},
      {"qwen2",
       R"({"sliding_window": 8, "use_sliding_window": true})",
       "layer_types",
       {0, 0, 0}},
      {"qwen2",
       R"({"sliding_window": null, "use_sliding_window": true,
                    "max_window_layers": 0})",
       "layer_types",
       {0, 0, 0}},
      {"qwen2",
       R"({"sliding_window": 8, "use_sliding_window": true,
                    "max_window_layers": 0})",
       nullptr,
       {0, 0, 0}},  // all layers are listed as full
  };
  for (const Rule& rule : rules) {
    SCOPED_TRACE(std::string(rule.architecture) + rule.config);
    ModelFiles files = LoadModelFiles(rule.architecture);
    files.config.update(base::Json::parse(rule.config));
    if (rule.absent != nullptr) files.config.erase(rule.absent);
    const OpenModel model(files);
    auto spec = DescribeModel(*model.checkpoint);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(spec->windows, rule.windows);
  }
  // layer_types go before max_window_layers.
  ModelFiles files = LoadModelFiles("qwen3");
  files.config["use_sliding_window"] = true;
  files.config["sliding_window"] = 5;
  files.config["max_window_layers"] = 2;
  files.config["layer_types"] = {kSliding, "full_attention", kSliding};
  EXPECT_THAT(DescribeModel(*OpenModel(files).checkpoint).value().windows,
              ElementsAre(5, 0, 5));
}

TEST(ModelTest, SmallTensorsAreAllThatAreNotMatrices) {
  for (const char* architecture :
       {"llama", "qwen2", "qwen3", "gpt2", "gpt_neox"}) {
    SCOPED_TRACE(architecture);
    const OpenModel model(LoadModelFiles(architecture));
    const ModelSpec spec = DescribeModel(*model.checkpoint).value();
    std::vector<int32_t> small = SmallTensorList(spec);
    std::sort(small.begin(), small.end());
    std::vector<int32_t> expected;
    for (size_t i = 0; i < model.checkpoint->tensors().size(); ++i) {
      if (model.checkpoint->tensors()[i].shape.size() == 1) {
        expected.push_back(static_cast<int32_t>(i));
      }
    }
    EXPECT_EQ(small, expected);
  }
}

}  // namespace
}  // namespace revlm::engine
