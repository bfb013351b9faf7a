#include "tokenizer/post_processor.h"

#include <utility>

#include "base/quote.h"
#include "tokenizer/component.h"

namespace revlm::tokenizer {
namespace {

using base::Json;
using base::MakeError;
using base::Quote;

constexpr size_t kMaxSpecialTokens = 1024;

Status CheckId(const Json& id, const PostProcessor::HasId& has_id,
               const std::string& name, const std::string& source) {
  if (!id.is_number_integer() || !has_id(id.get<int64_t>())) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: special token {} of the template has id {}, which no "
                     "token has",
                     source, Quote(name), id.dump());
  }
  return {};
}

// The ids that the template's special token `name` stands for.
Result<std::vector<int32_t>> IdsOf(const Json& object, const std::string& name,
                                   const PostProcessor::HasId& has_id,
                                   const std::string& source) {
  const Json* tokens = base::FindMember(object, "special_tokens");
  const Json* token =
      tokens != nullptr ? base::FindMember(*tokens, name) : nullptr;
  const Json* list =
      token != nullptr ? base::FindMember(*token, "ids") : nullptr;
  if (list == nullptr || !list->is_array()) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: the template uses special token {}, which "
                     "\"special_tokens\" does not define",
                     source, Quote(name));
  }
  std::vector<int32_t> ids;
  for (const Json& id : *list) {
    REVLM_TRY(CheckId(id, has_id, name, source));
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

}  // namespace

Result<PostProcessor> PostProcessor::FromJson(const Json* json,
                                              const HasId& has_id,
                                              const std::string& source) {
  PostProcessor processor;
  REVLM_TRY(ReadComponents(json, "processors", source,
                           [&](const Json& object, std::string_view type) {
                             return processor.Parse(object, type, has_id,
                                                    source);
                           }));
  return processor;
}

Status PostProcessor::Parse(const Json& object, std::string_view type,
                            const HasId& has_id, const std::string& source) {
  if (type == "ByteLevel") return {};  // trims offsets, which are not kept
  if (type == "TemplateProcessing") {
    return ParseTemplate(object, has_id, source);
  }
  if (type == "RobertaProcessing" || type == "BertProcessing") {
    return ParsePair(object, has_id, source);
  }
  return UnsupportedType("post_processor", type, source);
}

Status PostProcessor::ParseTemplate(const Json& object, const HasId& has_id,
                                    const std::string& source) {
  const Json* single = base::FindMember(object, "single");
  if (single == nullptr || !single->is_array()) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: TemplateProcessing without an array \"single\"",
                     source);
  }
  std::vector<int32_t> before;
  std::vector<int32_t> after;
  int num_sequences = 0;
  for (const Json& piece : *single) {
    if (const Json* sequence = base::FindMember(piece, "Sequence")) {
      REVLM_ASSIGN_OR_RETURN(const std::string id,
                             RequireString(*sequence, "id", source));
      if (id != "A" || ++num_sequences > 1) {
        return MakeError(ErrorCode::kUnsupported,
                         "{}: the template for one text uses sequence {} "
                         "again or at all, supported is A once",
                         source, Quote(id));
      }
      continue;
    }
    const Json* special = base::FindMember(piece, "SpecialToken");
    if (special == nullptr) {
      return MakeError(ErrorCode::kCorrupt,
                       "{}: a template piece that is neither \"Sequence\" nor "
                       "\"SpecialToken\"",
                       source);
    }
    REVLM_ASSIGN_OR_RETURN(const std::string name,
                           RequireString(*special, "id", source));
    REVLM_ASSIGN_OR_RETURN(const std::vector<int32_t> ids,
                           IdsOf(object, name, has_id, source));
    auto& side = num_sequences == 0 ? before : after;
    side.insert(side.end(), ids.begin(), ids.end());
  }
  if (num_sequences == 0) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: the template for one text has no place for it",
                     source);
  }
  return Wrap(std::move(before), after, source);
}

// "cls": [token, id] before the text and "sep" after it.
Status PostProcessor::ParsePair(const Json& object, const HasId& has_id,
                                const std::string& source) {
  const auto id_of = [&](const char* key) -> Result<int32_t> {
    const Json* token = base::FindMember(object, key);
    if (token == nullptr || !token->is_array() || token->size() != 2) {
      return MakeError(ErrorCode::kCorrupt,
                       "{}: \"{}\" is not a token and its id", source, key);
    }
    REVLM_TRY(CheckId((*token)[1], has_id, key, source));
    return (*token)[1].get<int32_t>();
  };
  REVLM_ASSIGN_OR_RETURN(const int32_t cls, id_of("cls"));
  REVLM_ASSIGN_OR_RETURN(const int32_t sep, id_of("sep"));
  return Wrap({cls}, {sep}, source);
}

Status PostProcessor::Wrap(std::vector<int32_t> before,
                           const std::vector<int32_t>& after,
                           const std::string& source) {
  before.insert(before.end(), before_.begin(), before_.end());
  before_ = std::move(before);
  after_.insert(after_.end(), after.begin(), after.end());
  if (before_.size() + after_.size() > kMaxSpecialTokens) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: the template adds more than {} tokens", source,
                     kMaxSpecialTokens);
  }
  return {};
}

}  // namespace revlm::tokenizer
