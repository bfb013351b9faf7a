// Turns SIGINT and SIGTERM into requests: the first one drains, the second one
// stops, and a third ends the process at once. What has nothing to drain is
// stopped by the first and ended by the second. The same one again within a
// tenth of a second is no further one: `timeout` signals a process, and then
// its group.
//
// The signals are blocked in all threads and awaited by one of their own, so
// nothing runs in a signal handler. SIGPIPE and SIGXFSZ are ignored: what they
// would say comes back as an error of the write.
#pragma once

#include <stop_token>

namespace revlm::cli {

enum class FirstSignal { kDrains, kStops };

// REQUIRES: called once, before any other thread is started.
void StartSignals(FirstSignal first);

// Requested by the first signal, if that drains.
std::stop_token SignalDrain();

// Requested by the signal that stops.
std::stop_token SignalStop();

// The last signal so far; 0: none.
int StopSignal();

}  // namespace revlm::cli
