// Whether a target's answers can be what they are said to be. Token ids that
// the reference could not have drawn so make every test meaningless: an answer
// without the token that ended it is one that nobody drew.
//
// Threads: pure functions. Errors: kInvalidArgument, naming the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "api/compared_models.h"
#include "api/text_answers.h"
#include "base/error.h"
#include "revlm/verify_text.h"
#include "verify/answers.h"
#include "verify/text.h"

namespace revlm {

// How answers were drawn, or will be: as declared beside, or instead of, what a
// run says of itself. `answers` null: the target has not answered yet.
Result<verify::Decoding> DecodingOf(const VerifyTextOptions& options,
                                    const TargetAnswers* answers);

// The most tokens that an answer to `num_prompt_tokens` can have, of the
// reference's context and what is allowed; 0: none fits.
int32_t RoomFor(const OpenedModel& reference, size_t num_prompt_tokens,
                int32_t max_new_tokens);

// Refuses ids that the reference has not, more than can have been drawn, and
// fewer, where neither a stop token nor a full context ended them. Of text, far
// more than can have been drawn.
Status CheckAnswers(const OpenedModel& reference, const TargetAnswers& answers,
                    std::span<const verify::TextSample> samples,
                    const verify::Decoding& decoding);

}  // namespace revlm
