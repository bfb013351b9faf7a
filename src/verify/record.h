// What a comparison keeps (docs/formats/comparison.md).
//
//   verdicts.json   what was found, one document
//   evidence.jsonl  one line for each pair and prompt:
//                   {"schema": "revlm.evidence/1", "a", "b": ALIAS,
//                    "prompt_idx", "prompt": ID, "num_positions", "nats",
//                    "mirror_nats"}
//
// Members are in byte order of name, and numbers the shortest that read back:
// what is read is what was written, bit for bit.
//
// Threads: pure functions. Errors: kCorrupt, naming `source`.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "revlm/compare.h"
#include "verify/behaviour.h"

namespace revlm::verify {

inline constexpr char kVerdictsName[] = "verdicts.json";
inline constexpr char kEvidenceName[] = "evidence.jsonl";
inline constexpr char kVerdictsSchema[] = "revlm.verdicts/1";

// All but what is of one call: run_dir and seconds.
base::Json ComparisonToJson(const Comparison& comparison);
Result<Comparison> ComparisonFromJson(const base::Json& json,
                                      const std::string& source);

// Of a pair, without the rest.
base::Json WeightFindingToJson(const WeightFinding& finding);
Result<WeightFinding> WeightFindingFromJson(const base::Json& json,
                                            const std::string& source);

struct EvidenceLine {
  std::string a;  // aliases
  std::string b;
  int64_t prompt_idx = 0;
  std::string prompt;  // id
  PromptDivergence divergence;
};

std::string EvidenceToLine(const EvidenceLine& line);
Result<EvidenceLine> EvidenceFromLine(std::string_view line,
                                      const std::string& source);

}  // namespace revlm::verify
