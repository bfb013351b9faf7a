#include "challenge/prompt_file.h"

#include <functional>
#include <map>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/lines.h"
#include "base/quote.h"
#include "base/utf8.h"

namespace revlm::challenge {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string Place(const std::string& path, size_t line_number) {
  return fmt::format("reading prompts from {}, line {}", path, line_number);
}

// Calls `take` with each line that is not blank, its number counted from 1.
Status ForEachLine(
    std::string_view content, const std::string& path,
    const PromptLimits& limits,
    const std::function<Status(std::string_view, size_t)>& take) {
  if (content.starts_with(kByteOrderMark)) {
    content.remove_prefix(kByteOrderMark.size());
  }
  return base::ForEachLine(
      content, [&](std::string_view line, size_t number) -> Status {
        if (line.size() > limits.max_line_bytes) {
          return base::MakeError(
              ErrorCode::kInvalidArgument,
              "{}: found {} bytes, allowed are {} a line; shorten the prompt",
              Place(path, number), line.size(), limits.max_line_bytes);
        }
        if (!base::IsValidUtf8(line)) {
          return base::MakeError(ErrorCode::kInvalidArgument,
                                 "{}: found bytes that are not UTF-8; save the "
                                 "file as UTF-8",
                                 Place(path, number));
        }
        if (line.find_first_not_of(" \t") == std::string_view::npos) return {};
        return take(line, number);
      });
}

Status Keep(Prompt prompt, const std::string& path, size_t line_number,
            const PromptLimits& limits, std::vector<Prompt>& prompts) {
  if (prompts.size() >= limits.max_prompts) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "{}: found more than {} prompts, allowed are that "
                           "many; split the file",
                           Place(path, line_number), limits.max_prompts);
  }
  prompts.push_back(std::move(prompt));
  return {};
}

Result<Prompt> ParseJsonPrompt(std::string_view line, const std::string& place,
                               const PromptLimits& limits) {
  REVLM_ASSIGN_OR_RETURN(const base::Json object, base::ParseJson(line, place));
  if (!object.is_object()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "{}: found no JSON object, allowed is one like "
                           "{{\"prompt\": \"Hello\"}}",
                           place);
  }
  Prompt prompt;
  REVLM_ASSIGN_OR_RETURN(auto text, base::GetString(object, "prompt", place));
  if (!text) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "{}: found no \"prompt\"; add one", place);
  }
  prompt.text = *std::move(text);
  REVLM_ASSIGN_OR_RETURN(auto id, base::GetString(object, "id", place));
  if (id && (id->empty() || id->size() > limits.max_id_bytes)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "{}: \"id\" has {} bytes, allowed are 1 to {}",
                           place, id->size(), limits.max_id_bytes);
  }
  prompt.id = std::move(id).value_or("");
  REVLM_ASSIGN_OR_RETURN(
      const auto max_tokens,
      base::GetInt(object, "max_tokens", {.min = 0, .max = INT32_MAX}, place));
  if (max_tokens) prompt.max_tokens = static_cast<int32_t>(*max_tokens);
  REVLM_ASSIGN_OR_RETURN(
      const auto priority,
      base::GetInt(object, "priority", {.min = INT32_MIN, .max = INT32_MAX},
                   place));
  if (priority) prompt.priority = static_cast<int32_t>(*priority);
  return prompt;
}

}  // namespace

Result<std::vector<Prompt>> ParsePromptText(std::string_view content,
                                            const std::string& path,
                                            const PromptLimits& limits) {
  std::vector<Prompt> prompts;
  REVLM_TRY(ForEachLine(
      content, path, limits, [&](std::string_view line, size_t number) {
        Prompt prompt;
        prompt.text = line;
        return Keep(std::move(prompt), path, number, limits, prompts);
      }));
  return prompts;
}

Result<std::vector<Prompt>> ParsePromptJsonLines(std::string_view content,
                                                 const std::string& path,
                                                 const PromptLimits& limits) {
  std::vector<Prompt> prompts;
  std::map<std::string, size_t> line_of_id;
  REVLM_TRY(ForEachLine(
      content, path, limits,
      [&](std::string_view line, size_t number) -> Status {
        const std::string place = Place(path, number);
        auto prompt = ParseJsonPrompt(line, place, limits);
        if (!prompt) {
          // A bad line is the caller's mistake, however it is bad.
          return base::MakeError(ErrorCode::kInvalidArgument, "{}",
                                 prompt.error().message);
        }
        if (!prompt->id.empty()) {
          const auto [other, is_new] = line_of_id.emplace(prompt->id, number);
          if (!is_new) {
            return base::MakeError(
                ErrorCode::kInvalidArgument,
                "{}: id {} is also that of line {}; ids must differ", place,
                base::Quote(prompt->id), other->second);
          }
        }
        return Keep(*std::move(prompt), path, number, limits, prompts);
      }));
  return prompts;
}

Result<std::vector<Prompt>> ReadPromptFile(const std::string& path,
                                           const PromptLimits& limits) {
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(path, base::Caching::kPageCache));
  if (file.size_bytes() > limits.max_file_bytes) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "reading prompts from {}: found {} bytes, allowed are {}; split the "
        "file",
        path, file.size_bytes(), limits.max_file_bytes);
  }
  REVLM_ASSIGN_OR_RETURN(const std::string content,
                         base::ReadWholeFile(file, limits.max_file_bytes));
  REVLM_ASSIGN_OR_RETURN(std::vector<Prompt> prompts,
                         path.ends_with(".jsonl")
                             ? ParsePromptJsonLines(content, path, limits)
                             : ParsePromptText(content, path, limits));
  if (prompts.empty()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "reading prompts from {}: found none; put one on "
                           "each line",
                           path);
  }
  return prompts;
}

}  // namespace revlm::challenge
