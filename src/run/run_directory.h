// The directory of one run (docs/formats/run-directory.md): which one, whether
// it may be used, and its manifest.
//
//   `output_dir` given: that one. New, empty, or an earlier start of the same
//   plan; anything else is refused.
//   otherwise: the one that `runs_dir`/latest leads to, when it is unfinished,
//   of the same plan and not in use; else a new one, and the link is moved.
//
// Of a model that cannot be opened now, plans are compared by its reference.
//
// Threads: thread-compatible. Lifetime: borrows the clock; holds the directory
// against other processes. Errors: kInvalidArgument (in use, of another plan,
// not a run's directory), kUnavailable (I/O, disk full), kCorrupt.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "revlm/run.h"
#include "run/journal.h"

namespace revlm::run {

class RunDirectory {
 public:
  static Result<RunDirectory> Open(const RunOptions& options,
                                   const base::Json& plan,
                                   const base::Clock& clock);

  const std::string& path() const { return path_; }
  // What earlier starts finished, in order of completion; not kept here then.
  std::vector<JournalEntry> TakeEntries() { return std::move(entries_); }
  Journal& journal() { return journal_; }

  // Null until written by this start or an earlier one.
  const base::Json& manifest() const { return manifest_; }
  // Its results are written down.
  bool is_finished() const;

  // Appends what the adaptive run decided to adaptive.jsonl.
  Status LogDecision(const base::Json& decision);

  Status WriteManifest(base::Json manifest);

  // What a process of the run that is no more left half-written.
  void RemoveTemporaryFilesOf(int64_t pid) const;

 private:
  RunDirectory(std::string path, Journal journal)
      : path_(std::move(path)), journal_(std::move(journal)) {}

  static Result<RunDirectory> OpenAt(const std::string& path,
                                     const base::Clock& clock);

  std::string path_;
  Journal journal_;
  std::vector<JournalEntry> entries_;
  base::Json manifest_;
  std::optional<base::AppendFile> decisions_;  // once there is one
};

// The manifest of the run that `RunDirectory::Open` would go on with; null when
// there is none. Of a given directory, whatever its plan is.
Result<base::Json> FindEarlier(const RunOptions& options,
                               const base::Json& plan);

// A new directory in `runs_dir`, named by the time.
Result<std::string> CreateRunDirectory(const std::string& runs_dir,
                                       const base::Clock& clock);
// Makes `runs_dir`/latest lead to `path`. Only a convenience: a `latest` that
// is no link stays.
void LinkLatest(const std::string& runs_dir, const std::string& path);

// Refuses a directory that is neither a run's nor empty.
Status CheckUsable(const std::string& path);
// The manifest in a directory; null when there is none yet.
Result<base::Json> ReadManifest(const std::string& directory);

// Names of files in a run's directory.
inline constexpr char kManifestName[] = "manifest.json";
inline constexpr char kManifestSchema[] = "revlm.manifest/1";
inline constexpr char kResultsName[] = "results.jsonl";
inline constexpr char kDecisionsName[] = "adaptive.jsonl";
inline constexpr char kCapturesName[] = "captures";

}  // namespace revlm::run
