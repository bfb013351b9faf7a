// Exit codes: part of the interface, never changed.
//
//   0    done; of a comparison, SAME
//   1    DIFFERENT, or what --fail-on names
//   2    bad usage: options, prompt files, a model that is not there or cannot
//        be run, a run directory in use or of another plan
//   3    DERIVED
//   4    UNDECIDED; of identify: from no reference that is known
//   5    some operations failed, or the run had to stop (disk full, I/O);
//        what finished is kept
//   6    the memory limit is below the floor of the run
//   70   a bug in revlm
//   130, 143  stopped by SIGINT, SIGTERM; starting again resumes
#pragma once

#include "revlm/compare.h"
#include "revlm/error.h"
#include "revlm/run.h"

namespace revlm::cli {

inline constexpr int kDone = 0;
inline constexpr int kDifferent = 1;
inline constexpr int kBadUsage = 2;
inline constexpr int kDerived = 3;
inline constexpr int kUndecided = 4;
inline constexpr int kSomeFailed = 5;
inline constexpr int kMemoryTooSmall = 6;
inline constexpr int kInternalError = 70;

// `stop_signal` is the one that asked to stop; 0: none.
inline int ExitCode(const Error& error, int stop_signal) {
  switch (error.code) {
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kInvalidArgument:
      return kBadUsage;
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return kSomeFailed;
    case ErrorCode::kBudgetExceeded:
      return kMemoryTooSmall;
    case ErrorCode::kCancelled:
      return stop_signal == 0 ? kSomeFailed : 128 + stop_signal;
    case ErrorCode::kInternal:
      return kInternalError;
  }
  return kInternalError;
}

inline int ExitCode(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame:
      return kDone;
    case Verdict::kDerived:
      return kDerived;
    case Verdict::kDifferent:
      return kDifferent;
    case Verdict::kUndecided:
      return kUndecided;
  }
  return kInternalError;
}

inline int ExitCode(const RunSummary& summary, int stop_signal) {
  if (summary.stopped_by) return ExitCode(*summary.stopped_by, stop_signal);
  return summary.num_failed > 0 ? kSomeFailed : kDone;
}

}  // namespace revlm::cli
