#include "base/lines.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace revlm::base {
namespace {

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  EXPECT_TRUE(
      ForEachLine(text, [&](std::string_view line, size_t number) -> Status {
        lines.emplace_back(line);
        EXPECT_EQ(number, lines.size());
        return {};
      }));
  return lines;
}

TEST(LinesTest, EndOrNotAndWithACarriageReturn) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(LinesOf(""), Lines());
  EXPECT_EQ(LinesOf("a\nb\n"), (Lines{"a", "b"}));
  EXPECT_EQ(LinesOf("a\n\nb"), (Lines{"a", "", "b"}));
  EXPECT_EQ(LinesOf("a\r\n\r\nb\rc"), (Lines{"a", "", "b\rc"}));
}

TEST(LinesTest, TheFirstErrorEndsIt) {
  size_t num_seen = 0;
  const Status failed =
      ForEachLine("a\nb\nc", [&](std::string_view, size_t number) -> Status {
        num_seen = number;
        if (number < 2) return {};
        return MakeError(ErrorCode::kCorrupt, "line {}", number);
      });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "line 2");
  EXPECT_EQ(num_seen, 2u);
}

}  // namespace
}  // namespace revlm::base
