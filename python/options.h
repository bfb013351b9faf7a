// Options as the Python layer gives them: a dict with every member there.
//
// REQUIRES: the interpreter's lock is held. Errors: RevUsageError is raised for
// a value of another kind or out of its range.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <string>

#include "python/convert.h"

namespace revlm::python {

// The argument `name`, or RevUsageError.
template <typename T>
T As(const pybind11::object& value, const char* name) {
  try {
    return value.cast<T>();
  } catch (const pybind11::cast_error&) {
    Raise({.code = ErrorCode::kInvalidArgument,
           .message =
               pybind11::str("{}: found {!r}, which is of another kind or out "
                             "of its range")
                   .format(name, value)
                   .cast<std::string>()});
  }
}

// The member `name` of the options.
template <typename T>
T Get(const pybind11::dict& from, const char* name) {
  return As<T>(from[name], name);
}

// The member `memory_limit_gb`, in bytes; absent: None.
inline std::optional<uint64_t> LimitFrom(const pybind11::dict& from) {
  const auto gibibytes = Get<std::optional<double>>(from, "memory_limit_gb");
  if (!gibibytes) return std::nullopt;
  if (!(*gibibytes > 0 && *gibibytes <= kMaxGibibytes)) {
    Raise({.code = ErrorCode::kInvalidArgument,
           .message = "memory_limit_gb: allowed is more than 0 and at most "
                      "1000000"});
  }
  return static_cast<uint64_t>(*gibibytes * (1 << 30));
}

}  // namespace revlm::python
