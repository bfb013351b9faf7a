// Files: the only code of the library that opens, reads and writes them.
//
// Reading. A `Directory` is a held descriptor; files are opened relative to it
// and, with `Beneath`, cannot lead outside it (openat2 RESOLVE_BENEATH |
// RESOLVE_NO_MAGICLINKS, or an equivalent walk where the kernel lacks it). A
// `File` is open for reading; its size and identity were taken once, when it
// was opened, and reads beyond that size are errors, so a file that shrinks is
// noticed.
//
// Writing. Everything but append-only logs is written to a temporary file,
// synced and renamed, so a reader sees the old bytes or the new ones. Little of
// what is written stays in the page cache, which would count as this process's
// memory.
//
// Threads: `File::ReadAt` may be called from many threads at once; the rest is
// thread-compatible. Memory: buffers are the caller's, except ReadWholeFile.
// Errors: kNotFound, kUnavailable (the system refused, with its reason),
// kCorrupt (a file shorter than it was).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace revlm::base {

// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Says whether a file is still the one seen before.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;

  bool operator==(const FileIdentity&) const = default;
};

enum class Caching {
  kPageCache,  // ordinary reads
  // O_DIRECT where the filesystem allows it; elsewhere the pages that a read
  // brought are dropped at once. Nothing stays in the page cache either way.
  kDirect,
};

// No file asks direct reads to be aligned to more.
inline constexpr uint32_t kMaxDirectAlignment = 4096;

// Room for `size_bytes` from anywhere in a file: direct reads begin and end at
// multiples of the file's alignment.
constexpr uint64_t UnalignedReadBytes(uint64_t size_bytes) {
  return AlignUp(size_bytes, kMaxDirectAlignment) + kMaxDirectAlignment;
}

class File {
 public:
  File(Descriptor fd, std::string path, FileIdentity identity,
       uint32_t direct_alignment, Caching caching)
      : fd_(std::move(fd)),
        path_(std::move(path)),
        identity_(identity),
        direct_alignment_(direct_alignment),
        caching_(caching) {}

  // The path it was opened by, for messages.
  const std::string& path() const { return path_; }
  uint64_t size_bytes() const { return identity_.size_bytes; }
  const FileIdentity& identity() const { return identity_; }

  // What offset, length and address of a read must be multiples of, when the
  // file was opened with Caching::kDirect and the filesystem allows it; 1
  // otherwise.
  uint32_t direct_alignment() const { return direct_alignment_; }

  // Fills `out` from `offset`, except for what lies beyond the end of the file.
  // Returns the bytes read: out.size() or up to the end.
  Result<size_t> ReadAt(uint64_t offset, std::span<std::byte> out) const;

  // Reads bytes `offset` to `offset + size_bytes` from wherever they lie, by
  // way of `buffer`: returns where in it they begin. REQUIRES: they are in the
  // file; `buffer` is aligned to kMaxDirectAlignment and has
  // UnalignedReadBytes.
  Result<const std::byte*> ReadUnaligned(uint64_t offset, uint64_t size_bytes,
                                         std::span<std::byte> buffer) const;

  // Drops the file's pages from the page cache (for files read with
  // Caching::kPageCache whose bytes are not needed again).
  void DropFromPageCache(uint64_t offset, uint64_t length) const;

 private:
  Descriptor fd_;
  std::string path_;
  FileIdentity identity_;
  uint32_t direct_alignment_;
  Caching caching_;
};

class Directory {
 public:
  static Result<Directory> Open(const std::string& path);

  const std::string& path() const { return path_; }

  // Opens the regular file `relative` for reading. Links are followed only
  // while they stay beneath this directory.
  Result<File> OpenBeneath(const std::string& relative, Caching caching) const;

  // True when `relative` names something beneath this directory.
  bool Contains(const std::string& relative) const;

  // The names in this directory in byte order, without "." and "..".
  Result<std::vector<std::string>> ListNames() const;

 private:
  Directory(Descriptor fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  Descriptor fd_;
  std::string path_;
};

enum class PathKind { kAbsent, kFile, kDirectory, kOther };

// What `path` names, links followed. kAbsent also when it cannot be looked at.
PathKind KindOfPath(const std::string& path);

// `path` as an absolute path without links, "." or "..".
Result<std::string> CanonicalPath(const std::string& path);

// Opens a file named by the user: links are followed.
Result<File> OpenFile(const std::string& path, Caching caching);

// A file open already, under the name that messages give it.
Result<File> AdoptFile(Descriptor fd, const std::string& name, Caching caching);

// The content of `file`, refused with kCorrupt when larger than `max_bytes`.
// Leaves none of it in the page cache, which would count as this process's
// memory.
Result<std::string> ReadWholeFile(const File& file, uint64_t max_bytes);

// A file written piece by piece that appears under its name only when complete:
// the bytes go to a temporary file beside `path`, which Commit syncs and
// renames and the destructor removes when there was no Commit.
class AtomicFile {
 public:
  static Result<AtomicFile> Create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept
      : fd_(std::move(other.fd_)),
        undropped_bytes_(other.undropped_bytes_),
        path_(std::move(other.path_)),
        temporary_(std::exchange(other.temporary_, "")) {}
  ~AtomicFile();

  Status Append(std::span<const std::byte> bytes);
  // REQUIRES: called once, after the last Append.
  Status Commit();

 private:
  AtomicFile(Descriptor fd, std::string path, std::string temporary)
      : fd_(std::move(fd)),
        path_(std::move(path)),
        temporary_(std::move(temporary)) {}

  Descriptor fd_;
  uint64_t undropped_bytes_ = 0;  // written, maybe in the page cache
  std::string path_;
  std::string temporary_;  // empty once renamed or moved from
};

// What a file is to be called that is being written atomically, as `name` now;
// nothing: that is no name of such a one.
std::optional<std::string_view> TargetOfTemporary(std::string_view name);

// Removes what a process that is no more left of files that it was writing
// atomically in `directory`, which may be absent.
void RemoveTemporaryFiles(const std::string& directory, int64_t pid);

// The text of a file of /proc or /sys, whose size is not known before it is
// read; at most 1 MiB of it.
Result<std::string> ReadSystemFile(const std::string& path);

// Writes `content` to a temporary file beside `path`, syncs it and renames it.
Status WriteFileAtomically(const std::string& path, std::string_view content);

// An append-only log, locked by this process while open.
class AppendFile {
 public:
  // Creates the file when absent. kUnavailable when another process holds it.
  static Result<AppendFile> Open(const std::string& path);
  AppendFile(AppendFile&&) noexcept = default;
  AppendFile& operator=(AppendFile&&) = delete;
  // Gives it up, also where a forked process has the descriptor still.
  ~AppendFile();
  // Whether someone has it open as an AppendFile; asking disturbs nobody.
  static bool IsOpenElsewhere(const std::string& path);

  // Appends `text`. After an error the log may end in a torn line.
  Status Append(std::string_view text);
  // Makes what was appended survive a power loss.
  Status Sync();
  // Cuts the file to `size_bytes` (to drop a torn last line).
  Status Truncate(uint64_t size_bytes);

 private:
  AppendFile(Descriptor fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  Descriptor fd_;
  uint64_t undropped_bytes_ = 0;  // written, maybe in the page cache
  std::string path_;
};

}  // namespace revlm::base
