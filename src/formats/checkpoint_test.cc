#include "formats/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/hex.h"
#include "formats/safetensors_writer.h"

namespace revlm::formats {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kExample[] = REVLM_EXAMPLES "/models/aster-s0";

// A model directory made file by file.
class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest()
      : root_(fs::path(::testing::TempDir()) / "revlm_checkpoint_test"),
        model_(root_ / "model") {
    fs::remove_all(root_);
    fs::create_directories(model_);
    fs::copy_file(fs::path(kExample) / "config.json", model_ / "config.json");
  }
  ~CheckpointTest() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(base::WriteFileAtomically((model_ / name).string(), content));
  }
  // A weight file of four-byte tensors, each filled with its name's first byte.
  void WriteWeights(const std::string& file,
                    const std::vector<std::string>& names) {
    std::vector<TensorSpec> specs;
    specs.reserve(names.size());
    for (const auto& name : names) specs.push_back({name, DType::kU8, {4}});
    auto writer = SafetensorsWriter::Create((model_ / file).string(), specs);
    ASSERT_TRUE(writer) << writer.error().message;
    for (const auto& name : names) {
      ASSERT_TRUE(writer->Append(base::AsBytes(std::string(4, name[0]))));
    }
    ASSERT_TRUE(writer->Finish());
  }
  void WriteIndex(const std::string& weight_map) {
    Write("model.safetensors.index.json",
          R"({"metadata":{"total_size":12},"weight_map":)" + weight_map + "}");
  }
  std::string ErrorOf() {
    auto checkpoint = Checkpoint::Open(model_.string());
    return checkpoint ? "opened" : checkpoint.error().message;
  }

  const fs::path root_;
  const fs::path model_;
};

TEST_F(CheckpointTest, ARealModelIsOpened) {
  auto checkpoint = Checkpoint::Open(kExample);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->config().model_type, "llama");
  EXPECT_EQ(checkpoint->config().num_layers, 6);
  EXPECT_THAT(checkpoint->generation_config().eos_token_ids, ElementsAre(0));
  EXPECT_EQ(checkpoint->tokenizer_config().eos_token, "<|endoftext|>");
  EXPECT_EQ(checkpoint->num_files(), 1u);
  EXPECT_EQ(checkpoint->tensors().size(), 56u);
  const TensorInfo* embedding = checkpoint->Find("model.embed_tokens.weight");
  ASSERT_NE(embedding, nullptr);
  EXPECT_EQ(embedding->dtype, DType::kBf16);
  EXPECT_THAT(embedding->shape, ElementsAre(2048, 128));
  EXPECT_EQ(checkpoint->Find("model.embed_tokens"), nullptr);
  EXPECT_EQ(checkpoint->Find("zzz"), nullptr);
  uint64_t sum = 0;
  for (const TensorInfo& tensor : checkpoint->tensors()) {
    EXPECT_EQ(checkpoint->Find(tensor.name), &tensor);
    sum += tensor.size_bytes;
  }
  EXPECT_EQ(checkpoint->weight_bytes(), sum);
}

TEST_F(CheckpointTest, SmallFilesAreListedWithTheirDigests) {
  auto checkpoint = Checkpoint::Open(kExample);
  ASSERT_TRUE(checkpoint);
  std::vector<std::string> names;
  for (const SmallFile& file : checkpoint->small_files()) {
    names.push_back(file.name);
    auto opened = base::OpenFile(std::string(kExample) + "/" + file.name,
                                 base::Caching::kPageCache);
    const std::string content = base::ReadWholeFile(*opened, 1 << 20).value();
    EXPECT_EQ(file.size_bytes, content.size()) << file.name;
    EXPECT_EQ(file.sha256, crypto::Sha256(base::AsBytes(content)));
  }
  EXPECT_THAT(names, ElementsAre("config.json", "generation_config.json",
                                 "tokenizer.json", "tokenizer_config.json"));
}

