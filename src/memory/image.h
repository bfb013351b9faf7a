// The code this process is made of: the files that it maps to execute.
//
// How much of them is in memory at a moment depends on what other processes
// and the page cache did before; how much of them can be is a property of the
// installation. So all of it is counted, and can be made present at once.
//
// Threads: any. Errors: none; what cannot be read is not counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace revlm::memory {

struct MappedRange {
  uint64_t begin = 0;  // addresses
  uint64_t end = 0;

  bool operator==(const MappedRange&) const = default;
};

// One of the files, by the device, inode and path that maps gives.
struct ImageFile {
  std::string name;
  uint64_t mapped_bytes = 0;
  uint64_t copied_bytes = 0;
};

struct Image {
  // What can be read of files of which a part is executable.
  std::vector<MappedRange> ranges;
  std::vector<ImageFile> files;
  uint64_t mapped_bytes = 0;  // their sum
  // What of it is written to, by the program or the loader: a control group
  // counts the page of the file and the process's own copy.
  uint64_t copied_bytes = 0;

  uint64_t size_bytes() const { return mapped_bytes + copied_bytes; }
};

// Of the text of a /proc/PID/maps.
Image ImageOf(std::string_view maps);

// Of this process. The same whenever the same program runs with the same
// libraries.
Image ReadImage();

// Of the files of `image` that are also `other`'s: the bytes that two processes
// hold once, as neither writes to them.
uint64_t SharedBytes(const Image& image, const Image& other);

// What `image` takes while a process with `other` runs: pages of files that
// both map are there already, each keeps copies of its own.
uint64_t BytesBeside(const Image& image, const Image& other);

// Makes every page of an image of this process present, as far as the system
// lets it. For a program's own process.
void Populate(const Image& image);

}  // namespace revlm::memory
