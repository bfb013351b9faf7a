#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

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

TEST(JsonTest, AStringIsAppendedAsAValueIsPrinted) {
  std::vector<std::string> texts = {"", "plain", "Gr\xc3\xbc\xc3\x9f", "\xff",
                                    "a\xed\xa0\x80z"};
  for (int c = 0; c < 256; ++c) {
    texts.push_back("a" + std::string(1, static_cast<char>(c)) + "z");
  }
  for (const std::string& text : texts) {
    std::string out = "[";
    AppendJsonString(text, out);
    EXPECT_EQ(out, "[" + Json(text).dump(-1, ' ', false,
                                         Json::error_handler_t::replace));
  }
}

// Writes down what it gets.
class Recorder : public JsonSink {
 public:
  Status Open(char bracket) override { return Note({&bracket, 1}); }
  Status Close() override { return Note("end"); }
  Status Key(std::string_view name) override { return Note(name); }
  Status String(std::string_view value) override {
    if (value == "bad") return MakeError(ErrorCode::kUnsupported, "no bad");
    return Note(value);
  }
  Status Integer(int64_t value) override { return Note(std::to_string(value)); }
  Status Other(std::string_view found) override { return Note(found); }

  std::string notes;

 private:
  Status Note(std::string_view what) {
    notes.append(what).append(" ");
    return {};
  }
};

TEST(JsonTest, SinkTakesTheContainerAtItsPathOnly) {
  Recorder recorder;
  const JsonRoute routes[] = {{{"a", "b"}, &recorder}};
  auto parsed = ParseJsonWithSinks(
      R"({"b": {"x": 1}, "a": {"c": 2, "b": {"k": [1, "s", -2.5, true, null,
          18446744073709551615]}, "d": {"b": [7]}}, "e": [{"b": 1}]})",
      "f.json", {}, routes);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(recorder.notes,
            "{ k [ 1 s -2.5 true null 18446744073709551615 end end ");
  EXPECT_EQ(parsed->dump(), R"({"a":{"b":{},"c":2,"d":{"b":[7]}},)"
                            R"("b":{"x":1},"e":[{"b":1}]})");
}

TEST(JsonTest, SinkErrorsAndDepthStopTheParse) {
  Recorder recorder;
  const JsonRoute routes[] = {{{"a"}, &recorder}};
  auto bad = ParseJsonWithSinks(R"({"a": ["bad"]})", "f.json", {}, routes);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "f.json: no bad");
  EXPECT_EQ(bad.error().code, ErrorCode::kUnsupported);
  auto deep = ParseJsonWithSinks(R"({"a": [[[1]]]})", "f.json",
                                 {.max_depth = 3}, routes);
  ASSERT_FALSE(deep);
  EXPECT_THAT(deep.error().message, HasSubstr("nesting deeper than 3"));
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
