// metrics.jsonl: samples of a run, one a line, appended and bounded.
//
// When the file would grow beyond `max_bytes`, every second of its lines is
// dropped first: what is recent stays close together, what is long ago gets
// ever wider apart. Lines of earlier starts count too. Lines longer than half
// of `max_bytes` make it twice as long as one of them.
//
// Threads: thread-compatible. Memory: one line and a chunk of the file.
// Errors: kUnavailable (I/O, disk full); after one the file ends with a whole
// line, as far as the system allows, and the next Append tries again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace revlm::run {

inline constexpr char kMetricsName[] = "metrics.jsonl";

class MetricsLog {
 public:
  static constexpr uint64_t kMaxBytes = uint64_t{4} << 20;

  explicit MetricsLog(const std::string& directory,
                      uint64_t max_bytes = kMaxBytes)
      : path_(directory + "/" + kMetricsName), max_bytes_(max_bytes) {}

  // `line` ends with a line end.
  Status Append(std::string_view line);

 private:
  Status Open();
  Status Thin();

  const std::string path_;
  const uint64_t max_bytes_;
  std::optional<base::AppendFile> file_;
  uint64_t size_bytes_ = 0;  // of whole lines
};

// Gives the whole lines of `directory`/metrics.jsonl to `take`, the last one
// first, until it returns true; false when it never did. For readers: at most a
// few MiB of memory. Errors: kNotFound, kUnavailable.
Result<bool> FindLastLine(const std::string& directory,
                          const std::function<bool(std::string_view)>& take);

}  // namespace revlm::run
