// What a run keeps of each finished operation, as JSON.
//
// A line of results.jsonl is one result; a line of ops.jsonl is a result with
// when it finished (docs/formats/run-directory.md):
//
//   record = {"schema": "revlm.op/1", "key": HEX64, "model": ALIAS,
//             "finished": RFC3339, "seconds": NUMBER, "result": result
//             [, "attempts": NUMBER]}
//   result = {"schema": "revlm.result/1", "model", "reference", "id", "key",
//             "prompt", "prompt_token_ids", "text", "tokens",
//             "finish_reason"[, "prompt_tokens"][, "capture"]}
//          | {"schema": "revlm.result/1", "model", "reference", "id", "key",
//             "prompt", "prompt_token_ids", "error": {"code", "message"}}
//
// Members are in byte order of name and floats the shortest that read back, so
// a result is the same bytes wherever and whenever it is written.
//
// Threads: pure functions. Errors: kCorrupt.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "revlm/run.h"

namespace revlm::run {

// As one JSON object, without a line end. Beside the text, takes memory for one
// token at a time.
void AppendResult(const OperationResult& result, std::string& out);
// The same, as one line with its line end.
std::string ResultToLine(const OperationResult& result);
Result<OperationResult> ResultFromJson(const base::Json& json,
                                       const std::string& source);

struct OpRecord {
  OperationResult result;
  std::string finished;  // RFC 3339, UTC
  double seconds = 0;    // since the run was started
};

// One line with its line end.
std::string RecordToLine(const OpRecord& record);
Result<OpRecord> RecordFromLine(std::string_view line,
                                const std::string& source);

// One line of JSON with its line end. Text that is not UTF-8 (a path may be
// anything) has U+FFFD in place of the bytes that are not.
std::string ToLine(const base::Json& json);

// "invalid_argument" and so on: the codes of `Error` as written in files.
std::string_view ErrorCodeName(ErrorCode code);

}  // namespace revlm::run
