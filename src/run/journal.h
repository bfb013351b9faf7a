// ops.jsonl: what has finished, in order of completion.
//
// Append-only, one record a line (run/op_record.h). Whoever has the journal
// open has the run directory: a second process is refused. A last line that was
// not written to its end, because the process or the machine died, is dropped
// and cut off when the journal is opened.
//
// Threads: thread-compatible. Lifetime: borrows the clock. Memory: one line.
// Errors: kUnavailable (I/O, disk full), kInvalidArgument (in use), kCorrupt (a
// line before the last that makes no sense).
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "run/op_record.h"

namespace revlm::run {

class Journal {
 public:
  // Opens or creates `directory`/ops.jsonl and calls `take` with each record
  // that it holds.
  static Result<Journal> Open(const std::string& directory,
                              const base::Clock& clock,
                              const std::function<Status(OpRecord)>& take);

  // Appends a record. It survives this process at once and a power loss within
  // a second of further appends or at Sync. After an error the journal is as
  // before, as far as the system allows.
  Status Append(const OpRecord& record);
  Status Sync();

 private:
  Journal(base::AppendFile file, const base::Clock& clock, uint64_t size_bytes)
      : file_(std::move(file)),
        clock_(&clock),
        synced_(clock.Monotonic()),
        size_bytes_(size_bytes) {}

  base::AppendFile file_;
  const base::Clock* clock_;
  std::chrono::nanoseconds synced_;
  uint64_t size_bytes_;  // of whole lines
};

}  // namespace revlm::run
