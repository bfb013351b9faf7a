#include "formats/chat_template_file.h"

#include <array>
#include <utility>

#include "base/json.h"
#include "base/quote.h"

namespace revlm::formats {
namespace {

using base::Json;
using base::MakeError;

constexpr std::array<const char*, 7> kTokenNames = {
    "bos_token", "cls_token", "eos_token", "mask_token",
    "pad_token", "sep_token", "unk_token"};
constexpr char kTemplateKey[] = "chat_template";
constexpr char kDefaultName[] = "default";

Result<std::string> RequiredString(const Json& object, const char* key,
                                   const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(auto text, base::GetString(object, key, source));
  if (text) return *std::move(text);
  return MakeError(ErrorCode::kCorrupt,
                   "{}: one of \"chat_template\" has no \"{}\"", source, key);
}

Result<std::string> DefaultOf(const Json& list, const std::string& source) {
  std::optional<std::string> found;
  std::string names;
  for (const Json& entry : list) {
    if (!entry.is_object()) {
      return MakeError(ErrorCode::kCorrupt,
                       "{}: \"chat_template\" is a list of other things than "
                       "objects",
                       source);
    }
    REVLM_ASSIGN_OR_RETURN(const std::string name,
                           RequiredString(entry, "name", source));
    if (name != kDefaultName) {
      names += (names.empty() ? "" : ", ") + base::Quote(name);
      continue;
    }
    if (found) {
      return MakeError(ErrorCode::kCorrupt,
                       "{}: \"chat_template\" has two named \"default\"",
                       source);
    }
    REVLM_ASSIGN_OR_RETURN(found, RequiredString(entry, "template", source));
  }
  if (found) return *std::move(found);
  return MakeError(ErrorCode::kUnsupported,
                   "{}: \"chat_template\" has none named \"default\", only: {}",
                   source, names);
}

Result<std::optional<std::string>> TokenText(const Json& member,
                                             const char* name,
                                             const std::string& source) {
  if (member.is_null()) return std::nullopt;
  if (member.is_string()) return member.get<std::string>();
  if (member.is_object()) return base::GetString(member, "content", source);
  return MakeError(ErrorCode::kCorrupt,
                   "{}: \"{}\" is {}, allowed are a string, an object with "
                   "\"content\" and null",
                   source, name, member.type_name());
}

}  // namespace

Result<ChatTemplateConfig> ParseChatTemplateConfig(std::string_view json,
                                                   const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const Json root, base::ParseJson(json, source));
  if (!root.is_object()) {
    return MakeError(ErrorCode::kCorrupt, "{}: not a JSON object", source);
  }
  ChatTemplateConfig config;
  if (const Json* form = base::FindMember(root, kTemplateKey)) {
    if (form->is_array()) {
      REVLM_ASSIGN_OR_RETURN(config.text, DefaultOf(*form, source));
    } else {
      REVLM_ASSIGN_OR_RETURN(config.text,
                             base::GetString(root, kTemplateKey, source));
    }
  }
  for (const char* name : kTokenNames) {
    const auto member = root.find(name);
    if (member == root.end()) continue;
    REVLM_ASSIGN_OR_RETURN(auto text, TokenText(*member, name, source));
    config.tokens.push_back({name, std::move(text)});
  }
  return config;
}

}  // namespace revlm::formats
