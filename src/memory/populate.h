// Makes pages of a mapping present at once, rather than when each is first
// used. Large mappings are shared out among threads: a machine beneath a
// virtual one can take seconds for a gigabyte that it has not given before.
// Private to this module.
//
// Threads: any. Errors: false, and errno says why.
#pragma once

#include <cstddef>
#include <cstdint>

namespace revlm::memory {

inline constexpr uint64_t kPageBytes = 4096;

enum class Access { kRead, kWrite };

// `data` is the start of a page. REQUIRES: the pages may be read or written;
// to write, that they hold zeros. Old kernels are made to by touching them.
bool PopulatePages(std::byte* data, uint64_t size_bytes, Access access);

}  // namespace revlm::memory
