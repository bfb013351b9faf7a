#include "support/files.h"

#include <zstd.h>

#include <filesystem>
#include <system_error>

#include "base/file.h"

namespace revlm::testing {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

}  // namespace

Result<std::string> ReadFile(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(path, base::Caching::kPageCache));
  return base::ReadWholeFile(file, kMaxBytes);
}

Result<std::string> ReadZstd(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const std::string packed, ReadFile(path));
  const unsigned long long size =
      ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size > kMaxBytes) {
    return base::MakeError(ErrorCode::kCorrupt,
                           "{}: not a zstd file of known size", path);
  }
  std::string text(size, '\0');
  const size_t written =
      ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  if (ZSTD_isError(written) != 0 || written != size) {
    return base::MakeError(ErrorCode::kCorrupt, "{}: {}", path,
                           ZSTD_getErrorName(written));
  }
  return text;
}

std::map<std::string, std::string> FilesIn(const std::string& directory) {
  std::map<std::string, std::string> files;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory, ignored)) {
    if (!entry.is_regular_file()) continue;
    files[entry.path().filename()] = ReadFile(entry.path()).value_or("");
  }
  return files;
}

}  // namespace revlm::testing
