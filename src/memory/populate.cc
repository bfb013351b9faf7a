#include "memory/populate.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "base/bytes.h"

// Since Linux 5.14; older headers do not know them.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace revlm::memory {
namespace {

constexpr uint64_t kWorthThreads = 64 << 20;
constexpr unsigned kMaxThreads = 4;

bool PopulatePart(std::byte* data, uint64_t size_bytes, Access access) {
  const int advice =
      access == Access::kRead ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;
  if (madvise(data, size_bytes, advice) == 0) return true;
  if (errno != EINVAL) return false;
  for (uint64_t i = 0; i < size_bytes; i += kPageBytes) {
    volatile std::byte& byte = static_cast<volatile std::byte*>(data)[i];
    if (access == Access::kRead) {
      static_cast<void>(std::byte{byte});
    } else {
      byte = std::byte{0};
    }
  }
  return true;
}

}  // namespace

bool PopulatePages(std::byte* data, uint64_t size_bytes, Access access) {
  const uint64_t num_threads =
      std::min(std::thread::hardware_concurrency(), kMaxThreads);
  if (size_bytes < kWorthThreads || num_threads < 2) {
    return PopulatePart(data, size_bytes, access);
  }
  // Parts begin where a huge page does, if `data` does.
  const uint64_t part_bytes =
      base::AlignUp(size_bytes / num_threads, uint64_t{2} << 20);
  std::atomic<int> error = 0;
  {
    std::vector<std::jthread> threads;
    for (uint64_t done = 0; done < size_bytes; done += part_bytes) {
      threads.emplace_back([=, &error] {
        if (!PopulatePart(data + done, std::min(part_bytes, size_bytes - done),
                          access)) {
          error = errno;
        }
      });
    }
  }
  errno = error;
  return error == 0;
}

}  // namespace revlm::memory
