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

// Takes `expected` off the beginning of `text`.
bool Skip(std::string_view expected, std::string_view& text) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

// Takes a string off the beginning of `text`, up to its closing quote.
std::optional<std::string_view> TakePlainString(std::string_view& text) {
  const size_t end = text.find_first_of("\"\\");
  if (end == std::string_view::npos || text[end] == '\\') return std::nullopt;
  const std::string_view value = text.substr(0, end);
  text.remove_prefix(end);
  return value;
}

// What a line says beside its result, when it is framed as RecordToLine frames
// it: {"finished":T,"key":K,"model":M,"result":{...},"schema":S,"seconds":N}.
std::optional<JournalEntry> EntryFromFrame(std::string_view line) {
  constexpr std::string_view kEnd = "},\"schema\":\"revlm.op/1\",\"seconds\":";
  const size_t end = line.rfind(kEnd);
  if (end == std::string_view::npos || !line.ends_with('}')) {
    return std::nullopt;
  }
  const std::string_view seconds =
      line.substr(end + kEnd.size(), line.size() - end - kEnd.size() - 1);
  if (seconds.empty() ||
      seconds.find_first_not_of("0123456789+-.e") != std::string_view::npos) {
    return std::nullopt;
  }
  // A machine that died may have left zeros instead of what was written.
  if (line.find('\0') != std::string_view::npos) return std::nullopt;
  line = line.substr(0, end);
  if (!Skip("{\"finished\":\"", line) || !TakePlainString(line) ||
      !Skip("\",\"key\":\"", line)) {
    return std::nullopt;
  }
  const auto key = TakePlainString(line);
  if (!key || key->empty() || !Skip("\",\"model\":\"", line)) {
    return std::nullopt;
  }
  const auto model = TakePlainString(line);
  if (!model || model->empty() || !Skip("\",\"result\":{", line)) {
    return std::nullopt;
  }
  return JournalEntry{.model = std::string(*model),
                      .key = std::string(*key),
                      .has_failed = line.starts_with("\"error\":"),
                      .place = {}};
}

Result<JournalEntry> EntryFromRecord(std::string_view line,
                                     const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(OpRecord record, RecordFromLine(line, source));
  return JournalEntry{.model = std::move(record.result.model),
                      .key = std::move(record.result.key),
                      .has_failed = record.result.error.has_value(),
                      .attempts = record.result.attempts,
                      .place = {}};
}

// Feeds the entries of `file` to `take`. Returns the bytes of its whole lines.
Result<uint64_t> ReadEntries(const base::File& file, const TakeEntry& take) {
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
      const std::string_view line =
          std::string_view(text).substr(begin, end - begin);
      const uint64_t offset = read_bytes - text.size() + begin;
      const bool is_last = offset + line.size() + 1 == file.size_bytes();
      std::optional<JournalEntry> entry;
      if (!is_last) entry = EntryFromFrame(line);
      if (!entry) {
        auto read = EntryFromRecord(
            line, fmt::format("reading {}, line {}", file.path(), line_number));
        if (!read) {
          bad_line = std::move(read).error();
          continue;
        }
        entry = *std::move(read);
      }
      entry->place = {.offset = offset, .size_bytes = line.size()};
      REVLM_TRY(take(*std::move(entry)));
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

Result<uint64_t> ReadEntries(const std::string& directory,
                             const TakeEntry& take) {
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(directory + "/" + kJournalName,
                                        base::Caching::kPageCache));
  return ReadEntries(file, take);
}

Result<Journal> Journal::Open(const std::string& directory,
                              const base::Clock& clock, const TakeEntry& take) {
  const std::string path = directory + "/" + kJournalName;
  auto log = base::AppendFile::Open(path);
  if (!log) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "{}; wait for it or use another run directory",
                           log.error().message);
  }
  REVLM_ASSIGN_OR_RETURN(base::File file,
                         base::OpenFile(path, base::Caching::kPageCache));
  REVLM_ASSIGN_OR_RETURN(const uint64_t good_bytes, ReadEntries(file, take));
  file.DropFromPageCache(0, file.size_bytes());
  if (good_bytes < file.size_bytes()) REVLM_TRY(log->Truncate(good_bytes));
  return Journal(*std::move(log), std::move(file), clock, good_bytes);
}

Result<OpRecord> Journal::Read(const JournalPlace& place) const {
  std::string line(static_cast<size_t>(place.size_bytes), '\0');
  REVLM_ASSIGN_OR_RETURN(
      const size_t count,
      before_.ReadAt(place.offset,
                     std::as_writable_bytes(std::span<char>(line))));
  line.resize(count);
  return RecordFromLine(line, fmt::format("reading {}, the line at byte {}",
                                          before_.path(), place.offset));
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
