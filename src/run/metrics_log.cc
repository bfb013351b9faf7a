#include "run/metrics_log.h"

#include <algorithm>
#include <span>

namespace revlm::run {
namespace {

constexpr size_t kChunkBytes = 16 << 10;
constexpr uint64_t kTailBytes = 256 << 10;
// A reader looks no further back than that.
constexpr uint64_t kMaxTailBytes = 4 * MetricsLog::kMaxBytes;

Result<base::File> OpenToRead(const std::string& path) {
  return base::OpenFile(path, base::Caching::kPageCache);
}

Result<std::string> ReadText(const base::File& file, uint64_t begin,
                             uint64_t size_bytes) {
  std::string text(static_cast<size_t>(size_bytes), '\0');
  REVLM_ASSIGN_OR_RETURN(
      const size_t count,
      file.ReadAt(begin, std::as_writable_bytes(std::span<char>(text))));
  text.resize(count);
  return text;
}

// The bytes of `file` up to the end of its last whole line.
Result<uint64_t> WholeLineBytes(const base::File& file) {
  uint64_t end = file.size_bytes();
  while (end > 0) {
    const uint64_t begin = end - std::min<uint64_t>(end, kChunkBytes);
    REVLM_ASSIGN_OR_RETURN(const std::string text,
                           ReadText(file, begin, end - begin));
    const size_t line_end = text.rfind('\n');
    if (line_end != std::string::npos) return begin + line_end + 1;
    end = begin;
  }
  return 0;
}

// Writes the first, third, fifth, ... line of `file`. Returns their bytes.
Result<uint64_t> CopyEverySecondLine(const base::File& file,
                                     base::AtomicFile& copy) {
  uint64_t copied_bytes = 0;
  bool is_kept = true;
  for (uint64_t at = 0; at < file.size_bytes(); at += kChunkBytes) {
    REVLM_ASSIGN_OR_RETURN(const std::string text,
                           ReadText(file, at, kChunkBytes));
    std::string_view rest = text;
    while (!rest.empty()) {
      const size_t line_end = rest.find('\n');
      const std::string_view piece = rest.substr(
          0, line_end == std::string_view::npos ? rest.size() : line_end + 1);
      if (is_kept) {
        REVLM_TRY(copy.Append(base::AsBytes(piece)));
        copied_bytes += piece.size();
      }
      if (line_end != std::string_view::npos) is_kept = !is_kept;
      rest.remove_prefix(piece.size());
    }
  }
  return copied_bytes;
}

// Gives the whole lines of `text` to `take`, the last one first.
bool TakeBackwards(std::string_view text,
                   const std::function<bool(std::string_view)>& take) {
  text = text.substr(0, text.rfind('\n') + 1);
  while (!text.empty()) {
    text.remove_suffix(1);
    const size_t begin = text.rfind('\n') + 1;  // 0 when there is none
    if (take(text.substr(begin))) return true;
    text = text.substr(0, begin);
  }
  return false;
}

}  // namespace

Status MetricsLog::Open() {
  REVLM_ASSIGN_OR_RETURN(base::AppendFile opened,
                         base::AppendFile::Open(path_));
  REVLM_ASSIGN_OR_RETURN(const base::File file, OpenToRead(path_));
  REVLM_ASSIGN_OR_RETURN(size_bytes_, WholeLineBytes(file));
  if (size_bytes_ < file.size_bytes()) {
    REVLM_TRY(opened.Truncate(size_bytes_));
  }
  file_.emplace(std::move(opened));
  return {};
}

Status MetricsLog::Thin() {
  REVLM_ASSIGN_OR_RETURN(const base::File file, OpenToRead(path_));
  REVLM_ASSIGN_OR_RETURN(base::AtomicFile copy,
                         base::AtomicFile::Create(path_));
  REVLM_ASSIGN_OR_RETURN(const uint64_t copied_bytes,
                         CopyEverySecondLine(file, copy));
  REVLM_TRY(copy.Commit());
  REVLM_ASSIGN_OR_RETURN(base::AppendFile opened,
                         base::AppendFile::Open(path_));
  file_.emplace(std::move(opened));
  size_bytes_ = copied_bytes;
  return {};
}

Status MetricsLog::Append(std::string_view line) {
  if (!file_) REVLM_TRY(Open());
  if (size_bytes_ > 0 && size_bytes_ + line.size() > max_bytes_) {
    REVLM_TRY(Thin());
  }
  if (Status appended = file_->Append(line); !appended) {
    static_cast<void>(file_->Truncate(size_bytes_));
    return appended;
  }
  size_bytes_ += line.size();
  return {};
}

Result<bool> FindLastLine(const std::string& directory,
                          const std::function<bool(std::string_view)>& take) {
  const std::string path = directory + "/" + kMetricsName;
  REVLM_ASSIGN_OR_RETURN(const base::File file, OpenToRead(path));
  const uint64_t size = file.size_bytes();
  for (const uint64_t most : {kTailBytes, kMaxTailBytes}) {
    const uint64_t tail = std::min(size, most);
    REVLM_ASSIGN_OR_RETURN(const std::string text,
                           ReadText(file, size - tail, tail));
    // What comes before the first line end is the end of a line, or all of it.
    const size_t begin = tail == size ? 0 : text.find('\n') + 1;
    if (TakeBackwards(std::string_view(text).substr(begin), take)) return true;
    if (tail == size) break;
  }
  return false;
}

}  // namespace revlm::run
