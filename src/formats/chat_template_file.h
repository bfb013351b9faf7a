// The chat template that comes with a model, and the special tokens that it may
// name.
//
// chat_template.jinja is it where there is one, whatever tokenizer_config.json
// says; else that file's "chat_template": a string, or a list of {"name",
// "template"} of which "default" is the one for plain conversations. The tokens
// are always tokenizer_config.json's, each TEXT, {"content": TEXT} or null.
//
// Nothing here is read unless prompts are asked in chat form: a model can be
// asked plain text whatever its template is.
//
// Threads: pure function. Memory: as base/json.h. Errors: kCorrupt;
// kUnsupported for a list without "default".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "crypto/sha256.h"

namespace revlm::formats {

inline constexpr char kChatTemplateName[] = "chat_template.jinja";
// Templates of models are below 40 KB; how much of one is understood is said in
// tokenizer/chat_template.h.
inline constexpr uint64_t kMaxChatTemplateBytes = uint64_t{1} << 20;

// "bos_token" and its text; none: there is no such token.
struct TokenName {
  std::string name;
  std::optional<std::string> text;

  bool operator==(const TokenName&) const = default;
};

struct ChatTemplateFile {
  std::string path;  // of the file that the template is in
  std::string text;
  crypto::Sha256Digest sha256 = {};  // of the text
  std::vector<TokenName> tokens;     // those that the configuration mentions
};

// What a tokenizer_config.json says.
struct ChatTemplateConfig {
  std::optional<std::string> text;
  std::vector<TokenName> tokens;

  bool operator==(const ChatTemplateConfig&) const = default;
};

// `source` names the file in errors.
Result<ChatTemplateConfig> ParseChatTemplateConfig(std::string_view json,
                                                   const std::string& source);

}  // namespace revlm::formats
