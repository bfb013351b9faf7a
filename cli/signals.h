// Turns SIGINT and SIGTERM into a request to stop; the second one ends the
// process at once. The same one again within a tenth of a second is no second
// one: `timeout` signals a process, and then its group.
//
// The signals are blocked in all threads and awaited by one of their own, so
// nothing runs in a signal handler. SIGPIPE and SIGXFSZ are ignored: what they
// would say comes back as an error of the write.
#pragma once

#include <stop_token>

namespace revlm::cli {

// REQUIRES: called once, before any other thread is started.
void StartSignals();

// Requested to stop by the first signal.
std::stop_token SignalStop();

// The first signal so far; 0: none.
int StopSignal();

}  // namespace revlm::cli
