#include "run/chat_form.h"

#include <utility>

#include "base/heap_size.h"
#include "base/hex.h"

namespace revlm::run {
PromptForm FormOf(const RunOptions& options) {
  const bool may_choose =
      options.orchestration.has_value() && options.special_tokens;
  return options.prompt_form.value_or(may_choose ? PromptForm::kAuto
                                                 : PromptForm::kText);
}

Status CheckForm(const RunOptions& options) {
  const PromptForm form = FormOf(options);
  if (options.special_tokens || form == PromptForm::kText) return {};
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "--prompt-form {}: found --no-special-tokens, but a "
                         "conversation is made of them; leave one out",
                         PromptFormName(form));
}

std::string_view PromptFormName(PromptForm form) {
  switch (form) {
    case PromptForm::kAuto:
      return "auto";
    case PromptForm::kText:
      return "text";
    case PromptForm::kChat:
      return "chat";
  }
  return "";
}

ChatForm::ChatForm(tokenizer::ChatTemplate form,
                   const formats::ChatTemplateFile& file)
    : template_(std::move(form)), sha256_(base::ToHex(file.sha256)) {
  for (const formats::TokenName& token : file.tokens) {
    tokens_.push_back({token.name, token.text});
  }
}

Result<std::optional<ChatForm>> ChatForm::Open(
    const formats::Checkpoint& checkpoint, PromptForm form) {
  if (form == PromptForm::kText) return std::nullopt;
  const auto open = [&]() -> Result<std::optional<ChatForm>> {
    REVLM_ASSIGN_OR_RETURN(const auto file, checkpoint.ReadChatTemplate());
    if (!file) {
      if (form == PromptForm::kAuto) return std::nullopt;
      return base::MakeError(ErrorCode::kUnsupported,
                             "asking {} in chat form: its tokenizer has no "
                             "chat template",
                             checkpoint.path());
    }
    REVLM_ASSIGN_OR_RETURN(
        tokenizer::ChatTemplate parsed,
        tokenizer::ChatTemplate::Parse(file->text, file->path));
    ChatForm opened(std::move(parsed), *file);
    // What it cannot write at all is said now, not by each prompt.
    REVLM_TRY(opened.Write("?"));
    return opened;
  };
  auto opened = open();
  if (!opened) {
    opened.error().message +=
        "; --prompt-form text asks without a chat template";
  }
  return opened;
}

Result<tokenizer::MarkedText> ChatForm::Write(std::string_view prompt) const {
  return template_.Render(
      {.messages = {{"user", std::string(prompt)}},
       .generation_prompt = tokenizer::GenerationPrompt::kAdd,
       .tokens = tokens_});
}

uint64_t ChatForm::heap_bytes() const {
  uint64_t bytes = template_.heap_bytes() + base::HeapBytes(tokens_) +
                   base::HeapBytes(sha256_);
  for (const tokenizer::NamedToken& token : tokens_) {
    bytes += base::HeapBytes(token.name) +
             (token.text ? base::HeapBytes(*token.text) : 0);
  }
  return bytes;
}

}  // namespace revlm::run
