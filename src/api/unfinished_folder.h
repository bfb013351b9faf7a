// The folder `unfinished` in a comparison's directory: what it found so far,
// from which the same comparison goes on, and its scratch files
// (docs/decisions/0036-comparisons-go-on.md).
//
//   plan.json   everything that findings depend on
//   lock        held while the comparison is at work
//   and rows that are kept (verify/kept_rows.h), under keys that begin with the
//   digest of the plan
//
// Threads: thread-confined; held against other processes. Lifetime: the folder
// is removed by the destructor when nothing is kept in it, or nothing is needed
// any more. Errors: kInvalidArgument (of another plan, not such a folder),
// kUnavailable (in use, I/O, disk full), kCorrupt.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "verify/kept_rows.h"

namespace revlm {

inline constexpr char kUnfinishedName[] = "unfinished";

class UnfinishedFolder {
 public:
  // Whether the folder at `path` is of this plan, and nobody is at work in it.
  static bool IsFree(const std::string& path, const base::Json& plan);
  // Whether a comparison is not finished there, of whatever plan.
  static bool IsThere(const std::string& path);

  // Makes the folder, or goes on with it. What is in it and not of such a
  // folder is refused, and left as it is.
  static Result<UnfinishedFolder> Open(const std::string& path,
                                       const base::Json& plan);
  UnfinishedFolder(UnfinishedFolder&& other) noexcept;
  ~UnfinishedFolder();

  const std::string& path() const { return path_; }
  // Whether it was there, left by another process.
  bool is_resumed() const { return is_resumed_; }
  // How many findings are kept.
  size_t num_kept() const;
  // A name that begins with "_" is of no finding.
  verify::KeptAt At(const std::string& name) const;
  // Nothing in it is needed any more.
  void Finish() { is_finished_ = true; }

 private:
  UnfinishedFolder(std::string path, base::AppendFile lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  Status TakeUp(const std::string& plan);
  void RemoveScratch() const;

  std::string path_;  // empty once moved from
  std::optional<base::AppendFile> lock_;
  std::string plan_sha256_;
  bool is_resumed_ = false;
  bool is_finished_ = false;
};

}  // namespace revlm
