#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace revlm::base {
namespace {

std::string ErrnoText() { return std::strerror(errno); }

std::unexpected<Error> SystemError(std::string_view doing,
                                   const std::string& path) {
  const bool absent = errno == ENOENT || errno == ENOTDIR;
  return MakeError(absent ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                   "{} {}: {}", doing, path, ErrnoText());
}

// Retries a system call that a signal interrupted.
template <typename Call>
auto Retry(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// Whether `name` names something below where a lookup starts, by its text
// alone: relative and without "..".
bool StaysBeneath(std::string_view name) {
  if (name.empty() || name.front() == '/') return false;
  while (!name.empty()) {
    const size_t slash = name.find('/');
    if (name.substr(0, slash) == "..") return false;
    if (slash == std::string_view::npos) break;
    name.remove_prefix(slash + 1);
  }
  return true;
}

int OpenAt2(int directory_fd, const char* name, uint64_t flags) {
  struct open_how how = {};
  how.flags = flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(Retry([&] {
    return syscall(SYS_openat2, directory_fd, name, &how, sizeof(how));
  }));
}

// Opens `name` beneath a directory. Kernels and sandboxes without openat2 get
// the strict form: no links at all.
Result<Descriptor> OpenBeneathDescriptor(int directory_fd,
                                         const std::string& directory_path,
                                         const std::string& name, int flags) {
  const std::string path = directory_path + "/" + name;
  if (!StaysBeneath(name)) {
    return MakeError(ErrorCode::kCorrupt,
                     "opening {}: the name leads outside the model directory",
                     path);
  }
  int fd = OpenAt2(directory_fd, name.c_str(), static_cast<uint64_t>(flags));
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
    if (name.find('/') != std::string::npos) {
      return MakeError(ErrorCode::kUnsupported,
                       "opening {}: this kernel cannot open a name with a '/' "
                       "safely (openat2 is missing)",
                       path);
    }
    fd = Retry(
        [&] { return openat(directory_fd, name.c_str(), flags | O_NOFOLLOW); });
  }
  if (fd < 0) {
    if (errno == EXDEV || errno == ELOOP) {
      return MakeError(ErrorCode::kCorrupt,
                       "opening {}: its link leads outside the model directory",
                       path);
    }
    return SystemError("opening", path);
  }
  return Descriptor(fd);
}

// What direct reads of this file must be aligned to; 1 when it cannot be read
// directly.
uint32_t QueryDirectAlignment(int fd) {
  const uint32_t kUsual = 4096;
#ifdef STATX_DIOALIGN
  struct statx info = {};
  if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &info) == 0 &&
      (info.stx_mask & STATX_DIOALIGN) != 0) {
    if (info.stx_dio_offset_align == 0) return 1;
    // Some drivers report 4 for memory and mean 512. What asks for more than a
    // page is read through the page cache.
    const uint32_t alignment =
        std::max({info.stx_dio_mem_align, info.stx_dio_offset_align, 512u});
    return alignment <= kMaxDirectAlignment ? alignment : 1;
  }
#endif
  static_cast<void>(fd);
  return kUsual;
}

Result<File> FinishOpen(Descriptor fd, const std::string& path,
                        Caching caching) {
  struct stat info = {};
  if (fstat(fd.get(), &info) != 0) return SystemError("reading", path);
  if (!S_ISREG(info.st_mode)) {
    return MakeError(ErrorCode::kCorrupt,
                     "opening {}: not a regular file; allowed is a file", path);
  }
  uint32_t alignment = 1;
  if (caching == Caching::kDirect) {
    const int flags = fcntl(fd.get(), F_GETFL);
    if (flags >= 0 && fcntl(fd.get(), F_SETFL, flags | O_DIRECT) == 0) {
      alignment = QueryDirectAlignment(fd.get());
      if (alignment == 1) fcntl(fd.get(), F_SETFL, flags);
    }
  }
  const FileIdentity identity = {
      .device = info.st_dev,
      .inode = info.st_ino,
      .size_bytes = static_cast<uint64_t>(info.st_size),
      .modified_ns =
          int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
  return File(std::move(fd), path, identity, alignment, caching);
}

// Belongs to the open file, not to the process, and can be asked about without
// being taken.
struct flock WholeFileLock() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

void DropPages(int fd) { posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); }

