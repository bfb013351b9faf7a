// What a comparison by texts keeps (docs/formats/comparison.md), enough to
// weigh it again without the models.
//
//   texts.jsonl    one line for each request: {"schema": "revlm.text/1",
//                  "request_idx", "target": SCORE, "diluted": [NUMBER, ...],
//                  "own": [SCORE, ...], "fit": null or {"target": SCORE,
//                  "own"}}
//   SCORE          {"num_tokens", "log_p", "log_ratios": [NUMBER, ...]}
//
// What does not belong to a request (`TextAlternative`) is in verdicts.json.
//
// Threads: pure functions. Errors: kCorrupt, naming `source`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "revlm/compare.h"
#include "verify/text_evidence.h"

namespace revlm::verify {

inline constexpr char kTextsName[] = "texts.jsonl";

struct TextLine {
  int64_t request_idx = 0;
  RequestScores scores;
  std::optional<RequestScores> fit;  // of Fit, the same request
};

std::string TextToLine(const TextLine& line);
Result<TextLine> TextFromLine(std::string_view line, const std::string& source);

// What `finding` knows of scores; lines are to be added.
Result<TextScores> ScoresOf(const TextFinding& finding,
                            const std::string& source);
// Line `i` of the scores, and the next line put to them.
TextLine LineOf(const TextScores& scores, size_t i);
Status AddLine(TextLine line, const std::string& source, TextScores& scores);

}  // namespace revlm::verify
