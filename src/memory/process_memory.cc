#include "memory/process_memory.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/file.h"
#include "memory/machine_memory.h"

namespace revlm::memory {

namespace {

ProcessMemory ReadStatus(const std::string& process) {
  const std::string status =
      base::ReadSystemFile("/proc/" + process + "/status").value_or("");
  auto bytes = [&](std::string_view name) {
    return FindNumber(status, name).value_or(0) * 1024;
  };
  return {.anonymous_bytes = bytes("RssAnon:"),
          .file_bytes = bytes("RssFile:"),
          .shared_bytes = bytes("RssShmem:"),
          .peak_bytes = bytes("VmHWM:"),
          .page_table_bytes = bytes("VmPTE:"),
          .data_bytes = bytes("VmData:")};
}

}  // namespace

ProcessMemory ReadProcessMemory() { return ReadStatus("self"); }

ProcessMemory ReadProcessMemory(int64_t pid) {
  return ReadStatus(std::to_string(pid));
}

uint64_t StackBytes() {
  pthread_attr_t defaults;
  if (pthread_getattr_default_np(&defaults) != 0) return uint64_t{8} << 20;
  size_t stack_bytes = 0;
  size_t guard_bytes = 0;
  pthread_attr_getstacksize(&defaults, &stack_bytes);
  pthread_attr_getguardsize(&defaults, &guard_bytes);
  pthread_attr_destroy(&defaults);
  return stack_bytes + guard_bytes;
}

uint64_t NumThreads() {
  const std::string status =
      base::ReadSystemFile("/proc/self/status").value_or("");
  return FindNumber(status, "Threads:").value_or(1);
}

uint64_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void TuneHeap() {
  mallopt(M_ARENA_MAX, 1);
  // Setting them stops malloc from raising them as it goes.
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

Status FenceHeap(uint64_t more_bytes) {
#if defined(REVLM_SANITIZED)
  static_cast<void>(more_bytes);
  return {};  // a sanitizer maps memory of its own, far beyond any fence
#endif
  const uint64_t data_bytes = ReadProcessMemory().data_bytes;
  if (data_bytes == 0) {
    return base::MakeError(ErrorCode::kUnavailable,
                           "limiting this process's memory: /proc/self/status "
                           "does not say what is mapped");
  }
  struct rlimit limit = {};
  if (getrlimit(RLIMIT_DATA, &limit) == 0) {
    const rlim_t fence = more_bytes < RLIM_INFINITY - data_bytes
                             ? data_bytes + more_bytes
                             : RLIM_INFINITY;
    limit.rlim_cur = std::min(fence, limit.rlim_max);
    if (setrlimit(RLIMIT_DATA, &limit) == 0) return {};
  }
  return base::MakeError(ErrorCode::kUnavailable,
                         "limiting this process's memory: {}",
                         std::strerror(errno));
}

void LiftFence() {
  struct rlimit limit = {};
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_DATA, &limit);
}

void TrimHeap() { malloc_trim(0); }

}  // namespace revlm::memory
