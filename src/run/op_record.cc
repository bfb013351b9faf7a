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

// Writes a member's name, and what is between it and the one before.
void AppendKey(std::string_view key, std::string& out) {
  if (out.back() != '{') out += ',';
  out += '"';
  out += key;
  out += "\":";
}

void AppendText(std::string_view key, std::string_view text, std::string& out) {
  AppendKey(key, out);
  base::AppendJsonString(text, out);
}

void AppendDigits(int32_t number, std::string& out) {
  const fmt::format_int digits(number);
  out.append(digits.data(), digits.size());
}

void AppendInt(std::string_view key, int32_t number, std::string& out) {
  AppendKey(key, out);
  AppendDigits(number, out);
}

// The members that a token and an alternative share.
template <typename Token>
void AppendScored(const Token& token, std::string& out) {
  AppendInt("id", token.id, out);
  AppendKey("logprob", out);
  out += base::FloatToJson(token.logprob).dump();
  AppendText("text", token.text, out);
}

// Calls append(element) for each, in brackets and with commas between them.
template <typename T, typename Append>
void AppendArray(std::string_view key, const std::vector<T>& elements,
                 const Append& append, std::string& out) {
  AppendKey(key, out);
  out += '[';
  for (size_t i = 0; i < elements.size(); ++i) {
    if (i > 0) out += ',';
    append(elements[i]);
  }
  out += ']';
}

void AppendTokens(std::string_view key, const std::vector<TokenResult>& tokens,
                  std::string& out) {
  const auto append_alternative = [&](const AlternativeToken& other) {
    out += '{';
    AppendScored(other, out);
    out += '}';
  };
  const auto append_token = [&](const TokenResult& token) {
    out += '{';
    if (!token.alternatives.empty()) {
      AppendArray("alternatives", token.alternatives, append_alternative, out);
    }
    AppendScored(token, out);
    out += '}';
  };
  AppendArray(key, tokens, append_token, out);
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
  out += '{';
  const bool has_failed = result.error.has_value();
  if (has_failed) {
    AppendKey("error", out);
    out += '{';
    AppendText("code", ErrorCodeName(result.error->code), out);
    AppendText("message", result.error->message, out);
    out += '}';
  } else {
    if (!result.capture_file.empty()) {
      AppendText("capture", result.capture_file, out);
    }
    AppendText("finish_reason", result.finish_reason, out);
  }
  AppendText("id", result.id, out);
  AppendText("key", result.key, out);
  AppendText("model", result.model, out);
  AppendText("prompt", result.prompt, out);
  AppendArray(
      "prompt_token_ids", result.prompt_token_ids,
      [&](int32_t id) { AppendDigits(id, out); }, out);
  if (!has_failed && !result.prompt_tokens.empty()) {
    AppendTokens("prompt_tokens", result.prompt_tokens, out);
  }
  AppendText("reference", result.reference, out);
  AppendText("schema", "revlm.result/1", out);
  if (!has_failed) {
    AppendText("text", result.text, out);
    AppendTokens("tokens", result.tokens, out);
  }
  out += '}';
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

std::string ToLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string RecordToLine(const OpRecord& record) {
  std::string line = "{";
  if (record.result.attempts != 1) {
    AppendInt("attempts", record.result.attempts, line);
  }
  AppendText("finished", record.finished, line);
  AppendText("key", record.result.key, line);
  AppendText("model", record.result.model, line);
  AppendKey("result", line);
  AppendResult(record.result, line);
  AppendText("schema", "revlm.op/1", line);
  AppendKey("seconds", line);
  line += Json(record.seconds).dump();
  line += "}\n";
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
