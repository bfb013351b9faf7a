// Values of the library as Python's, and the other way.
//
// REQUIRES: the interpreter's lock is held, except for LogNotice.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <type_traits>
#include <utility>

#include "revlm/parallel.h"

namespace revlm::python {

// Raises the exception of revlm/_errors.py that says this.
[[noreturn]] void Raise(const Error& error);

// The value, or its error raised.
template <typename T>
T Unwrap(Result<T> result) {
  if (!result) Raise(result.error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

pybind11::dict ToDict(const MemorySnapshot& snapshot);
pybind11::dict ToDict(const ExecutorStatus& status);
pybind11::dict ToDict(const BatchResult& batch);

Mode ModeFrom(const std::string& name);

// Tells a notice to logging.getLogger("revlm"). Any thread.
void LogNotice(const RunEvent& event);

}  // namespace revlm::python
