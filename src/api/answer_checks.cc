#include "api/answer_checks.h"

#include <algorithm>
#include <string>

#include "engine/model.h"

namespace revlm {
namespace {

Status CheckIds(const OpenedModel& reference, const engine::ModelSpec& spec,
                const verify::TokenIds& ids, size_t num_allowed,
                const std::string& place) {
  for (const int32_t id : ids) {
    if (id >= 0 && id < spec.vocab_size) continue;
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "{}: found token id {}, those of {} are 0 to {}; give ids of its "
        "tokenizer, or the text",
        place, id, reference.alias, spec.vocab_size - 1);
  }
  const bool is_ended =
      !ids.empty() && std::ranges::binary_search(spec.stop_tokens, ids.back());
  if (ids.size() >= num_allowed || is_ended) return {};
  const std::string end = spec.stop_tokens.empty()
                              ? ""
                              : fmt::format(" (of {}: {})", reference.alias,
                                            fmt::join(spec.stop_tokens, ", "));
  return base::MakeError(
      ErrorCode::kInvalidArgument,
      "{}: found {} token ids where {} were allowed, and the last is no end of "
      "sequence{}; add the token that ended the answer, or give the text",
      place, ids.size(), num_allowed, end);
}

Status CheckDecoding(const verify::Decoding& decoding) {
  if (decoding.temperature <= 0) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "verifying by text: found temperature 0, at which an answer shows only "
        "what is most probable; ask the target at temperature 1");
  }
  if (!(decoding.temperature <= 100 && decoding.top_p > 0 &&
        decoding.top_p <= 1 && decoding.top_k >= 0 &&
        decoding.max_new_tokens >= 1)) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "verifying by text: found --max-tokens {}, --temperature {}, --top-k "
        "{} and --top-p {}; allowed are 1 and more, at most 100, 0 and more, "
        "and up to 1",
        decoding.max_new_tokens, decoding.temperature, decoding.top_k,
        decoding.top_p);
  }
  return {};
}

}  // namespace

Result<verify::Decoding> DecodingOf(const VerifyTextOptions& options,
                                    const TargetAnswers* answers) {
  verify::Decoding decoding = {.max_new_tokens = kDefaultAnswerTokens};
  if (answers != nullptr && answers->decoding) {
    if (options.max_tokens || options.temperature || options.top_k ||
        options.top_p) {
      return base::MakeError(
          ErrorCode::kInvalidArgument,
          "verifying the answers in {}: the run says how they were drawn; "
          "leave out --max-tokens, --temperature, --top-k and --top-p",
          answers->reference);
    }
    decoding = *answers->decoding;
  } else if (answers != nullptr && !options.max_tokens) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "verifying the answers of {}: how long they were allowed to be is not "
        "known; give --max-tokens as the target was asked with",
        answers->alias);
  }
  decoding.max_new_tokens =
      options.max_tokens.value_or(decoding.max_new_tokens);
  decoding.temperature = static_cast<float>(
      options.temperature.value_or(static_cast<double>(decoding.temperature)));
  decoding.top_k = options.top_k.value_or(decoding.top_k);
  decoding.top_p = static_cast<float>(
      options.top_p.value_or(static_cast<double>(decoding.top_p)));
  REVLM_TRY(CheckDecoding(decoding));
  return decoding;
}

int32_t RoomFor(const OpenedModel& reference, size_t num_prompt_tokens,
                int32_t max_new_tokens) {
  const int64_t left = reference.model.checkpoint->config().max_positions -
                       static_cast<int64_t>(num_prompt_tokens);
  return static_cast<int32_t>(
      std::clamp<int64_t>(left, 0, std::max(max_new_tokens, 0)));
}

Status CheckAnswers(const OpenedModel& reference, const TargetAnswers& answers,
                    std::span<const verify::TextSample> samples,
                    const verify::Decoding& decoding) {
  REVLM_ASSIGN_OR_RETURN(const engine::ModelSpec spec,
                         engine::DescribeModel(*reference.model.checkpoint));
  for (size_t i = 0; i < samples.size(); ++i) {
    const std::string place =
        i < answers.places.size()
            ? answers.places[i]
            : fmt::format("verifying the answers of {}: answer {}",
                          answers.alias, i + 1);
    const auto num_allowed = static_cast<size_t>(
        RoomFor(reference, samples[i].prompt.size(), decoding.max_new_tokens));
    const auto* const ids = std::get_if<verify::TokenIds>(&samples[i].answer);
    size_t num_tokens = 0;
    size_t num_possible = num_allowed;
    if (ids != nullptr) {
      num_tokens = ids->size();
    } else {
      REVLM_ASSIGN_OR_RETURN(const auto read,
                             reference.model.tokenizer->Encode(
                                 std::get<std::string>(samples[i].answer),
                                 tokenizer::SpecialTokens::kOmit));
      num_tokens = read.size();
      num_possible *= 4;  // a part of a character is three bytes of U+FFFD
    }
    if (num_tokens > num_possible) {
      return base::MakeError(
          ErrorCode::kInvalidArgument,
          "{}: found {} tokens, --max-tokens {} and the context allow {}; give "
          "what the target was asked with",
          place, num_tokens, decoding.max_new_tokens, num_allowed);
    }
    if (ids != nullptr) {
      REVLM_TRY(CheckIds(reference, spec, *ids, num_allowed, place));
    }
  }
  return {};
}

}  // namespace revlm
