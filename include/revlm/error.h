// Errors are values: every call that can fail returns `Result<T>`, which is
// either the value or an `Error`. Nothing in the library throws, prints or
// exits.
//
// Callers branch on `code`, never on `message`. A message reads: doing what, to
// what: found what, allowed what; try what.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace revlm {

enum class ErrorCode {
  kNotFound,         // a file, model or revision does not exist
  kCorrupt,          // a file is damaged or breaks its format
  kUnsupported,      // valid, but of a kind this version does not handle
  kInvalidArgument,  // the caller asked for something meaningless
  kBudgetExceeded,   // the memory allowed cannot hold it
  kUnavailable,      // the environment refused: I/O error, in use, disk full
  kTimeout,          // took longer than allowed
  kCancelled,        // stopped on request
  kInternal,         // a bug in this library
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

// A value or an error. Dropping one is a compiler warning.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

using Status = Result<void>;

}  // namespace revlm
