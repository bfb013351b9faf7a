#include "memory/pressure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/random.h"

namespace revlm::memory {
namespace {

Pressure Read(std::map<std::string, std::string> files) {
  return ReadPressure(
      [&](const std::string& path) -> std::optional<std::string> {
        const auto file = files.find(path);
        if (file == files.end()) return std::nullopt;
        return file->second;
      });
}

constexpr char kStalls[] =
    "some avg10=1.53 avg60=1.20 avg300=0.51 total=4122134\n"
    "full avg10=0.53 avg60=0.20 avg300=0.11 total=122134\n";

TEST(PressureTest, ReadsWhatTheKernelWrites) {
  const Pressure pressure =
      Read({{"/proc/pressure/memory", kStalls},
            {"/proc/pressure/cpu",
             "some avg10=100.00 avg60=0.00 avg300=0.00 total=1\n"},
            {"/proc/loadavg", "0.52 0.41 0.30 2/345 6789\n"},
            {"/proc/meminfo", "MemAvailable: 800 kB\n"}});
  EXPECT_EQ(pressure.memory_stall_percent, 1.53);
  EXPECT_EQ(pressure.cpu_stall_percent, 100);
  EXPECT_EQ(pressure.load, 0.52);
  EXPECT_EQ(pressure.available_bytes, 800u * 1024);
}

TEST(PressureTest, WhatIsAbsentIsUnknown) {
  const Pressure pressure = Read({});
  EXPECT_EQ(pressure.memory_stall_percent, std::nullopt);
  EXPECT_EQ(pressure.cpu_stall_percent, std::nullopt);
  EXPECT_EQ(pressure.load, std::nullopt);
  EXPECT_EQ(pressure.available_bytes, std::nullopt);
  // A kernel with pressure switched off gives an error instead of text.
  EXPECT_EQ(Read({{"/proc/pressure/memory", ""}}).memory_stall_percent,
            std::nullopt);
}

TEST(PressureTest, WhatMakesNoSenseIsUnknown) {
  for (const std::string_view number :
       {"",
        " ",
        "-1",
        "-0",
        "-0.5",
        "+1",
        "nan",
        "-nan",
        "inf",
        "infinity",
        "100.01",
        "1e2",
        "1e999",
        "0x1",
        "1,5",
        "abc",
        "1.5x",
        "1.5\t",
        "99999999999999999999999999999999999999999",
        "..",
        "."}) {
    const std::string line =
        "some avg10=" + std::string(number) + " avg60=0.00\n";
    EXPECT_EQ(ParseStallPercent(line), std::nullopt) << line;
  }
  using std::string_view_literals::operator""sv;
  for (const std::string_view text :
       {"full avg10=1.00\n"sv, "some avg60=1.00\n"sv, "some  avg10=1\n"sv,
        " some avg10=1\n"sv, "SOME AVG10=1\n"sv, "some avg10 = 1\n"sv,
        "some avg10"sv, "some avg10=1\0"sv, "\0some avg10=1"sv, "\n\n\n"sv}) {
    EXPECT_EQ(ParseStallPercent(text), std::nullopt) << text;
  }
  for (const std::string_view text :
       {"", "\n", "-1 0 0", "nan 0 0", "inf", "1e3 0", "99999999 0", "x 1"}) {
    EXPECT_EQ(ParseLoad(text), std::nullopt) << text;
  }
}

TEST(PressureTest, TheLineMayBeAnyAndTheLastMayLackItsEnd) {
  EXPECT_EQ(ParseStallPercent("full avg10=9.00\nsome avg10=2.50"), 2.5);
  EXPECT_EQ(ParseStallPercent(std::string(1 << 20, 'x') + "\nsome avg10=0\n"),
            0);
  EXPECT_EQ(ParseLoad("3"), 3);
}

// Whatever bytes there are: unknown, or a number that may be.
TEST(PressureTest, ChangedBytesGiveNothingImpossible) {
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    std::string text = kStalls;
    for (uint64_t i = 0; i < 1 + seed % 4; ++i) {
      const uint64_t bits = base::RandomBits(seed, i);
      text[bits % text.size()] = static_cast<char>(bits >> 32);
    }
    text.resize(text.size() - base::RandomBits(seed, 9) % text.size());
    for (const std::string_view tail :
         {std::string_view(text),
          std::string_view(text).substr(std::min<size_t>(11, text.size()))}) {
      const double stall = ParseStallPercent(tail).value_or(0);
      EXPECT_TRUE(stall >= 0 && stall <= 100) << tail;
      const double load = ParseLoad(tail).value_or(0);
      EXPECT_TRUE(load >= 0 && load <= 1e7) << tail;
    }
  }
}

TEST(PressureTest, ThisMachineHasALoad) {
  EXPECT_TRUE(ReadPressure().load.has_value());
}

}  // namespace
}  // namespace revlm::memory
