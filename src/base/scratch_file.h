// A file without a name, for what does not fit in memory: gone when closed,
// also when the process is killed.
//
// Threads: reads and writes of different ranges may run at once. Memory: none
// is left behind in the page cache: reads and writes go straight to the disk
// (O_DIRECT), or their pages are written and dropped at once where the
// filesystem refuses that. Errors: kUnavailable (the directory is not on a
// disk, the disk is full, I/O).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace revlm::base {

class ScratchFile {
 public:
  // Takes `size_bytes` on the disk of `directory` at once.
  static Result<ScratchFile> Create(const std::string& directory,
                                    uint64_t size_bytes);

  // Whether `directory` is on a disk: what is written to tmpfs or ramfs takes
  // the memory that it was to spare.
  static bool IsOnDisk(const std::string& directory);

  // For reading; `file().direct_alignment()` holds for writes as well.
  const File& file() const { return file_; }

  // REQUIRES: aligned as file().direct_alignment() says; within size_bytes.
  Status WriteAt(uint64_t offset, std::span<const std::byte> bytes) const;

 private:
  ScratchFile(int fd, File file) : fd_(fd), file_(std::move(file)) {}

  int fd_;  // file_'s
  File file_;
};

}  // namespace revlm::base
