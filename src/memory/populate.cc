#include "memory/populate.h"

#include <sys/mman.h>

#include <cerrno>

// Since Linux 5.14; older headers do not know them.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace revlm::memory {

bool PopulatePages(std::byte* data, uint64_t size_bytes, Access access) {
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

}  // namespace revlm::memory
