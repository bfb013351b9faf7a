#include "run/chat_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "run/model.h"
#include "run/operation.h"

namespace revlm::run {
namespace {

namespace fs = std::filesystem;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr char kTemplate[] =
    "{% for m in messages %}<|endoftext|>{{ m.role }}: {{ m.content }}\n"
    "{% endfor %}{% if add_generation_prompt %}\nassistant:{% endif %}";

// A real model with a template of ours.
class ChatFormTest : public ::testing::Test {
 protected:
  ChatFormTest()
      : model_(
            fs::path(::testing::TempDir()) /
            ("revlm_chat_form_" + std::string(::testing::UnitTest::GetInstance()
                                                  ->current_test_info()
                                                  ->name()))) {
    fs::remove_all(model_);
    fs::copy(fs::path(REVLM_EXAMPLES) / "models" / "aster-s0", model_);
  }
  ~ChatFormTest() override { fs::remove_all(model_); }

  void WriteTemplate(const std::string& text) {
    ASSERT_TRUE(base::WriteFileAtomically(
        (model_ / formats::kChatTemplateName).string(), text));
  }
  Result<Model> Load(PromptForm form) {
    RunOptions options;
    options.prompt_form = form;
    return LoadModel(model_.string(), options, nothing_, "");
  }
  std::string ErrorOf(PromptForm form) {
    const auto model = Load(form);
    return model ? "loaded" : model.error().message;
  }

  const fs::path model_;
  memory::Budget nothing_{0};  // nothing is run
};

TEST(FormOfTest, OnlyOrchestratedPromptsAreNotTextUnlessAsked) {
  RunOptions options;
  EXPECT_EQ(FormOf(options), PromptForm::kText);
  options.orchestration.emplace();
  EXPECT_EQ(FormOf(options), PromptForm::kAuto);
  options.special_tokens = false;
  EXPECT_EQ(FormOf(options), PromptForm::kText);
  options.special_tokens = true;
  options.prompt_form = PromptForm::kText;
  EXPECT_EQ(FormOf(options), PromptForm::kText);
  options.orchestration.reset();
  options.prompt_form = PromptForm::kChat;
  EXPECT_EQ(FormOf(options), PromptForm::kChat);
}

TEST_F(ChatFormTest, APromptIsAMessageAndTheAnswerIsBegun) {
  WriteTemplate(kTemplate);
  const auto model = Load(PromptForm::kAuto);
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_TRUE(model->chat);
  const auto ids = EncodePrompt(*model, "Hi<|endoftext|>", true);
  ASSERT_TRUE(ids) << ids.error().message;
  EXPECT_EQ(*model->tokenizer->Decode(*ids),
            "<|endoftext|>user: Hi<|endoftext|>\nassistant:");
  const auto token = model->tokenizer->TokenId("<|endoftext|>");
  ASSERT_TRUE(token);
  EXPECT_EQ(std::ranges::count(*ids, *token), 1);
  EXPECT_EQ(Describe(*model).chat_template_sha256, model->chat->sha256());
}

TEST_F(ChatFormTest, TheFormChangesNothingOfWhatIsAskedAsText) {
  const auto before = Load(PromptForm::kText);
  ASSERT_TRUE(before) << before.error().message;
  WriteTemplate("{% broken");
  const auto after = Load(PromptForm::kText);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_FALSE(after->chat);
  EXPECT_EQ(after->identity, before->identity);
  EXPECT_EQ(Describe(*after).chat_template_sha256, "");
  EXPECT_EQ(*EncodePrompt(*after, "Hi", true),
            *EncodePrompt(*before, "Hi", true));
}

TEST_F(ChatFormTest, WithoutATemplateAutoIsTextAndChatIsRefused) {
  const auto model = Load(PromptForm::kAuto);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_FALSE(model->chat);
  EXPECT_EQ(ErrorOf(PromptForm::kChat),
            "asking " + fs::canonical(model_).string() +
                " in chat form: its tokenizer has no chat template; "
                "--prompt-form text asks without a chat template");
}

TEST_F(ChatFormTest, ATemplateThatCannotBeRenderedIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"{% macro m() %}{% endmacro %}",
       "line 1: tag \"macro\" is not supported"},
      {"\n{{ strftime_now('%d') }}",
       "line 2: function \"strftime_now\" is not supported"},
      {"{{ raise_exception('no users') }}",
       "line 1: the template refuses the conversation: \"no users\""},
      {"{{ cls_token }}", "line 1: \"cls_token\" is not known"},
  };
  for (const auto& [text, why] : cases) {
    WriteTemplate(text);
    for (const PromptForm form : {PromptForm::kAuto, PromptForm::kChat}) {
      EXPECT_THAT(ErrorOf(form), HasSubstr(why));
      EXPECT_THAT(ErrorOf(form), HasSubstr("chat_template.jinja"));
      EXPECT_THAT(ErrorOf(form),
                  EndsWith("--prompt-form text asks without a chat template"));
    }
  }
}

}  // namespace
}  // namespace revlm::run
