#include "memory/image.h"

#include <gtest/gtest.h>

#include <string>

#include "memory/process_memory.h"

namespace revlm::memory {
namespace {

constexpr uint64_t kKiB = 1 << 10;

// A program, a library with read-only data and data made read-only, and what
// is no image: data files, the heap, anonymous memory, a memfd of code.
constexpr std::string_view kMaps =
    "00400000-00410000 r--p 00000000 fe:00 11   /opt/my program\n"
    "00410000-00450000 r-xp 00010000 fe:00 11   /opt/my program\n"
    "00450000-00458000 rw-p 00050000 fe:00 11   /opt/my program\n"
    "00a00000-00b00000 rw-p 00000000 00:00 0    [heap]\n"
    "7f0000000000-7f0000004000 r-xs 00000000 00:01 7  /memfd:code (deleted)\n"
    "7f0000010000-7f0000050000 r--p 00000000 fe:00 12   /lib/libm.so "
    "(deleted)\n"
    "7f0000050000-7f0000090000 r-xp 00040000 fe:00 12   /lib/libm.so "
    "(deleted)\n"
    "7f0000090000-7f00000a0000 ---p 00080000 fe:00 12   /lib/libm.so "
    "(deleted)\n"
    "7f00000a0000-7f00000c0000 r--p 00080000 fe:00 12   /lib/libm.so "
    "(deleted)\n"
    "7f00000c0000-7f00000c4000 r--p 000a0000 fe:00 12   /lib/libm.so "
    "(deleted)\n"
    "7f00000c4000-7f00000c8000 rw-p 000a4000 fe:00 12   /lib/libm.so "
    "(deleted)\n"
    "7f00000c8000-7f00000d8000 rw-p 00000000 00:00 0 \n"
    "7f0001000000-7f0001100000 r--p 00000000 fe:00 13   /usr/lib/locale\n"
    "7f0002000000-7f0002001000 r-xp 00000000 00:00 0    [vdso]\n";

TEST(ImageTest, IsWhatCanBeReadOfFilesThatAreExecuted) {
  const Image image = ImageOf(kMaps);
  const uint64_t program = (64 + 256 + 32) * kKiB;
  const uint64_t library = (256 + 256 + 128 + 16 + 16) * kKiB;
  EXPECT_EQ(image.mapped_bytes, program + library);
  ASSERT_EQ(image.ranges.size(), 8u);
  EXPECT_EQ(image.ranges.front(), (MappedRange{0x400000, 0x410000}));
  EXPECT_EQ(image.ranges.back(), (MappedRange{0x7f00000c4000, 0x7f00000c8000}));
}

TEST(ImageTest, WhatIsWrittenToCountsTwice) {
  const Image image = ImageOf(kMaps);
  // Data of both, and of the library what its loader made read-only. What
  // lies before the program's data is its code.
  EXPECT_EQ(image.copied_bytes, (32 + 16 + 16) * kKiB);
  EXPECT_EQ(image.size_bytes(), image.mapped_bytes + image.copied_bytes);
}

TEST(ImageTest, WhatTwoProcessesMapCountsOnceAndCopiesTwice) {
  const Image image = ImageOf(kMaps);
  // Another program with the same library.
  std::string maps(kMaps);
  for (size_t at = 0; (at = maps.find("fe:00 11   /opt/my")) != maps.npos;) {
    maps.replace(at, 18, "fe:00 14   /opt/a ");
  }
  const Image other = ImageOf(maps);
  const uint64_t program = (64 + 256 + 32) * kKiB;
  const uint64_t library = (256 + 256 + 128 + 16 + 16) * kKiB;
  EXPECT_EQ(BytesBeside(other, image), program + other.copied_bytes);
  EXPECT_EQ(SharedBytes(other, image), library - (16 + 16) * kKiB);
  EXPECT_EQ(BytesBeside(image, image), image.copied_bytes);
  EXPECT_EQ(BytesBeside(image, Image()), image.size_bytes());
  EXPECT_EQ(SharedBytes(image, Image()), 0u);
}

TEST(ImageTest, LinesThatMakeNoSenseAreNotCounted) {
  EXPECT_EQ(ImageOf("").size_bytes(), 0u);
  EXPECT_EQ(ImageOf("\n\nx\n1-\n-2 r-xp 0 fe:00 1 /a\n"
                    "20-10 r-xp 0 fe:00 1 /a\n1000-2000\n"
                    "1000-2000 r 0 fe:00 1 /a\n1000-2000 r-xp")
                .size_bytes(),
            0u);
  EXPECT_EQ(ImageOf("1000-3000 r-xp 0 fe:00 1 /a").size_bytes(), 0x2000u);
}

TEST(ImageTest, PopulatedAllOfItIsPresent) {
  const Image image = ReadImage();
  EXPECT_GT(image.mapped_bytes, 256 * kKiB);
  EXPECT_GT(image.copied_bytes, 0u);
  EXPECT_LT(image.copied_bytes, image.mapped_bytes);
  Populate(image);
  const ProcessMemory memory = ReadProcessMemory();
  // The written pages among it are the process's own by now.
  EXPECT_GE(memory.file_bytes + image.copied_bytes, image.mapped_bytes);
  EXPECT_EQ(ReadImage().size_bytes(), image.size_bytes());
}

}  // namespace
}  // namespace revlm::memory
