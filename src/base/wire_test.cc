#include "base/wire.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace revlm::base {
namespace {

enum class Colour { kRed, kGreen };

struct Point {
  int32_t x = 0;
  double y = 0;

  bool operator==(const Point&) const = default;
};

template <class Wire>
void Fields(Wire& wire, Point& point) {
  wire(point.x, point.y);
}

struct Everything {
  bool flag = false;
  uint64_t count = 0;
  float share = 0;
  Colour colour = Colour::kRed;
  std::string text;
  std::optional<int32_t> perhaps;
  std::vector<int32_t> numbers;
  std::vector<Point> points;
  std::vector<std::string> words;

  bool operator==(const Everything&) const = default;
};

template <class Wire>
void Fields(Wire& wire, Everything& all) {
  wire(all.flag, all.count, all.share);
  wire.Enum(all.colour, Colour::kGreen);
  wire(all.text, all.perhaps, all.numbers, all.points, all.words);
}

const Everything kAll = {.flag = true,
                         .count = std::numeric_limits<uint64_t>::max(),
                         .share = -0.25f,
                         .colour = Colour::kGreen,
                         .text = std::string("a\0b", 3),
                         .perhaps = -1,
                         .numbers = {1, -2, INT32_MIN},
                         .points = {{1, 0.5}, {-1, 1e300}},
                         .words = {"", "word"}};

std::string Write(const Everything& all) {
  std::string bytes;
  WireWriter{bytes}(all);
  return bytes;
}

std::optional<Everything> Read(std::string_view bytes) {
  Everything all;
  WireReader reader(bytes);
  reader(all);
  if (!reader.IsWhole()) return std::nullopt;
  return all;
}

TEST(WireTest, WhatIsWrittenIsRead) {
  EXPECT_EQ(Read(Write(kAll)), kAll);
  EXPECT_EQ(Read(Write({})), Everything());
}

TEST(WireTest, WhatIsReadTakesNoMoreMemoryThanItNeeds) {
  Everything all;
  all.points.resize(5);
  all.words.resize(9);
  const auto read = Read(Write(all));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->points.capacity(), 5u);
  EXPECT_EQ(read->words.capacity(), 9u);
}

TEST(WireTest, NothingMissingAndNothingLeftOverIsAccepted) {
  const std::string bytes = Write(kAll);
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(Read(bytes.substr(0, i))) << i;
  }
  EXPECT_FALSE(Read(bytes + '\0'));
}

TEST(WireTest, LengthsBeyondTheBytesTakeNoMemory) {
  for (const uint64_t count : {uint64_t{9}, uint64_t{1} << 40, UINT64_MAX}) {
    std::string bytes;
    WireWriter{bytes}(count);
    bytes += "12345678";
    std::vector<int32_t> numbers;
    std::vector<Point> points;
    std::string text;
    WireReader of_numbers(bytes);
    of_numbers(numbers);
    EXPECT_FALSE(of_numbers.IsWhole());
    WireReader of_points(bytes);
    of_points(points);
    EXPECT_FALSE(of_points.IsWhole());
    WireReader of_text(bytes);
    of_text(text);
    EXPECT_FALSE(of_text.IsWhole());
    EXPECT_LE(numbers.capacity() + points.capacity() + text.capacity(), 64u);
  }
}

TEST(WireTest, BoundedNumbersAreWithinTheirBounds) {
  for (const auto& [value, is_within] : std::vector<std::pair<int32_t, bool>>{
           {INT32_MIN, false}, {0, false}, {1, true}, {7, true}, {8, false}}) {
    std::string bytes;
    WireWriter(bytes).Within(value, 1, 7);
    int32_t read = 0;
    WireReader reader(bytes);
    reader.Within(read, 1, 7);
    EXPECT_EQ(reader.IsWhole(), is_within) << value;
    EXPECT_EQ(read, value);
  }
  // What is cut short is no number, though the one that was there is within.
  int32_t read = 5;
  WireReader torn("\1");
  torn.Within(read, 1, 7);
  EXPECT_FALSE(torn.IsWhole());
}

TEST(WireTest, FlagsAndEnumsAreOfTheirRange) {
  std::string bytes = Write(kAll);
  bytes[0] = 2;
  EXPECT_FALSE(Read(bytes));
  bytes = Write(kAll);
  bytes[1 + 8 + 4] = 2;  // the colour
  EXPECT_FALSE(Read(bytes));
  bytes[1 + 8 + 4] = '\xff';
  EXPECT_FALSE(Read(bytes));
}

}  // namespace
}  // namespace revlm::base