TEST_F(CheckpointTest, TheChatTemplateIsThatOfItsFileElseOfTheConfiguration) {
  WriteWeights("model.safetensors", {"a"});
  const auto read = [this] {
    auto checkpoint = Checkpoint::Open(model_.string());
    EXPECT_TRUE(checkpoint) << checkpoint.error().message;
    return checkpoint->ReadChatTemplate();
  };
  auto none = read();
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_FALSE(none->has_value());

  Write("tokenizer_config.json",
        R"({"chat_template": "in the configuration", "eos_token": "</s>"})");
  auto configured = read();
  ASSERT_TRUE(configured && *configured);
  EXPECT_EQ((*configured)->text, "in the configuration");
  EXPECT_THAT((*configured)->path, HasSubstr("tokenizer_config.json"));

  Write("chat_template.jinja", "in a file");
  auto filed = read();
  ASSERT_TRUE(filed && *filed);
  EXPECT_EQ((*filed)->text, "in a file");
  EXPECT_THAT((*filed)->path, HasSubstr("chat_template.jinja"));
  EXPECT_EQ((*filed)->sha256, crypto::Sha256(base::AsBytes("in a file")));
  EXPECT_THAT((*filed)->tokens, ElementsAre(TokenName{"eos_token", "</s>"}));
}

TEST_F(CheckpointTest, AChatTemplateIsNotReadUnlessItIsAskedFor) {
  WriteWeights("model.safetensors", {"a"});
  Write("tokenizer_config.json", R"({"chat_template": 7})");
  Write("chat_template.jinja", std::string(kMaxChatTemplateBytes + 1, ' '));
  auto checkpoint = Checkpoint::Open(model_.string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->small_files().size(), 2u);  // two configurations
  EXPECT_FALSE(checkpoint->ReadChatTemplate());

  Write("tokenizer_config.json", "{}");
  auto changed = checkpoint->ReadChatTemplate();
  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().message, HasSubstr("has changed since"));
}

TEST_F(CheckpointTest, WeightsAreReadThroughTheHeldFile) {
  WriteWeights("model.safetensors", {"b", "a"});
  auto checkpoint = Checkpoint::Open(model_.string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  fs::remove(model_ / "model.safetensors");
  const std::unique_ptr<void, decltype(&std::free)> buffer(
      std::aligned_alloc(4096, 4096), &std::free);
  const std::span out(static_cast<std::byte*>(buffer.get()), 4096);
  auto count = checkpoint->file(0).ReadAt(0, out);
  ASSERT_TRUE(count) << count.error().message;
  const TensorInfo* tensor = checkpoint->Find("a");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(&out[tensor->offset_bytes]), 4),
            "aaaa");
}

TEST_F(CheckpointTest, ShardsAreOpenedByTheIndex) {
  WriteWeights("two.safetensors", {"c", "a"});
  WriteWeights("one.safetensors", {"b"});
  WriteIndex(R"({"a":"two.safetensors","b":"one.safetensors",)"
             R"("c":"two.safetensors"})");
  auto checkpoint = Checkpoint::Open(model_.string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->num_files(), 2u);
  EXPECT_EQ(checkpoint->weight_bytes(), 12u);
  ASSERT_EQ(checkpoint->tensors().size(), 3u);
  EXPECT_EQ(checkpoint->tensors()[0].name, "a");
  EXPECT_EQ(checkpoint->tensors()[0].file_idx, 1u);
  EXPECT_EQ(checkpoint->tensors()[1].file_idx, 0u);
  EXPECT_THAT(checkpoint->file(1).path(), HasSubstr("two.safetensors"));
  EXPECT_EQ(checkpoint->small_files().back().name,
            "model.safetensors.index.json");
}

TEST_F(CheckpointTest, IndexAndShardsMustSayTheSame) {
  WriteWeights("1.safetensors", {"a", "b"});
  WriteWeights("2.safetensors", {"c"});
  WriteIndex(R"({"a":"1.safetensors","c":"2.safetensors"})");
  EXPECT_THAT(ErrorOf(), HasSubstr("\"b\" of shard 1.safetensors is not in"));
  WriteIndex(
      R"({"a":"1.safetensors","b":"2.safetensors","c":"2.safetensors"})");
  EXPECT_THAT(ErrorOf(), HasSubstr("\"b\" is not in shard 2.safetensors"));
  WriteIndex(R"({"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors",)"
             R"("d":"2.safetensors"})");
  EXPECT_THAT(ErrorOf(), HasSubstr("\"d\" is not in shard 2.safetensors"));
  WriteWeights("2.safetensors", {"c", "a"});
  EXPECT_THAT(ErrorOf(), HasSubstr("\"a\" is in two shards, 1.safetensors"));
}

