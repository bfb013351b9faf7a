// A template that is accepted either renders, to UTF-8 of which the content is
// the messages', or says why not; and nothing it does takes long.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "tokenizer/chat_template.h"

namespace {

using revlm::tokenizer::ChatTemplate;
using revlm::tokenizer::Conversation;
using revlm::tokenizer::GenerationPrompt;
using revlm::tokenizer::MarkedText;

void CheckRendering(const ChatTemplate& form, Conversation conversation,
                    GenerationPrompt prompt) {
  conversation.generation_prompt = prompt;
  conversation.tokens = {{"bos_token", "<s>"}, {"pad_token", std::nullopt}};
  const auto rendered = form.Render(conversation);
  if (!rendered) {
    REVLM_CHECK(!rendered.error().message.empty());
    return;
  }
  REVLM_CHECK(revlm::base::IsValidUtf8(rendered->text()));
  // Content has no other bytes than the messages.
  uint32_t end = 0;
  for (const MarkedText::Part& part : rendered->content()) {
    REVLM_CHECK(part.begin >= end && part.begin < part.end);
    end = part.end;
    for (uint32_t i = part.begin; i < end; ++i) {
      REVLM_CHECK(
          std::string_view("\x01\x02\n\xc3\xa9").find(rendered->text()[i]) !=
          std::string_view::npos);
    }
  }
  REVLM_CHECK(end <= rendered->size());
  REVLM_CHECK(form.Render(conversation)->text() == rendered->text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto form = ChatTemplate::Parse(input, "input");
  if (!form) {
    REVLM_CHECK(!form.error().message.empty());
    return 0;
  }
  CheckRendering(*form, {.messages = {{"user", "\x01\n"}}},
                 GenerationPrompt::kAdd);
  CheckRendering(*form,
                 {.messages = {{"system", "\x02"},
                               {"user", "\xc3\xa9\x01"},
                               {"assistant", ""},
                               {"user", "\n"}}},
                 GenerationPrompt::kOmit);
  return 0;
}
