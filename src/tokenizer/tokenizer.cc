#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/component.h"
#include "tokenizer/decoder.h"
#include "tokenizer/model_reader.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/post_processor.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

using base::Json;
using base::MakeError;
using base::Quote;

constexpr size_t kMaxJsonDepth = 32;

Status CheckSize(std::string_view text) {
  if (text.size() <= kMaxTextBytes) return {};
  return MakeError(ErrorCode::kInvalidArgument,
                   "encoding a text of {} bytes: allowed are {}", text.size(),
                   kMaxTextBytes);
}

// Files written before models had a "type" are told apart by their vocabulary.
Status CheckModelType(const Json& model, const VocabularySink& vocabulary,
                      const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const auto type,
                         base::GetString(model, "type", source));
  const std::string name =
      type.value_or(vocabulary.is_array() ? "Unigram" : "BPE");
  if (name != "BPE") return UnsupportedType("model", name, source);
  for (const char* key : {"vocab", "merges"}) {
    const Json* member = base::FindMember(model, key);
    const bool is_right =
        member != nullptr &&
        (key[0] == 'v' ? member->is_object() : member->is_array());
    if (!is_right) {
      return MakeError(ErrorCode::kCorrupt, "{}: the model has no \"{}\"",
                       source, key);
    }
  }
  return {};
}

Result<BpeOptions> ParseBpeOptions(const Json& model,
                                   const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const auto dropout,
                         base::GetNumber(model, "dropout", source));
  if (dropout.value_or(0) != 0) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: model \"dropout\" is {}, supported is null", source,
                     *dropout);
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    REVLM_ASSIGN_OR_RETURN(const auto affix,
                           base::GetString(model, key, source));
    if (affix && !affix->empty()) {
      return MakeError(ErrorCode::kUnsupported,
                       "{}: model \"{}\" is {}, supported is null", source, key,
                       Quote(*affix));
    }
  }
  BpeOptions options;
  REVLM_ASSIGN_OR_RETURN(options.unk_token,
                         base::GetString(model, "unk_token", source));
  REVLM_ASSIGN_OR_RETURN(options.fuse_unk,
                         BoolOr(model, "fuse_unk", false, source));
  REVLM_ASSIGN_OR_RETURN(options.byte_fallback,
                         BoolOr(model, "byte_fallback", false, source));
  REVLM_ASSIGN_OR_RETURN(options.ignore_merges,
                         BoolOr(model, "ignore_merges", false, source));
  return options;
}

// Members that are null say what absent ones say.
void EraseNulls(Json& json) {
  if (json.is_object()) {
    for (auto member = json.begin(); member != json.end();) {
      member = member->is_null() ? json.erase(member) : std::next(member);
    }
  }
  if (!json.is_structured()) return;
  for (Json& member : json) EraseNulls(member);
}

// The parts of a file besides its model, the same text for all that say the
// same.
std::string PartsText(const Json& file) {
  Json parts = Json::object();
  for (const char* key : {"normalizer", "pre_tokenizer", "post_processor",
                          "decoder", "added_tokens"}) {
    const Json* part = base::FindMember(file, key);
    if (part != nullptr) parts[key] = *part;
  }
  EraseNulls(parts);
  if (const auto added = parts.find("added_tokens"); added != parts.end()) {
    std::sort(added->begin(), added->end(), [](const Json& a, const Json& b) {
      return a.at("id") < b.at("id");
    });
    if (added->empty()) parts.erase(added);
  }
  return parts.dump();
}

// What of `content` lies in a segment, counted from its beginning.
std::vector<MarkedText::Part> PartsIn(AddedTokens::Parts content,
                                      const AddedTokens::Segment& segment) {
  std::vector<MarkedText::Part> parts;
  const auto first = std::ranges::partition_point(
      content,
      [&](const MarkedText::Part& part) { return part.end <= segment.begin; });
  for (auto part = first; part != content.end() && part->begin < segment.end;
       ++part) {
    parts.push_back({std::max(part->begin, segment.begin) - segment.begin,
                     std::min(part->end, segment.end) - segment.begin});
  }
  return parts;
}

}  // namespace

struct Tokenizer::State {
  Normalizer normalizer;
  AddedTokens added_tokens;
  PreTokenizer pre_tokenizer;
  Bpe bpe;
  PostProcessor post_processor;
  Decoder decoder;
  std::string rest;  // of the file, as PartsText has it

  // What the rest of the file says; `bpe` is there.
  Status ParseRest(const Json& file, const std::string& source);
  // `content` is as of a MarkedText.
  Status EncodeNormalized(std::string_view text, AddedTokens::Parts content,
                          bool begins_text, BpeScratch* scratch,
                          std::vector<int32_t>* ids) const;
  Status EncodeText(std::string_view text, AddedTokens::Parts content,
                    BpeScratch* scratch, std::vector<int32_t>* ids) const;
  // Refuses special tokens among `ids`, which were made of text.
  Status CheckPlain(std::span<const int32_t> ids) const;
};

