// ops.jsonl: what has finished, in order of completion.
//
// Append-only, one record a line (run/op_record.h). Whoever has the journal
// open has the run directory: a second process is refused. A last line that was
// not written to its end, because the process or the machine died, is dropped
// and cut off when the journal is opened.
//
// Opening it only looks at what frames the result of each line as Append writes
// it, so that a long run resumes at once; a line framed otherwise, and the last
// one, are read in full. Results are read when they are needed.
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

inline constexpr char kJournalName[] = "ops.jsonl";

// Where a record is.
struct JournalPlace {
  uint64_t offset = 0;
  uint64_t size_bytes = 0;  // of its line, without the line end; 0: nowhere
};

// A finished operation, without its result.
struct JournalEntry {
  std::string model;
  std::string key;
  bool has_failed = false;
  int32_t attempts = 1;
  JournalPlace place;
};
using TakeEntry = std::function<Status(JournalEntry)>;

// Calls `take` with each entry of `directory`/ops.jsonl, which another process
// may be writing. Returns the bytes of its whole lines.
Result<uint64_t> ReadEntries(const std::string& directory,
                             const TakeEntry& take);

class Journal {
 public:
  // Opens or creates `directory`/ops.jsonl and calls `take` with each entry
  // that it holds.
  static Result<Journal> Open(const std::string& directory,
                              const base::Clock& clock, const TakeEntry& take);

  // Appends a record. It survives this process at once and a power loss within
  // a second of further appends or at Sync. After an error the journal is as
  // before, as far as the system allows.
  Status Append(const OpRecord& record);
  Status Sync();

  // A record that was there when the journal was opened.
  Result<OpRecord> Read(const JournalPlace& place) const;

 private:
  Journal(base::AppendFile file, base::File before, const base::Clock& clock,
          uint64_t size_bytes)
      : file_(std::move(file)),
        before_(std::move(before)),
        clock_(&clock),
        synced_(clock.Monotonic()),
        size_bytes_(size_bytes) {}

  base::AppendFile file_;
  base::File before_;  // as it was when opened
  const base::Clock* clock_;
  std::chrono::nanoseconds synced_;
  uint64_t size_bytes_;  // of whole lines
};

}  // namespace revlm::run
