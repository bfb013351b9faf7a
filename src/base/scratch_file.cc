#include "base/scratch_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace revlm::base {
namespace {

std::unexpected<Error> Failure(std::string_view doing,
                               const std::string& directory) {
  return MakeError(ErrorCode::kUnavailable, "{} a scratch file in {}: {}",
                   doing, directory, std::strerror(errno));
}

int OpenUnnamed(const std::string& directory) {
  const int fd = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC,
                      S_IRUSR | S_IWUSR);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
  std::string name = directory + "/scratch-XXXXXX";
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

}  // namespace

bool ScratchFile::IsOnDisk(const std::string& directory) {
  struct statfs info = {};
  if (statfs(directory.c_str(), &info) != 0) return false;
  return info.f_type != TMPFS_MAGIC && info.f_type != RAMFS_MAGIC;
}

Result<ScratchFile> ScratchFile::Create(const std::string& directory,
                                        uint64_t size_bytes) {
  if (!IsOnDisk(directory)) {
    return MakeError(ErrorCode::kUnavailable,
                     "making a scratch file in {}: not a directory on a disk",
                     directory);
  }
  const int fd = OpenUnnamed(directory);
  if (fd < 0) return Failure("making", directory);
  Descriptor descriptor(fd);
  const off_t size = static_cast<off_t>(size_bytes);
  if (fallocate(fd, 0, 0, size) != 0) {
    if (errno != EOPNOTSUPP) return Failure("taking room for", directory);
    if (ftruncate(fd, size) != 0) return Failure("taking room for", directory);
  }
  REVLM_ASSIGN_OR_RETURN(
      File file,
      AdoptFile(std::move(descriptor), "the scratch file in " + directory,
                Caching::kDirect));
  return ScratchFile(fd, std::move(file));
}

Status ScratchFile::WriteAt(uint64_t offset,
                            std::span<const std::byte> bytes) const {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = pwrite(fd_, bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return MakeError(ErrorCode::kUnavailable, "writing {} at byte {}: {}",
                       file_.path(), offset + done, std::strerror(errno));
    }
    done += static_cast<size_t>(count);
  }
  if (file_.direct_alignment() == 1) {
    sync_file_range(fd_, static_cast<off_t>(offset),
                    static_cast<off_t>(bytes.size()),
                    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                        SYNC_FILE_RANGE_WAIT_AFTER);
    file_.DropFromPageCache(offset, bytes.size());
  }
  return {};
}

}  // namespace revlm::base
