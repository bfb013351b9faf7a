#include "base/quote.h"

#include <gtest/gtest.h>

#include <string>

namespace revlm::base {
namespace {

TEST(QuoteTest, ShowsPrintableTextAsItIs) {
  EXPECT_EQ(Quote("model.layers.0"), "\"model.layers.0\"");
  EXPECT_EQ(Quote(""), "\"\"");
}

TEST(QuoteTest, EscapesWhatCouldForgeALineOrMoveACursor) {
  EXPECT_EQ(Quote("a\n\x1b[2J\"\\"), R"("a\x0a\x1b[2J\x22\x5c")");
  EXPECT_EQ(Quote("\xc3\xa9"), R"("\xc3\xa9")");
  EXPECT_EQ(Quote(std::string("\0", 1)), R"("\x00")");
}

TEST(QuoteTest, CutsLongText) {
  EXPECT_EQ(Quote("abcdef", 3), "\"abc\"...");
  EXPECT_EQ(Quote("abc", 3), "\"abc\"");
}

}  // namespace
}  // namespace revlm::base
