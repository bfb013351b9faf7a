// A long call that neither keeps other Python threads from running nor Ctrl-C
// from working.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>

namespace revlm::python {

// How long a signal waits for its Python handler.
inline constexpr std::chrono::milliseconds kSignalPoll{20};

// What `call` returns, from a thread of its own. Meanwhile this thread waits
// without the interpreter's lock and, if it is the main thread, lets Python's
// signal handlers run. Once one raises (KeyboardInterrupt), `stop`
// is requested, the call is waited for, and the exception goes on.
template <typename Call>
auto Interruptible(std::stop_source& stop, Call call) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<decltype(call())> result;
  std::exception_ptr thrown;
  bool is_done = false;
  std::optional<pybind11::error_already_set> raised;
  {
    const pybind11::gil_scoped_release released;
    std::jthread worker([&] {
      try {
        result.emplace(call());
      } catch (...) {  // memory ran out
        thrown = std::current_exception();
      }
      const std::scoped_lock lock(mutex);
      is_done = true;
      changed.notify_one();
    });
    std::unique_lock lock(mutex);
    const pid_t pid = getpid();
    const auto has_come_back = [&] { return is_done; };
    if (gettid() != getpid()) changed.wait(lock, has_come_back);
    while (!changed.wait_for(lock, kSignalPoll, has_come_back)) {
      lock.unlock();
      {
        const pybind11::gil_scoped_acquire acquired;
        const bool has_raised = PyErr_CheckSignals() != 0;
        if (getpid() != pid) {
          // A handler forked. Here there is no such thread to wait for.
          worker.detach();
          if (has_raised) throw pybind11::error_already_set();
          throw std::runtime_error(
              "a call of the process that this one was forked from");
        }
        if (has_raised) {
          // The first is the one to tell; its end is on the way.
          pybind11::error_already_set error;
          if (!raised) raised.emplace(std::move(error));
          stop.request_stop();
        }
      }
      lock.lock();
    }
  }
  if (raised) throw pybind11::error_already_set(*raised);
  if (thrown) std::rethrow_exception(thrown);
  return *std::move(result);
}

}  // namespace revlm::python
