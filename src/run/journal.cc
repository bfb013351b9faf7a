#include "run/journal.h"

#include <algorithm>
#include <optional>
#include <span>

#include "base/error.h"

namespace revlm::run {
namespace {

constexpr size_t kChunkBytes = 1 << 20;
// A line holds one prompt and its answer.
constexpr size_t kMaxLineBytes = size_t{1} << 30;

// Feeds the records of `file` to `take`. Returns the bytes of its whole lines.
Result<uint64_t> ReadRecords(const base::File& file,
                             const std::function<Status(OpRecord)>& take) {
  std::string text;         // read, not yet taken
  uint64_t read_bytes = 0;  // of the file
  uint64_t good_bytes = 0;  // of the lines taken
  uint64_t line_number = 0;
  std::optional<Error> bad_line;  // an error unless it was the last
  while (read_bytes < file.size_bytes()) {
    const size_t kept = text.size();
    text.resize(kept + kChunkBytes);
    REVLM_ASSIGN_OR_RETURN(
        const size_t count,
        file.ReadAt(read_bytes, std::as_writable_bytes(
                                    std::span<char>(text).subspan(kept))));
    text.resize(kept + count);
    read_bytes += count;
    size_t begin = 0;
    for (size_t end = text.find('\n', kept); end != std::string::npos;
         begin = end + 1, end = text.find('\n', begin)) {
      if (bad_line) return std::unexpected(*std::move(bad_line));
      ++line_number;
      auto record = RecordFromLine(
          std::string_view(text).substr(begin, end - begin),
          fmt::format("reading {}, line {}", file.path(), line_number));
      if (!record) {
        bad_line = std::move(record).error();
        continue;
      }
      REVLM_TRY(take(*std::move(record)));
      good_bytes += end + 1 - begin;
    }
    text.erase(0, begin);
    if (text.size() > kMaxLineBytes) {
      return base::MakeError(
          ErrorCode::kCorrupt,
          "reading {}, line {}: found more than {} bytes in one line",
          file.path(), line_number + 1, kMaxLineBytes);
    }
  }
  // Something after a bad line, even torn, means it was not the last.
  if (bad_line && !text.empty()) return std::unexpected(*std::move(bad_line));
  return good_bytes;
}

}  // namespace

Result<Journal> Journal::Open(const std::string& directory,
                              const base::Clock& clock,
                              const std::function<Status(OpRecord)>& take) {
  const std::string path = directory + "/ops.jsonl";
  auto log = base::AppendFile::Open(path);
  if (!log) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "{}; wait for it or use another run directory",
                           log.error().message);
  }
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(path, base::Caching::kPageCache));
  REVLM_ASSIGN_OR_RETURN(const uint64_t good_bytes, ReadRecords(file, take));
  if (good_bytes < file.size_bytes()) REVLM_TRY(log->Truncate(good_bytes));
  return Journal(*std::move(log), clock, good_bytes);
}

Status Journal::Append(const OpRecord& record) {
  const std::string line = RecordToLine(record);
  if (Status appended = file_.Append(line); !appended) {
    static_cast<void>(file_.Truncate(size_bytes_));
    return appended;
  }
  size_bytes_ += line.size();
  if (clock_->Monotonic() - synced_ >= std::chrono::seconds(1)) return Sync();
  return {};
}

Status Journal::Sync() {
  synced_ = clock_->Monotonic();
  return file_.Sync();
}

}  // namespace revlm::run
