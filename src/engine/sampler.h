// Choosing the next token from logits.
//
// Order of the steps, as is usual: divide by the temperature, keep the top_k
// most probable, of those keep the smallest set with probability top_p at
// least, draw. Ties go to the lowest id. The n-th draw of a seed is a pure
// function of seed and n (base/random.h).
//
// Threads: pure function. REQUIRES: temperature > 0. Errors: none; when logits
// hold no number at all, token 0.
#pragma once

#include <cstdint>
#include <span>

#include "engine/engine.h"

namespace revlm::engine {

int32_t SampleToken(std::span<const float> logits, const Sampling& sampling,
                    uint64_t draw_idx);

}  // namespace revlm::engine
