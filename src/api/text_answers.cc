#include "api/text_answers.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/lines.h"
#include "base/quote.h"
#include "run/op_record.h"
#include "run/run_directory.h"

namespace revlm {
namespace {

using base::Json;

constexpr uint64_t kMaxAnswersBytes = uint64_t{256} << 20;

Result<std::string> ReadText(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(path, base::Caching::kPageCache));
  return base::ReadWholeFile(file, kMaxAnswersBytes);
}

std::string NameOf(const std::string& path) {
  std::filesystem::path name(path);
  if (!name.has_filename()) name = name.parent_path();
  return name.stem().string();
}

// ---- A file -----------------------------------------------------------------

Error BadLine(const std::string& place, std::string_view found) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}: found {}, allowed is one like {{\"prompt\": "
                      "\"Hello\", \"answer\": \" world\"}}, token ids as the "
                      "answer, or a list of either as \"answers\"",
                      place, found)};
}

// Text, or token ids.
Status AddAnswer(const std::string& prompt, const Json& answer,
                 const std::string& place, std::vector<GivenAnswer>& answers) {
  GivenAnswer given = {.prompt = prompt};
  if (answer.is_string()) {
    given.text = answer.get<std::string>();
  } else if (answer.is_array() && !answer.empty()) {
    for (const Json& id : answer) {
      if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX) {
        return std::unexpected(BadLine(place, "a token id that is none"));
      }
      given.token_ids.push_back(id.get<int32_t>());
    }
  } else {
    return std::unexpected(
        BadLine(place, "an answer that is neither text nor token ids"));
  }
  answers.push_back(std::move(given));
  return {};
}

Status AddLine(std::string_view line, const std::string& place,
               std::vector<GivenAnswer>& answers) {
  const Result<Json> object = base::ParseJson(line, place);
  // A bad line is the caller's mistake, however it is bad.
  if (!object) {
    return base::MakeError(ErrorCode::kInvalidArgument, "{}",
                           object.error().message);
  }
  if (!object->is_object()) return std::unexpected(BadLine(place, "no object"));
  const Json* prompt = base::FindMember(*object, "prompt");
  if (prompt == nullptr || !prompt->is_string()) {
    return std::unexpected(BadLine(place, "no \"prompt\""));
  }
  const Json* answer = base::FindMember(*object, "answer");
  const Json* several = base::FindMember(*object, "answers");
  const auto text = prompt->get<std::string>();
  if (answer != nullptr && several == nullptr) {
    return AddAnswer(text, *answer, place, answers);
  }
  if (answer != nullptr || several == nullptr || !several->is_array()) {
    return std::unexpected(
        BadLine(place, "not one of \"answer\" and \"answers\""));
  }
  for (const Json& one : *several) {
    REVLM_TRY(AddAnswer(text, one, place, answers));
  }
  return {};
}

Status ReadFileOfAnswers(const std::string& path, TargetAnswers& target) {
  REVLM_ASSIGN_OR_RETURN(const std::string content, ReadText(path));
  return base::ForEachLine(
      content, [&](std::string_view line, size_t number) -> Status {
        if (line.find_first_not_of(" \t") == std::string_view::npos) return {};
        const std::string place =
            fmt::format("reading answers from {}, line {}", path, number);
        REVLM_TRY(AddLine(line, place, target.answers));
        target.places.resize(target.answers.size(), place);
        return {};
      });
}

// ---- A run ------------------------------------------------------------------

Result<verify::Decoding> DecodingOf(const Json& plan, const std::string& path) {
  verify::Decoding decoding;
  REVLM_ASSIGN_OR_RETURN(
      const auto max_tokens,
      base::GetInt(plan, "max_tokens", {.min = 0, .max = INT32_MAX}, path));
  REVLM_ASSIGN_OR_RETURN(
      const auto top_k,
      base::GetInt(plan, "top_k", {.min = 0, .max = INT32_MAX}, path));
  REVLM_ASSIGN_OR_RETURN(const auto temperature,
                         base::GetNumber(plan, "temperature", path));
  REVLM_ASSIGN_OR_RETURN(const auto top_p,
                         base::GetNumber(plan, "top_p", path));
  if (!max_tokens || !top_k || !temperature || !top_p) {
    return base::MakeError(ErrorCode::kCorrupt,
                           "reading {}: found no plan that says how tokens "
                           "were drawn",
                           path);
  }
  decoding.max_new_tokens = static_cast<int32_t>(*max_tokens);
  decoding.temperature = static_cast<float>(*temperature);
  decoding.top_k = static_cast<int32_t>(*top_k);
  decoding.top_p = static_cast<float>(*top_p);
  return decoding;
}

