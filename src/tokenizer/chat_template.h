// How a model wants a conversation written down: the chat template that comes
// with its tokenizer, a program in the template language Jinja.
//
//   auto form = ChatTemplate::Parse(text, "tokenizer_config.json");
//   auto written = form->Render({.messages = {{"user", "Hello"}},
//                                .generation_prompt = GenerationPrompt::kAdd});
//   auto ids = tokenizer.EncodeMarked(*written);
//
// A small subset of the language is interpreted, strictly: what is in it is
// rendered to the same bytes as by Jinja the way Hugging Face calls it, and
// anything else is refused by its name and line, when the template is read or
// when it is reached; nothing is guessed (template_parser.h, template_filters.h
// and template_renderer.h say what there is). A template sees `messages`,
// `add_generation_prompt`, the special tokens, and `tools` and `documents` as
// none.
//
// A template is a stranger's program. It reads nothing but the conversation,
// and its length, the depth of what is nested in it, and the steps and bytes
// that rendering takes are bounded. What a message says is marked in what it
// renders (marked_text.h).
//
// Threads: immutable. Memory: about 1 KiB for each byte of the template, at
// most; rendering makes at most 1 MiB and 16 times the conversation. Errors:
// kCorrupt, kUnsupported; kInvalidArgument when the template raises an
// exception
// ("System role not supported"), or the conversation is not UTF-8. Determinism:
// a function of template, conversation and tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tokenizer/marked_text.h"
#include "tokenizer/template_syntax.h"

namespace revlm::tokenizer {

inline constexpr size_t kMaxTemplateBytes = size_t{64} << 10;

struct ChatMessage {
  std::string role;     // "system", "user", "assistant": part of the form
  std::string content;  // somebody's text
};

// A token that templates name: "bos_token", "<s>"; without a text it is known
// that there is none.
struct NamedToken {
  std::string name;
  std::optional<std::string> text;

  bool operator==(const NamedToken&) const = default;
};

// Whether the beginning of the answer, which the model goes on from, is
// rendered too.
enum class GenerationPrompt { kOmit, kAdd };

struct Conversation {
  std::vector<ChatMessage> messages;
  GenerationPrompt generation_prompt = GenerationPrompt::kAdd;
  std::vector<NamedToken> tokens;
};

class ChatTemplate {
 public:
  // `source` names the file in errors.
  static Result<ChatTemplate> Parse(std::string_view text,
                                    const std::string& source);

  Result<MarkedText> Render(const Conversation& conversation) const;

  // What it keeps of the heap, at most; the same for the same template.
  uint64_t heap_bytes() const;

 private:
  ChatTemplate(Syntax syntax, std::string source)
      : syntax_(std::move(syntax)), source_(std::move(source)) {}

  Syntax syntax_;
  std::string source_;
};

}  // namespace revlm::tokenizer
