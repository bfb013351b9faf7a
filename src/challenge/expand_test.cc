#include "challenge/expand.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace revlm::challenge {
namespace {

constexpr WordList kLists[] = {
    {"colour", "red|green|blue"},
    {"one", "only"},
    {"pair", "{colour} and {colour}"},
};

std::string ExpandAt(std::string_view text, uint64_t idx) {
  Draws draws({}, idx);
  return Expand(text, kLists, draws);
}

TEST(ExpandTest, TextWithoutSlotsIsItself) {
  EXPECT_EQ(ExpandAt("", 0), "");
  EXPECT_EQ(ExpandAt("a|b: {{\"c\": {{}}}}", 0), "a|b: {\"c\": {}}");
}

TEST(ExpandTest, ASlotTakesEveryWordAndEveryNumberOfItsRange) {
  std::set<std::string> words;
  std::set<std::string> numbers;
  for (uint64_t idx = 0; idx < 200; ++idx) {
    words.insert(ExpandAt("<{colour}>", idx));
    numbers.insert(ExpandAt("{8-11}", idx));
  }
  EXPECT_EQ(words, (std::set<std::string>{"<red>", "<green>", "<blue>"}));
  EXPECT_EQ(numbers, (std::set<std::string>{"8", "9", "10", "11"}));
}

TEST(ExpandTest, WordsMayHaveSlots) {
  std::set<std::string> pairs;
  for (uint64_t idx = 0; idx < 200; ++idx) {
    pairs.insert(ExpandAt("{pair}", idx));
  }
  EXPECT_EQ(pairs.size(), 9u);
}

TEST(ExpandTest, AVariableIsWrittenAgainAsItWas) {
  for (uint64_t idx = 0; idx < 20; ++idx) {
    const std::string text = ExpandAt("{pair:p}={:p}", idx);
    EXPECT_EQ(text.substr(0, text.find('=')), text.substr(text.find('=') + 1));
  }
  EXPECT_EQ(ExpandAt("{!one:a}{!7-7:b}<{:a}{:b}>", 0), "<only7>");
}

TEST(ExpandTest, RememberedWordsOfOneListDiffer) {
  std::set<std::string> orders;
  for (uint64_t idx = 0; idx < 200; ++idx) {
    const std::string text = ExpandAt("{colour:a} {colour:b} {colour:c}", idx);
    orders.insert(text);
    EXPECT_NE(text.find("red"), text.npos);
    EXPECT_NE(text.find("green"), text.npos);
    EXPECT_NE(text.find("blue"), text.npos);
  }
  EXPECT_EQ(orders.size(), 6u);
}

TEST(ExpandTest, SumsFollowTheUsualOrder) {
  EXPECT_EQ(ExpandAt("{!5-5:a}{!3-3:b}{=a+2*b} {=a-b*b+1} {=10*a*b-a} {=7}", 0),
            "11 -3 145 7");
}

}  // namespace
}  // namespace revlm::challenge
