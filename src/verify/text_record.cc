#include "verify/text_record.h"

#include <algorithm>
#include <utility>

#include "run/op_record.h"
#include "verify/record_archive.h"

namespace revlm::verify {
namespace {

constexpr char kTextSchema[] = "revlm.text/1";

}  // namespace

template <typename Archive>
void Fields(Archive& archive, AnswerScore& score) {
  archive("num_tokens", score.num_tokens);
  archive("log_p", score.log_p);
  archive("log_ratios", score.log_ratios);
}

template <typename Archive>
void Fields(Archive& archive, RequestScores& scores) {
  archive("target", scores.target);
  archive("diluted", scores.diluted_log_ratios);
  archive("own", scores.own);
}

template <typename Archive>
void Fields(Archive& archive, TextLine& line) {
  archive("request_idx", line.request_idx);
  Fields(archive, line.scores);
  archive("fit", line.fit);
}

std::string TextToLine(const TextLine& line) {
  base::Json json = ToJson(line);
  json["schema"] = kTextSchema;
  return run::ToLine(json);
}

Result<TextLine> TextFromLine(std::string_view line,
                              const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const base::Json json, base::ParseJson(line, source));
  REVLM_TRY(CheckSchema(json, kTextSchema, source));
  return FromJson<TextLine>(json, source);
}

Result<TextScores> ScoresOf(const TextFinding& finding,
                            const std::string& source) {
  TextScores scores = {.reading = finding.reading,
                       .max_tokens = finding.max_tokens};
  for (const TextAlternative& alternative : finding.alternatives) {
    scores.alternatives.push_back({.name = alternative.name,
                                   .derivation = alternative.derivation,
                                   .nats = alternative.nats,
                                   .nats_error = alternative.nats_error,
                                   .dilution = alternative.dilution});
  }
  if (finding.fitted.empty()) return scores;
  const auto fitted = std::ranges::find(scores.alternatives, finding.fitted,
                                        &AlternativeFacts::name);
  if (fitted == scores.alternatives.end()) {
    return base::MakeError(ErrorCode::kCorrupt,
                           "{}: found {} fitted, which is no alternative",
                           source, finding.fitted);
  }
  scores.fit = {.alternative_idx =
                    static_cast<size_t>(fitted - scores.alternatives.begin())};
  return scores;
}

TextLine LineOf(const TextScores& scores, size_t i) {
  TextLine line = {.request_idx = static_cast<int64_t>(i),
                   .scores = scores.requests[i]};
  if (scores.fit) line.fit = scores.fit->requests[i];
  return line;
}

Status AddLine(TextLine line, const std::string& source, TextScores& scores) {
  const auto next = static_cast<int64_t>(scores.requests.size());
  if (line.request_idx != next ||
      line.fit.has_value() != scores.fit.has_value()) {
    return base::MakeError(
        ErrorCode::kCorrupt, "{}: found request {} {} fit, next is {} {} one",
        source, line.request_idx, line.fit ? "with a" : "without a", next,
        scores.fit ? "with" : "without");
  }
  scores.requests.push_back(std::move(line.scores));
  if (scores.fit) scores.fit->requests.push_back(*std::move(line.fit));
  return {};
}

}  // namespace revlm::verify
