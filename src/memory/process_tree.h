// What a process and its descendants take of the machine.
//
// Memory is counted as PSS: a page that several processes map is divided among
// them, so that the sum over a tree is what the tree takes. (Resident sizes
// count code and files that workers share once for each of them.)
//
//   private  heaps, stacks, buffers, and memory shared without a file
//   mapped   pages of files: code, read-only data
//
// The kernel walks all pages of a process for this, about 10 ms for each GiB:
// ask at most twice a second, and less often when it takes long.
//
// Threads: any. Memory: a few numbers for each process of the machine. Errors:
// none; a process that ended meanwhile, or may not be looked at, is not
// counted.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace revlm::memory {

struct PrivateAndMapped {
  uint64_t private_bytes = 0;
  uint64_t mapped_bytes = 0;
};

// Of the text of a /proc/PID/smaps_rollup; where that is empty, of a
// /proc/PID/status, whose numbers count shared pages in full.
PrivateAndMapped PssOf(std::string_view rollup, std::string_view status);

struct ProcessUse {
  int32_t pid = 0;
  PrivateAndMapped memory;
  double cpu_seconds = 0;  // with that of its children that have ended

  uint64_t pss_bytes() const {
    return memory.private_bytes + memory.mapped_bytes;
  }
};

// Of process `root_pid`, which comes first, and its descendants.
std::vector<ProcessUse> ReadProcessTree(int32_t root_pid);

// The sums; `pid` is the root's.
ProcessUse Total(const std::vector<ProcessUse>& tree);

}  // namespace revlm::memory