Status Tokenizer::State::ParseRest(const Json& file,
                                   const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(
      normalizer,
      Normalizer::FromJson(base::FindMember(file, "normalizer"), source));
  REVLM_ASSIGN_OR_RETURN(
      pre_tokenizer,
      PreTokenizer::FromJson(base::FindMember(file, "pre_tokenizer"), source));
  if (const Json* array = base::FindMember(file, "added_tokens")) {
    REVLM_ASSIGN_OR_RETURN(added_tokens, AddedTokens::FromJson(
                                             *array, bpe.vocabulary(),
                                             [&](std::string_view text) {
                                               return normalizer.Apply(text);
                                             },
                                             source));
  }
  const auto has_id = [&](int64_t id) {
    if (id < 0 || id > INT32_MAX) return false;
    const auto small = static_cast<int32_t>(id);
    return added_tokens.FindId(small) != nullptr ||
           bpe.vocabulary().Text(small).has_value();
  };
  REVLM_ASSIGN_OR_RETURN(
      post_processor,
      PostProcessor::FromJson(base::FindMember(file, "post_processor"), has_id,
                              source));
  REVLM_ASSIGN_OR_RETURN(
      decoder, Decoder::FromJson(base::FindMember(file, "decoder"), source));
  return {};
}

Result<Tokenizer> Tokenizer::FromJson(std::string_view text,
                                      const std::string& source) {
  if (text.size() > kMaxFileBytes) {
    return MakeError(ErrorCode::kCorrupt, "{}: {} bytes, allowed are {}",
                     source, text.size(), kMaxFileBytes);
  }
  VocabularySink vocabulary_sink;
  MergesSink merges_sink;
  const base::JsonRoute routes[] = {{{"model", "vocab"}, &vocabulary_sink},
                                    {{"model", "merges"}, &merges_sink}};
  REVLM_ASSIGN_OR_RETURN(
      const Json file, base::ParseJsonWithSinks(
                           text, source, {.max_depth = kMaxJsonDepth}, routes));
  REVLM_ASSIGN_OR_RETURN(const auto version,
                         base::GetString(file, "version", source));
  if (version.value_or("1.0") != "1.0") {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: tokenizer version {}, supported is \"1.0\"", source,
                     Quote(*version));
  }
  const Json* model = base::FindMember(file, "model");
  if (model == nullptr) {
    return MakeError(ErrorCode::kCorrupt, "{}: \"model\" is missing", source);
  }
  REVLM_TRY(CheckModelType(*model, vocabulary_sink, source));
  REVLM_ASSIGN_OR_RETURN(BpeOptions options, ParseBpeOptions(*model, source));
  REVLM_ASSIGN_OR_RETURN(
      Vocabulary vocabulary,
      Vocabulary::Build(std::move(vocabulary_sink.list()), source));
  auto state = std::make_shared<State>();
  REVLM_ASSIGN_OR_RETURN(state->bpe,
                         Bpe::Build(std::move(vocabulary), merges_sink.list(),
                                    std::move(options), source));
  REVLM_TRY(state->ParseRest(file, source));
  state->rest = PartsText(file);
  return Tokenizer(std::move(state));
}

Status Tokenizer::State::CheckPlain(std::span<const int32_t> ids) const {
  for (const int32_t id : ids) {
    const AddedToken* added = added_tokens.FindId(id);
    if (added == nullptr || !added->is_special || id == bpe.unk_id()) continue;
    return MakeError(ErrorCode::kUnsupported,
                     "encoding a conversation: its text becomes the special "
                     "token {}, which only the chat template may write",
                     Quote(added->content));
  }
  return {};
}

// Text between the tokens that are searched for before normalization.
Status Tokenizer::State::EncodeNormalized(std::string_view text,
                                          AddedTokens::Parts content,
                                          bool begins_text, BpeScratch* scratch,
                                          std::vector<int32_t>* ids) const {
  for (const auto& segment : added_tokens.SplitNormalized(text, content)) {
    if (segment.id) {
      ids->push_back(*segment.id);
      continue;
    }
    Pieces pieces;
    pieces.Add(text.substr(segment.begin, segment.end - segment.begin));
    pieces.begins_text = begins_text && segment.begin == 0;
    REVLM_ASSIGN_OR_RETURN(pieces, pre_tokenizer.Apply(std::move(pieces)));
    const size_t num_before = ids->size();
    for (size_t i = 0; i < pieces.size(); ++i) {
      REVLM_TRY(bpe.Encode(pieces[i], scratch, ids));
    }
    if (!content.empty()) {
      REVLM_TRY(CheckPlain(std::span(*ids).subspan(num_before)));
    }
  }
  return {};
}

