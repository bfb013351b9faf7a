// Prompts put to a model as messages of a conversation: each a user's message,
// written by the model's chat template, which then begins the answer.
//
// Threads: immutable. Memory: that of the template (tokenizer/chat_template.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/checkpoint.h"
#include "revlm/run.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/marked_text.h"

namespace revlm::run {

// What `RunOptions::prompt_form` is when it is not given: automatic for prompts
// that prompt systems make, unless special tokens are to be left out, else
// text.
PromptForm FormOf(const RunOptions& options);

// Refuses a form of conversations without special tokens.
Status CheckForm(const RunOptions& options);

// "auto", "text", "chat".
std::string_view PromptFormName(PromptForm form);

class ChatForm {
 public:
  // Of kText, nothing, and nothing is read; of kAuto, nothing when there is no
  // template. Errors: kUnsupported of kChat when there is none; what keeps the
  // template from being read or from writing a message, and that text can be
  // asked nevertheless.
  static Result<std::optional<ChatForm>> Open(
      const formats::Checkpoint& checkpoint, PromptForm form);

  // Errors: as ChatTemplate::Render.
  Result<tokenizer::MarkedText> Write(std::string_view prompt) const;

  // Of the template's text, hex.
  const std::string& sha256() const { return sha256_; }
  uint64_t heap_bytes() const;

 private:
  ChatForm(tokenizer::ChatTemplate form, const formats::ChatTemplateFile& file);

  tokenizer::ChatTemplate template_;
  std::vector<tokenizer::NamedToken> tokens_;
  std::string sha256_;
};

}  // namespace revlm::run
