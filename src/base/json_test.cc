#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace revlm::base {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(std::string_view text) {
  auto parsed = ParseJson(text, "f.json", {.max_depth = 4});
  return parsed ? "accepted" : parsed.error().message;
}

TEST(JsonTest, ReadsNestedValues) {
  auto parsed = ParseJson(R"({"a": [1, -2, 0.5, "x", null], "b": {"c": true}})",
                          "f.json");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->dump(), R"({"a":[1,-2,0.5,"x",null],"b":{"c":true}})");
}

TEST(JsonTest, RefusesWhatStrictJsonForbids) {
  EXPECT_THAT(ErrorOf(R"({"a":1,"a":2})"), HasSubstr("duplicate key \"a\""));
  EXPECT_THAT(ErrorOf("[[[[[1]]]]]"), HasSubstr("nesting deeper than 4"));
  EXPECT_THAT(ErrorOf("[1,]"), HasSubstr("invalid JSON at byte 4"));
  EXPECT_THAT(ErrorOf("[NaN]"), HasSubstr("f.json: invalid JSON"));
  EXPECT_THAT(ErrorOf("[1e999]"), HasSubstr("f.json"));
  EXPECT_THAT(ErrorOf("{} x"), HasSubstr("invalid JSON"));
  EXPECT_THAT(ErrorOf("\"\xff\""), HasSubstr("invalid JSON"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("invalid JSON"));
  EXPECT_THAT(ErrorOf(std::string("{}\0{", 4)), HasSubstr("at byte 3: NUL"));
}

TEST(JsonTest, DeepNestingDoesNotRecurse) {
  const std::string deep(1'000'000, '[');
  EXPECT_THAT(ErrorOf(deep), HasSubstr("nesting deeper than 4"));
}

TEST(JsonTest, GettersNameWhatTheyFoundAndAllow) {
  auto object = ParseJson(R"({"n": 7, "big": 18446744073709551615, "s": "x",
                              "none": null})",
                          "f.json");
  ASSERT_TRUE(object);
  EXPECT_EQ(GetInt(*object, "n", {0, 10}, "f").value(), 7);
  EXPECT_EQ(GetInt(*object, "none", {0, 10}, "f").value(), std::nullopt);
  auto outside = GetInt(*object, "n", {0, 6}, "f");
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().message,
            "f: \"n\" is 7, allowed is an integer from 0 to 6");
  EXPECT_FALSE(GetInt(*object, "big", {}, "f"));
  EXPECT_FALSE(GetInt(*object, "s", {}, "f"));
  EXPECT_FALSE(GetBool(*object, "s", "f"));
  EXPECT_EQ(GetString(*object, "s", "f").value(), "x");
}

TEST(JsonTest, FloatsPrintTheirShortestForm) {
  EXPECT_EQ(FloatToJson(0.1f).dump(), "0.1");
  EXPECT_EQ(FloatToJson(-3.0f).dump(), "-3.0");
  EXPECT_EQ(FloatToJson(INFINITY).dump(), "null");
}

}  // namespace
}  // namespace revlm::base