Status Tokenizer::State::EncodeText(std::string_view text,
                                    AddedTokens::Parts content,
                                    BpeScratch* scratch,
                                    std::vector<int32_t>* ids) const {
  for (const auto& segment : added_tokens.SplitRaw(text, content)) {
    if (segment.id) {
      ids->push_back(*segment.id);
      continue;
    }
    const std::string_view raw =
        text.substr(segment.begin, segment.end - segment.begin);
    REVLM_ASSIGN_OR_RETURN(const std::string normalized, normalizer.Apply(raw));
    std::vector<MarkedText::Part> parts = PartsIn(content, segment);
    if (!parts.empty() && normalized != raw) {
      // Where content is now is not known.
      if (const AddedToken* token = added_tokens.FindSteering(normalized)) {
        return MakeError(ErrorCode::kUnsupported,
                         "encoding a conversation: it has {} after "
                         "normalization, and whether that is of the chat "
                         "template or of a message cannot be told",
                         Quote(token->content));
      }
      parts = {{0, static_cast<uint32_t>(normalized.size())}};
    }
    REVLM_TRY(
        EncodeNormalized(normalized, parts, segment.begin == 0, scratch, ids));
  }
  return {};
}

Result<std::vector<int32_t>> Tokenizer::Encode(
    std::string_view text, SpecialTokens special_tokens) const {
  REVLM_TRY(CheckSize(text));
  std::string valid;
  if (!IsValidUtf8(text)) {
    valid = ToValidUtf8(text);
    text = valid;
  }
  const PostProcessor& added = state_->post_processor;
  const bool adds = special_tokens == SpecialTokens::kAdd;
  std::vector<int32_t> ids;
  if (adds) ids = added.before();
  BpeScratch scratch;
  REVLM_TRY(state_->EncodeText(text, {}, &scratch, &ids));
  if (adds) {
    ids.insert(ids.end(), added.after().begin(), added.after().end());
  }
  return ids;
}

Result<std::vector<int32_t>> Tokenizer::EncodeMarked(
    const MarkedText& text) const {
  REVLM_TRY(CheckSize(text.text()));
  if (!IsValidUtf8(text.text())) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "encoding a conversation: found bytes that are not UTF-8");
  }
  std::vector<int32_t> ids;
  BpeScratch scratch;
  REVLM_TRY(state_->EncodeText(text.text(), text.content(), &scratch, &ids));
  return ids;
}

Result<std::string> Tokenizer::Decode(std::span<const int32_t> ids) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const int32_t id : ids) {
    if (const AddedToken* added = state_->added_tokens.FindId(id)) {
      tokens.push_back(added->is_normalized ? added->normalized_content
                                            : added->content);
    } else if (const auto text = state_->bpe.vocabulary().Text(id)) {
      tokens.emplace_back(*text);
    }
  }
  return state_->decoder.Apply(std::move(tokens));
}

std::optional<int32_t> Tokenizer::TokenId(std::string_view token) const {
  if (const AddedToken* added = state_->added_tokens.Find(token)) {
    return added->id;
  }
  return state_->bpe.vocabulary().Find(token);
}

std::optional<std::string> Tokenizer::TokenText(int32_t id) const {
  if (const AddedToken* added = state_->added_tokens.FindId(id)) {
    return added->content;
  }
  const auto text = state_->bpe.vocabulary().Text(id);
  if (!text) return std::nullopt;
  return std::string(*text);
}

std::optional<std::string> Tokenizer::TokenBytes(int32_t id) const {
  std::string text;
  if (const AddedToken* added = state_->added_tokens.FindId(id)) {
    if (added->is_special) return "";
    text = added->is_normalized ? added->normalized_content : added->content;
  } else if (const auto known = state_->bpe.vocabulary().Text(id)) {
    text = *known;
  } else {
    return std::nullopt;
  }
  auto bytes = state_->decoder.BytesOf(std::move(text));
  return bytes ? *std::move(bytes) : std::nullopt;
}

int32_t Tokenizer::num_ids() const {
  return std::max(state_->added_tokens.num_ids(),
                  state_->bpe.vocabulary().num_ids());
}

bool Tokenizer::IsSame(const Tokenizer& other) const {
  return state_ == other.state_ || (state_->rest == other.state_->rest &&
                                    state_->bpe.IsSame(other.state_->bpe));
}

uint64_t Tokenizer::heap_bytes() const {
  // Of all but vocabularies: steps and their compiled patterns.
  constexpr uint64_t kStepsBytes = 96 << 10;
  return sizeof(State) + kStepsBytes + state_->bpe.heap_bytes() +
         state_->added_tokens.heap_bytes() + base::HeapBytes(state_->rest);
}

std::string Tokenizer::Description() const {
  const bool is_byte_level = state_->pre_tokenizer.is_byte_level() ||
                             state_->normalizer.is_byte_level();
  const char* unit = is_byte_level                     ? "byte-level"
                     : state_->bpe.has_byte_fallback() ? "byte fallback"
                                                       : "characters";
  size_t num_tokens = state_->bpe.vocabulary().num_tokens();
  for (int32_t id = 0; id < state_->added_tokens.num_ids(); ++id) {
    if (state_->added_tokens.FindId(id) != nullptr &&
        !state_->bpe.vocabulary().Text(id)) {
      ++num_tokens;
    }
  }
  return fmt::format("BPE, {}, {} tokens", unit, num_tokens);
}

}  // namespace revlm::tokenizer
