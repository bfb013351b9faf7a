// Prompt system hierarchical, led by uncertainty: the leaves of the taxonomy
// breadth first until something was learnt, then those first whose mean
// information is known least (`LeavesByUncertainty`), anew after each lesson.
// Prompts of every system tell about the leaves that they touch (coverage.h).
//
// Threads, errors: as proposer.h says. Memory: a few KiB, and 32 bytes for each
// prompt proposed. Determinism: of key and lessons in their order.
#pragma once

#include <memory>

#include "challenge/draw.h"
#include "challenge/proposer.h"

namespace revlm::challenge {

std::shared_ptr<Proposer> MakeHierarchicalProposer(const Key& session_key);

}  // namespace revlm::challenge
