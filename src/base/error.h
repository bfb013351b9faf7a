// Making and passing on errors inside the library. `revlm/error.h` is the
// vocabulary; this adds what only our sources need.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "revlm/error.h"

namespace revlm::base {

// Makes the error branch of any `Result`: return MakeError(kCorrupt, "...", x).
template <typename... Args>
std::unexpected<Error> MakeError(ErrorCode code,
                                 fmt::format_string<Args...> format,
                                 Args&&... args) {
  return std::unexpected<Error>(
      Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

// Puts "context: " in front of an error on its way up.
inline std::unexpected<Error> WithContext(Error error,
                                          const std::string& context) {
  error.message = context + ": " + error.message;
  return std::unexpected<Error>(std::move(error));
}

}  // namespace revlm::base

#define REVLM_CONCAT_INNER(a, b) a##b
#define REVLM_CONCAT(a, b) REVLM_CONCAT_INNER(a, b)

// Returns the error of `expression` (a Result or Status) from the enclosing
// function, or goes on.
#define REVLM_TRY(expression)                                                  \
  do {                                                                         \
    if (auto revlm_status = (expression); !revlm_status) {                     \
      return std::unexpected<::revlm::Error>(std::move(revlm_status).error()); \
    }                                                                          \
  } while (false)

// Declares or assigns `target` from the value of `expression`, or returns its
// error.
#define REVLM_ASSIGN_OR_RETURN(target, expression)                            \
  REVLM_ASSIGN_OR_RETURN_INNER(REVLM_CONCAT(revlm_result_, __LINE__), target, \
                               expression)
#define REVLM_ASSIGN_OR_RETURN_INNER(result, target, expression)       \
  auto result = (expression);                                          \
  if (!result) {                                                       \
    return std::unexpected<::revlm::Error>(std::move(result).error()); \
  }                                                                    \
  target = std::move(result).value()