// The model of the run that `target` names, or its only one.
Result<Json> ModelOf(const Json& manifest, const std::string& target,
                     const std::string& path) {
  const Json* models = base::FindMember(manifest, "models");
  std::vector<std::string> names;
  if (models != nullptr && models->is_array()) {
    for (const Json& model : *models) {
      REVLM_ASSIGN_OR_RETURN(auto alias, base::GetString(model, "alias", path));
      if (alias && (*alias == target || models->size() == 1)) return model;
      names.push_back(std::move(alias).value_or(""));
    }
  }
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "reading the answers in {}: found {}, name one of "
                         "its models ({}) as TARGET, with --answers {}",
                         path, target.empty() ? "no name" : base::Quote(target),
                         fmt::join(names, ", "), path);
}

// Without the stop token that ended it, as `AnswerText` (verify/answers.h).
std::string TextOf(const OperationResult& result) {
  std::string_view text = result.text;
  if (result.finish_reason == "stop" &&
      text.ends_with(result.tokens.back().text)) {
    text.remove_suffix(result.tokens.back().text.size());
  }
  return std::string(text);
}

Status ReadRun(const std::string& path, const std::string& name,
               TargetAnswers& target) {
  REVLM_ASSIGN_OR_RETURN(const Json manifest, run::ReadManifest(path));
  const Json* state = base::FindMember(manifest, "state");
  if (state == nullptr || *state != Json("finished")) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "reading the answers in {}: the run is not "
                           "finished; the same command resumes it",
                           path);
  }
  REVLM_ASSIGN_OR_RETURN(const Json model, ModelOf(manifest, name, path));
  REVLM_ASSIGN_OR_RETURN(auto alias, base::GetString(model, "alias", path));
  REVLM_ASSIGN_OR_RETURN(auto tokenizer,
                         base::GetString(model, "tokenizer_sha256", path));
  target.alias = std::move(alias).value_or("");
  target.tokenizer_sha256 = std::move(tokenizer).value_or("");
  const Json& plan = manifest["plan"];
  REVLM_ASSIGN_OR_RETURN(target.decoding, DecodingOf(plan, path));
  REVLM_ASSIGN_OR_RETURN(target.special_tokens,
                         base::GetBool(plan, "special_tokens", path));
  const std::string results = path + "/" + run::kResultsName;
  REVLM_ASSIGN_OR_RETURN(const std::string content, ReadText(results));
  return base::ForEachLine(
      content, [&](std::string_view line, size_t number) -> Status {
        const std::string source = fmt::format("{}, line {}", results, number);
        REVLM_ASSIGN_OR_RETURN(const Json json, base::ParseJson(line, source));
        REVLM_ASSIGN_OR_RETURN(const OperationResult result,
                               run::ResultFromJson(json, source));
        if (result.model != target.alias) return {};
        if (result.error || result.tokens.empty()) {
          ++target.num_failed;
          return {};
        }
        GivenAnswer& answer = target.answers.emplace_back();
        answer.prompt = result.prompt;
        answer.text = TextOf(result);
        for (const TokenResult& token : result.tokens) {
          answer.token_ids.push_back(token.id);
        }
        target.places.push_back("reading " + source);
        return {};
      });
}

}  // namespace

bool IsRunDirectory(const std::string& target) {
  return base::KindOfPath(target + "/" + run::kManifestName) !=
         base::PathKind::kAbsent;
}

Result<TargetAnswers> ReadTargetAnswers(const VerifyTextOptions& options) {
  TargetAnswers target = {.alias = options.target,
                          .reference = options.answers,
                          .answers = options.given};
  if (!options.answers.empty()) {
    if (base::KindOfPath(options.answers) == base::PathKind::kDirectory) {
      if (!IsRunDirectory(options.answers)) {
        return base::MakeError(ErrorCode::kInvalidArgument,
                               "reading the answers in {}: found no {}; name "
                               "the directory of a run, or a file",
                               options.answers, run::kManifestName);
      }
      REVLM_TRY(ReadRun(options.answers, options.target, target));
    } else {
      REVLM_TRY(ReadFileOfAnswers(options.answers, target));
    }
  }
  if (target.alias.empty()) {
    target.alias =
        target.reference.empty() ? "target" : NameOf(target.reference);
  }
  if (target.answers.empty()) {
    return base::MakeError(
        ErrorCode::kInvalidArgument, "reading answers from {}: found none{}",
        target.reference.empty() ? "what was given" : target.reference,
        target.num_failed > 0
            ? fmt::format(", {} operations failed", target.num_failed)
            : "");
  }
  target.have_ids = std::ranges::none_of(
      target.answers,
      [](const GivenAnswer& answer) { return answer.token_ids.empty(); });
  return target;
}

}  // namespace revlm