TEST_F(CheckpointTest, AMissingOrHostileShardIsRefused) {
  WriteIndex(R"({"a":"1.safetensors"})");
  EXPECT_THAT(ErrorOf(), HasSubstr("1.safetensors: No such file"));
  WriteIndex(R"({"a":"../secret.safetensors"})");
  EXPECT_THAT(ErrorOf(), HasSubstr("allowed is a plain file name"));
  WriteWeights("../secret.safetensors", {"a"});
  fs::create_symlink("../secret.safetensors", model_ / "1.safetensors");
  WriteIndex(R"({"a":"1.safetensors"})");
  EXPECT_THAT(ErrorOf(), HasSubstr("leads outside the model directory"));
}

TEST_F(CheckpointTest, TheHubCacheIsReadThroughItsLinks) {
  const fs::path cached = root_ / "hub/models--o--n";
  const fs::path snapshot = cached / "snapshots" / std::string(40, 'c');
  fs::create_directories(snapshot);
  fs::create_directories(cached / "blobs");
  int blob = 0;
  for (const auto& entry : fs::directory_iterator(kExample)) {
    const std::string name = "blob" + std::to_string(blob++);
    fs::copy_file(entry.path(), cached / "blobs" / name);
    fs::create_symlink("../../blobs/" + name,
                       snapshot / entry.path().filename());
  }
  auto checkpoint = Checkpoint::Open(snapshot.string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->tensors().size(), 56u);
  EXPECT_TRUE(checkpoint->ReadTokenizerJson());
}

TEST_F(CheckpointTest, PicklesAreNeverOpenedAndTheWayOutIsNamed) {
  Write("pytorch_model.bin", "x");
  auto checkpoint = Checkpoint::Open(model_.string());
  ASSERT_FALSE(checkpoint);
  EXPECT_EQ(checkpoint.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(checkpoint.error().message, HasSubstr("pickles"));
  EXPECT_THAT(checkpoint.error().message, HasSubstr("safe_serialization=True"));
}

TEST_F(CheckpointTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(ErrorOf(), HasSubstr("neither model.safetensors nor"));
  Write("model.gguf", "GGUF");
  EXPECT_THAT(ErrorOf(), HasSubstr("GGUF files (\"model.gguf\") are not"));
  fs::remove(model_ / "config.json");
  EXPECT_THAT(ErrorOf(), HasSubstr("no config.json"));
  fs::remove_all(model_);
  EXPECT_THAT(ErrorOf(), HasSubstr("No such file"));
}

TEST_F(CheckpointTest, DamagedFilesAreNamed) {
  WriteWeights("model.safetensors", {"a"});
  Write("generation_config.json", "{");
  EXPECT_THAT(ErrorOf(), HasSubstr("model/generation_config.json: invalid"));
  Write("generation_config.json", "{}");
  Write("tokenizer_config.json", "[]");
  EXPECT_THAT(ErrorOf(), HasSubstr("model/tokenizer_config.json: not a JSON"));
  Write("tokenizer_config.json", "{}");
  EXPECT_EQ(ErrorOf(), "opened");
  fs::resize_file(model_ / "model.safetensors", 100);
  EXPECT_THAT(ErrorOf(), HasSubstr("model/model.safetensors: "));
  fs::resize_file(model_ / "config.json", kMaxConfigBytes + 1);
  EXPECT_THAT(ErrorOf(), HasSubstr("allowed are 16777216 at most"));
}

TEST_F(CheckpointTest, TheTokenizerIsReadAsItWasWhenOpened) {
  WriteWeights("model.safetensors", {"a"});
  {
    auto checkpoint = Checkpoint::Open(model_.string());
    ASSERT_TRUE(checkpoint);
    auto absent = checkpoint->ReadTokenizerJson();
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
  }
  Write("tokenizer.json", "{\"one\":1}");
  auto checkpoint = Checkpoint::Open(model_.string());
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->ReadTokenizerJson().value(), "{\"one\":1}");
  Write("tokenizer.json", "{\"two\":2}");
  auto changed = checkpoint->ReadTokenizerJson();
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace revlm::formats
