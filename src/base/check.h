// Checks of our own invariants, in all builds. Never for input: a bad file or
// argument is an `Error`, not a failed check.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace revlm::base {

[[noreturn]] inline void CheckFailed(const char* file, int line,
                                     const char* belief) {
  std::fprintf(stderr, "revlm: internal error at %s:%d: expected %s\n", file,
               line, belief);
  std::abort();
}

}  // namespace revlm::base

#define REVLM_CHECK(condition)        \
  ((condition) ? static_cast<void>(0) \
               : ::revlm::base::CheckFailed(__FILE__, __LINE__, #condition))