// Writes to the end of the file. Whenever `undropped_bytes` have become many,
// they are sent to the disk and dropped from the page cache.
Status WriteAll(int fd, const std::string& path, std::string_view content,
                uint64_t& undropped_bytes) {
  constexpr uint64_t kMaxUndroppedBytes = 512 << 10;
  while (!content.empty()) {
    const size_t size = std::min<size_t>(content.size(), kMaxUndroppedBytes);
    const ssize_t written =
        Retry([&] { return write(fd, content.data(), size); });
    if (written < 0) return SystemError("writing", path);
    content.remove_prefix(static_cast<size_t>(written));
    undropped_bytes += static_cast<uint64_t>(written);
    if (undropped_bytes < kMaxUndroppedBytes) continue;
    sync_file_range(fd, 0, 0,
                    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                        SYNC_FILE_RANGE_WAIT_AFTER);
    DropPages(fd);
    undropped_bytes = 0;
  }
  return {};
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Result<size_t> File::ReadAt(uint64_t offset, std::span<std::byte> out) const {
  if (offset >= size_bytes()) return size_t{0};
  const size_t wanted = static_cast<size_t>(
      std::min<uint64_t>(out.size(), size_bytes() - offset));
  size_t done = 0;
  while (done < wanted) {
    // The full length, not just what is wanted: direct reads must stay aligned
    // where the file's end is not.
    const ssize_t count = Retry([&] {
      return pread(fd_.get(), out.data() + done, out.size() - done,
                   static_cast<off_t>(offset + done));
    });
    if (count < 0) {
      return MakeError(ErrorCode::kUnavailable, "reading {} at byte {}: {}",
                       path_, offset + done, ErrnoText());
    }
    if (count == 0) {
      return MakeError(ErrorCode::kCorrupt,
                       "reading {} at byte {}: the file ended there, it was {} "
                       "bytes long when opened",
                       path_, offset + done, size_bytes());
    }
    done += static_cast<size_t>(count);
  }
  if (caching_ == Caching::kDirect && direct_alignment_ == 1) {
    DropFromPageCache(offset, wanted);
  }
  return wanted;
}

Result<const std::byte*> File::ReadUnaligned(
    uint64_t offset, uint64_t size_bytes, std::span<std::byte> buffer) const {
  const uint64_t start = AlignDown(offset, direct_alignment_);
  const uint64_t end = AlignUp(offset + size_bytes, direct_alignment_);
  REVLM_TRY(ReadAt(start, buffer.first(end - start)));
  return buffer.data() + (offset - start);
}

void File::DropFromPageCache(uint64_t offset, uint64_t length) const {
  posix_fadvise(fd_.get(), static_cast<off_t>(offset),
                static_cast<off_t>(length), POSIX_FADV_DONTNEED);
}

Result<Directory> Directory::Open(const std::string& path) {
  const int fd = Retry(
      [&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return SystemError("opening directory", path);
  return Directory(Descriptor(fd), path);
}

Result<File> Directory::OpenBeneath(const std::string& relative,
                                    Caching caching) const {
  REVLM_ASSIGN_OR_RETURN(
      Descriptor fd,
      OpenBeneathDescriptor(fd_.get(), path_, relative,
                            O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  return FinishOpen(std::move(fd), path_ + "/" + relative, caching);
}

bool Directory::Contains(const std::string& relative) const {
  return OpenBeneathDescriptor(fd_.get(), path_, relative, O_PATH | O_CLOEXEC)
      .has_value();
}

Result<std::vector<std::string>> Directory::ListNames() const {
  // A descriptor of its own: the position of a shared one is shared too.
  const int fd = Retry([&] {
    return openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  });
  if (fd < 0) return SystemError("listing", path_);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(fd), &closedir);
  if (stream == nullptr) {
    close(fd);
    return SystemError("listing", path_);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return SystemError("listing", path_);
  std::ranges::sort(names);
  return names;
}

PathKind KindOfPath(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return PathKind::kAbsent;
  if (S_ISDIR(info.st_mode)) return PathKind::kDirectory;
  return S_ISREG(info.st_mode) ? PathKind::kFile : PathKind::kOther;
}

Result<std::string> CanonicalPath(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> resolved(
      realpath(path.c_str(), nullptr), &std::free);
  if (resolved == nullptr) return SystemError("opening", path);
  return std::string(resolved.get());
}

Result<File> OpenFile(const std::string& path, Caching caching) {
  // O_NONBLOCK: opening a pipe must fail as "not a file", not hang.
  const int fd = Retry([&] {
    return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  });
  if (fd < 0) return SystemError("opening", path);
  return FinishOpen(Descriptor(fd), path, caching);
}

Result<File> AdoptFile(Descriptor fd, const std::string& name,
                       Caching caching) {
  return FinishOpen(std::move(fd), name, caching);
}

Result<std::string> ReadWholeFile(const File& file, uint64_t max_bytes) {
  constexpr size_t kPieceBytes = 1 << 20;
  if (file.size_bytes() > max_bytes) {
    return MakeError(ErrorCode::kCorrupt,
                     "reading {}: {} bytes, allowed are {} at most",
                     file.path(), file.size_bytes(), max_bytes);
  }
  std::string content(file.size_bytes(), '\0');
  const std::span<std::byte> bytes =
      std::as_writable_bytes(std::span<char>(content));
  for (size_t done = 0; done < bytes.size(); done += kPieceBytes) {
    const auto piece =
        bytes.subspan(done, std::min(kPieceBytes, bytes.size() - done));
    REVLM_TRY(file.ReadAt(done, piece));
    file.DropFromPageCache(done, piece.size());
  }
  return content;
}

Result<AtomicFile> AtomicFile::Create(const std::string& path) {
  std::string temporary =
      fmt::format("{}.{}.tmp", path, static_cast<int64_t>(getpid()));
  Descriptor fd(Retry([&] {
    return open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                0644);
  }));
  if (!fd.valid()) return SystemError("creating", temporary);
  return AtomicFile(std::move(fd), path, std::move(temporary));
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Status AtomicFile::Append(std::span<const std::byte> bytes) {
  return WriteAll(fd_.get(), temporary_,
                  {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                  undropped_bytes_);
}

Status AtomicFile::Commit() {
  if (fsync(fd_.get()) != 0) return SystemError("syncing", temporary_);
  DropPages(fd_.get());
  if (rename(temporary_.c_str(), path_.c_str()) != 0) {
    return SystemError("renaming to", path_);
  }
  temporary_.clear();
  return {};
}

Result<std::string> ReadSystemFile(const std::string& path) {
  constexpr size_t kMaxBytes = 1 << 20;
  const Descriptor fd(
      Retry([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!fd.valid()) return SystemError("opening", path);
  std::string text;
  char chunk[4096];
  while (text.size() < kMaxBytes) {
    const ssize_t count =
        Retry([&] { return read(fd.get(), chunk, sizeof(chunk)); });
    if (count < 0) return SystemError("reading", path);
    if (count == 0) break;
    text.append(chunk, static_cast<size_t>(count));
  }
  return text;
}

Status WriteFileAtomically(const std::string& path, std::string_view content) {
  REVLM_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  REVLM_TRY(file.Append(AsBytes(content)));
  return file.Commit();
}

std::optional<std::string_view> TargetOfTemporary(std::string_view name) {
  constexpr std::string_view kEnd = ".tmp";
  if (!name.ends_with(kEnd)) return std::nullopt;
  name.remove_suffix(kEnd.size());
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == name.size() ||
      name.find_first_not_of("0123456789", dot + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return name.substr(0, dot);
}

void RemoveTemporaryFiles(const std::string& directory, int64_t pid) {
  const auto opened = Directory::Open(directory);
  if (!opened) return;
  const auto names = opened->ListNames();
  if (!names) return;
  const std::string suffix = fmt::format(".{}.tmp", pid);
  for (const std::string& name : *names) {
    if (name.ends_with(suffix)) unlink((directory + "/" + name).c_str());
  }
}

Result<AppendFile> AppendFile::Open(const std::string& path) {
  Descriptor fd(Retry([&] {
    return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }));
  if (!fd.valid()) return SystemError("opening", path);
  struct flock lock = WholeFileLock();
  if (Retry([&] { return fcntl(fd.get(), F_OFD_SETLK, &lock); }) != 0) {
    if (errno == EAGAIN || errno == EACCES) {
      return MakeError(ErrorCode::kUnavailable,
                       "opening {}: another process is using it", path);
    }
    return SystemError("locking", path);
  }
  return AppendFile(std::move(fd), path);
}

AppendFile::~AppendFile() {
  if (!fd_.valid()) return;
  struct flock unlock = WholeFileLock();
  unlock.l_type = F_UNLCK;
  (void)fcntl(fd_.get(), F_OFD_SETLK, &unlock);
}

bool AppendFile::IsOpenElsewhere(const std::string& path) {
  const Descriptor fd(
      Retry([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!fd.valid()) return false;
  struct flock lock = WholeFileLock();
  return fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

Status AppendFile::Append(std::string_view text) {
  return WriteAll(fd_.get(), path_, text, undropped_bytes_);
}

Status AppendFile::Sync() {
  if (fsync(fd_.get()) != 0) return SystemError("syncing", path_);
  DropPages(fd_.get());
  undropped_bytes_ = 0;
  return {};
}

Status AppendFile::Truncate(uint64_t size_bytes) {
  if (ftruncate(fd_.get(), static_cast<off_t>(size_bytes)) != 0) {
    return SystemError("truncating", path_);
  }
  return {};
}

}  // namespace revlm::base
