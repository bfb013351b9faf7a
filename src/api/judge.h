// From evidence to verdicts, for a comparison that is made and for one that is
// read.
//
// Threads: a pure function. Errors: kInvalidArgument for rules or values that
// mean nothing.
#pragma once

#include "api/comparison_directory.h"
#include "base/error.h"
#include "revlm/compare.h"

namespace revlm {

// Fills in the behaviour of each pair that can be compared (`scale` is
// there), from the values of its prompts in their order, or what texts say but
// for the winner's weights, and all verdicts.
Status Judge(const Evidence& evidence, Comparison& comparison);

}  // namespace revlm
