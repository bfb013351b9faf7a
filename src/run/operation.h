// One operation on its way into the engine and out of it.
//
// Threads: pure functions. Errors: kInvalidArgument and kCorrupt (the prompt
// cannot be encoded), kUnavailable (a capture file cannot be written).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/engine.h"
#include "revlm/run.h"
#include "run/model.h"
#include "run/plan.h"

namespace revlm::run {

// The prompt's token ids. In chat form: those of the conversation that the
// model's template makes of it, and no others. As text: with the special tokens
// that the tokenizer's post-processor adds and, where tokenizer_config.json
// says add_bos_token, the beginning-of-sequence token in front unless it is
// there already; or with none of them.
Result<std::vector<int32_t>> EncodePrompt(const Model& model,
                                          std::string_view text,
                                          bool special_tokens);

engine::Request MakeRequest(const RunOptions& options, const std::string& key,
                            int32_t max_new_tokens,
                            std::vector<int32_t> prompt_token_ids);

// Fills in what the engine found. Hidden states go to `capture_file` of
// `run_dir`: tensor "hidden", F32, [layers + 1, positions, width].
Status FillResult(const Model& model, const std::string& run_dir,
                  const std::string& capture_file,
                  engine::Completion completion, OperationResult& result);

}  // namespace revlm::run
