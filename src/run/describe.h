// Asks workers about models: what they are, how their prompts are encoded, and
// what they need. Part of the preparation of a run (run/preparation.h).
//
// Threads: thread-confined. Memory: one worker at a time, and a list of token
// ids of its model. Errors: those of starting workers; of one model alone those
// of its files, and kUnavailable when its worker keeps dying.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "run/preparation.h"
#include "run/worker.h"

namespace revlm::run {

// Fills in `prepared.work`, which has one entry for each model that is asked.
// Keeps the worker of the model that runs first. Of several models, what is
// wrong with one becomes its `cannot_open`.
Status DescribeModels(Preparation& prepared);

// The message that opens a model in a worker of this run.
OpenModel MakeOpenModel(const Preparation& prepared,
                        const std::string& reference);

// How its engine would spend what it gets. Opens a worker when none is open;
// none is when it ends.
Result<engine::RunPlan> PlanModel(const Preparation& prepared, ModelWork& work);

// Hands a list of operations to a worker.
Status SendRequests(Worker& worker, const std::vector<Operation*>& operations);

}  // namespace revlm::run
