#include "run/op_record.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace revlm::run {
namespace {

using base::Json;

constexpr std::array<std::pair<ErrorCode, std::string_view>, 9> kCodeNames = {{
    {ErrorCode::kNotFound, "not_found"},
    {ErrorCode::kCorrupt, "corrupt"},
    {ErrorCode::kUnsupported, "unsupported"},
    {ErrorCode::kInvalidArgument, "invalid_argument"},
    {ErrorCode::kBudgetExceeded, "budget_exceeded"},
    {ErrorCode::kUnavailable, "unavailable"},
    {ErrorCode::kTimeout, "timeout"},
    {ErrorCode::kCancelled, "cancelled"},
    {ErrorCode::kInternal, "internal"},
}};

ErrorCode ErrorCodeFromName(std::string_view name) {
  for (const auto& [code, code_name] : kCodeNames) {
    if (name == code_name) return code;
  }
  return ErrorCode::kInternal;
}

Json TokenToJson(const TokenResult& token) {
  Json json = {{"id", token.id},
               {"text", token.text},
               {"logprob", base::FloatToJson(token.logprob)}};
  if (!token.alternatives.empty()) {
    Json& alternatives = json["alternatives"] = Json::array();
    for (const AlternativeToken& other : token.alternatives) {
      alternatives.push_back({{"id", other.id},
                              {"text", other.text},
                              {"logprob", base::FloatToJson(other.logprob)}});
    }
  }
  return json;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// One after another: as a tree, they would take many times their text.
void AppendTokens(const std::vector<TokenResult>& tokens, std::string& out) {
  out += '[';
  for (const TokenResult& token : tokens) {
    if (out.back() != '[') out += ',';
    out += Dump(TokenToJson(token));
  }
  out += ']';
}

// Appends `text` up to the value null of the member `key`, and takes that off,
// with the value. In a string no such member is found: its quotes are escaped.
void AppendUpTo(std::string_view key, std::string_view& text,
                std::string& out) {
  const std::string member = fmt::format("\"{}\":null", key);
  const size_t end = text.find(member) + member.size();
  out += text.substr(0, end - 4);
  text.remove_prefix(end);
}

// Reads members of one object; remembers the first error.
class Reader {
 public:
  Reader(const Json& json, const std::string& source)
      : json_(json), source_(source) {}

  std::string Text(std::string_view key) {
    return Take(base::GetString(json_, key, source_)).value_or("");
  }
  int32_t Int32(std::string_view key) {
    return static_cast<int32_t>(
        Take(base::GetInt(json_, key, {.min = INT32_MIN, .max = INT32_MAX},
                          source_))
            .value_or(0));
  }
  double Number(std::string_view key) {
    return Take(base::GetNumber(json_, key, source_)).value_or(0);
  }
  // What is not finite is written as null.
  float LogProb(std::string_view key) {
    return static_cast<float>(
        Take(base::GetNumber(json_, key, source_))
            .value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  const Json& Array(std::string_view key) {
    static const Json kEmpty = Json::array();
    const Json* member = base::FindMember(json_, key);
    if (member == nullptr) return kEmpty;
    if (member->is_array()) return *member;
    Fail(fmt::format("{}: \"{}\" is not an array", source_, key));
    return kEmpty;
  }
  void Fail(std::string message) {
    if (!error_) error_ = Error{ErrorCode::kCorrupt, std::move(message)};
  }
  void Merge(Reader& inner) {
    if (!error_) error_ = std::move(inner.error_);
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  template <typename T>
  std::optional<T> Take(Result<std::optional<T>> value) {
    if (value) return *std::move(value);
    Fail(std::move(value).error().message);
    return std::nullopt;
  }

  const Json& json_;
  const std::string& source_;
  std::optional<Error> error_;
};

std::vector<TokenResult> TokensFromJson(const Json& json, Reader& reader,
                                        const std::string& source) {
  std::vector<TokenResult> tokens;
  tokens.reserve(json.size());
  for (const Json& element : json) {
    Reader members(element, source);
    TokenResult token = {.id = members.Int32("id"),
                         .text = members.Text("text"),
                         .logprob = members.LogProb("logprob"),
                         .alternatives = {}};
    for (const Json& other : members.Array("alternatives")) {
      Reader alternative(other, source);
      token.alternatives.push_back({.id = alternative.Int32("id"),
                                    .text = alternative.Text("text"),
                                    .logprob = alternative.LogProb("logprob")});
      members.Merge(alternative);
    }
    reader.Merge(members);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace

std::string_view ErrorCodeName(ErrorCode code) {
  const auto* const entry =
      std::find_if(kCodeNames.begin(), kCodeNames.end(),
                   [&](const auto& name) { return name.first == code; });
  return entry == kCodeNames.end() ? "internal" : entry->second;
}

void AppendResult(const OperationResult& result, std::string& out) {
  Json json = {{"schema", "revlm.result/1"},
               {"model", result.model},
               {"reference", result.reference},
               {"id", result.id},
               {"key", result.key},
               {"prompt", result.prompt},
               {"prompt_token_ids", result.prompt_token_ids}};
  if (result.error) {
    json["error"] = {{"code", ErrorCodeName(result.error->code)},
                     {"message", result.error->message}};
    out += Dump(json);
    return;
  }
  json["text"] = result.text;
  json["tokens"] = nullptr;
  json["finish_reason"] = result.finish_reason;
  if (!result.prompt_tokens.empty()) json["prompt_tokens"] = nullptr;
  if (!result.capture_file.empty()) json["capture"] = result.capture_file;
  const std::string text = Dump(json);
  std::string_view rest = text;
  if (!result.prompt_tokens.empty()) {
    AppendUpTo("prompt_tokens", rest, out);
    AppendTokens(result.prompt_tokens, out);
  }
  AppendUpTo("tokens", rest, out);
  AppendTokens(result.tokens, out);
  out += rest;
}

std::string ResultToLine(const OperationResult& result) {
  std::string line;
  AppendResult(result, line);
  line += '\n';
  return line;
}

Result<OperationResult> ResultFromJson(const Json& json,
                                       const std::string& source) {
  Reader reader(json, source);
  OperationResult result;
  result.model = reader.Text("model");
  result.reference = reader.Text("reference");
  result.id = reader.Text("id");
  result.key = reader.Text("key");
  result.prompt = reader.Text("prompt");
  for (const Json& id : reader.Array("prompt_token_ids")) {
    if (!id.is_number_integer()) {
      reader.Fail(source + ": \"prompt_token_ids\" holds what is no integer");
      break;
    }
    result.prompt_token_ids.push_back(id.get<int32_t>());
  }
  result.text = reader.Text("text");
  result.tokens = TokensFromJson(reader.Array("tokens"), reader, source);
  result.prompt_tokens =
      TokensFromJson(reader.Array("prompt_tokens"), reader, source);
  result.finish_reason = reader.Text("finish_reason");
  result.capture_file = reader.Text("capture");
  if (const Json* error = base::FindMember(json, "error")) {
    Reader members(*error, source);
    result.error =
        Error{ErrorCodeFromName(members.Text("code")), members.Text("message")};
    reader.Merge(members);
  }
  if (result.key.empty() || result.model.empty()) {
    reader.Fail(source + ": found no \"key\" or no \"model\"");
  }
  if (reader.error()) return std::unexpected(*reader.error());
  return result;
}

std::string ToLine(const Json& json) { return Dump(json) + "\n"; }

std::string RecordToLine(const OpRecord& record) {
  Json json = {{"schema", "revlm.op/1"},       {"key", record.result.key},
               {"model", record.result.model}, {"finished", record.finished},
               {"seconds", record.seconds},    {"result", nullptr}};
  if (record.result.attempts != 1) json["attempts"] = record.result.attempts;
  const std::string text = ToLine(json);
  std::string line;
  std::string_view rest = text;
  AppendUpTo("result", rest, line);
  AppendResult(record.result, line);
  line += rest;
  return line;
}

Result<OpRecord> RecordFromLine(std::string_view line,
                                const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const Json json, base::ParseJson(line, source));
  const Json* result = base::FindMember(json, "result");
  if (result == nullptr) {
    return base::MakeError(ErrorCode::kCorrupt, "{}: found no \"result\"",
                           source);
  }
  Reader reader(json, source);
  OpRecord record;
  record.finished = reader.Text("finished");
  record.seconds = reader.Number("seconds");
  if (reader.error()) return std::unexpected(*reader.error());
  REVLM_ASSIGN_OR_RETURN(record.result, ResultFromJson(*result, source));
  if (base::FindMember(json, "attempts") != nullptr) {
    record.result.attempts = reader.Int32("attempts");
  }
  if (reader.error()) return std::unexpected(*reader.error());
  return record;
}

}  // namespace revlm::run
