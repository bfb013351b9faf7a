// What a worker process does: serves one model to the run that started it.
//
// Threads: thread-confined. Memory: that of run/session.h, and a message's.
// Errors: kUnavailable (the other end is gone: the work is over), kCorrupt (it
// speaks something else).
#pragma once

#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "run/session.h"

namespace revlm::run {

struct WorkerHooks {
  // Called before requests are run; may be empty. Tests let workers die there.
  std::function<void(const Session&)> before_run;
};

// Answers what comes through `socket` until the other end is gone.
Status ServeModel(base::Descriptor socket, const WorkerHooks& hooks);

}  // namespace revlm::run
