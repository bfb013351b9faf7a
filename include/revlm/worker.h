// The private program revlm-worker, in which a run keeps one model.
//
// Not for users of the library: revlm::Run starts it, and it talks to nobody
// else.
#pragma once

#include <string>

#include "revlm/error.h"

namespace revlm {

// revlm-worker beside the file that this library was loaded from: a shared
// object, or the program itself; else where private programs are installed.
// Empty when there is none.
std::string FindWorkerProgram();

// The main of revlm-worker: works for the process that started this one, until
// that is gone. For a program's own process: its heap is tuned and fenced. An
// error is one of what came through the descriptor that was inherited.
Status ServeWorker();

}  // namespace revlm
