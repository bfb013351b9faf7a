#include "base/names.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

namespace revlm::base {
namespace {

TEST(NamesTest, TheFirstAreNamedAndTheOthersCounted) {
  const std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  EXPECT_EQ(NameSome(std::span(names).first(1)), "a");
  EXPECT_EQ(NameSome(std::span(names).first(2)), "a and b");
  EXPECT_EQ(NameSome(std::span(names).first(3)), "a, b and c");
  EXPECT_EQ(NameSome(names), "a, b, c and 2 more");
  EXPECT_EQ(NameSome(names, 1), "a and 4 more");
}

}  // namespace
}  // namespace revlm::base
