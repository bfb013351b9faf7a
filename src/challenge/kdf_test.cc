#include "challenge/kdf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "challenge/expand_testing.h"
#include "challenge/kdf_methods.h"
#include "challenge/parameters.h"
#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

using ::testing::HasSubstr;

const Key kKey =
    DerivePromptKey(DeriveSessionKey({.seed = SeedFromNumber(2)}), kKdf.name);

std::string TextOf(std::string_view method, int strength, uint64_t index) {
  return MakeKdfChallenge(kKey, index,
                          {{{"method", std::string(method)},
                            {"strength", std::to_string(strength)}}})
      .value()
      .text;
}

std::string ErrorOf(const std::vector<Parameter>& parameters) {
  const auto challenge = MakeKdfChallenge(kKey, 0, parameters);
  return challenge ? "no error" : challenge.error().message;
}

TEST(KdfTest, ThirtyPromptsHaveEveryClassAtEveryStrength) {
  std::set<std::pair<std::string, std::string>> pairs;
  std::set<std::pair<std::string, std::string>> all_pairs;
  for (uint64_t index = 0; index < 6 * 6 * 5; ++index) {
    const auto parameters =
        MakeKdfChallenge(kKey, index, {}).value().parameters;
    ASSERT_EQ(parameters.size(), 3u);
    EXPECT_EQ(parameters[0].name, "class");
    EXPECT_EQ(parameters[1].name, "method");
    EXPECT_EQ(parameters[2].name, "strength");
    if (index < 30) pairs.insert({parameters[0].value, parameters[2].value});
    all_pairs.insert({parameters[1].value, parameters[2].value});
  }
  EXPECT_EQ(pairs.size(), 30u);
  EXPECT_EQ(all_pairs.size(), 32 * kNumLevels);  // every method, every strength
}

TEST(KdfTest, MethodsHaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  size_t num_methods = 0;
  for (const KdfClass& of_class : KdfClasses()) {
    for (const KdfMethod& method : of_class.methods) {
      names.insert(method.name);
      ++num_methods;
    }
  }
  EXPECT_EQ(num_methods, 32u);
  EXPECT_EQ(names.size(), num_methods);
}

TEST(KdfTest, EveryMethodHasThousandsOfTextsAtEveryStrength) {
  for (const KdfClass& of_class : KdfClasses()) {
    // Long texts take long, and differ in every sentence.
    const size_t count = of_class.name == "long_context" ? 200 : 2000;
    for (const KdfMethod& method : of_class.methods) {
      for (const std::string_view strength : kLevels) {
        const std::vector<Parameter> parameters = {
            {"method", std::string(method.name)},
            {"strength", std::string(strength)}};
        const auto challenges =
            GenerateChallenges(kKdf, kKey, parameters, count);
        ASSERT_TRUE(challenges) << challenges.error().message;
        // Hardly any index was skipped.
        EXPECT_LT(std::stoull(challenges->back().id.substr(4)), count * 5 / 4)
            << method.name << " " << strength;
      }
    }
  }
}

TEST(KdfTest, AMethodDecidesTheClass) {
  const auto challenge = MakeKdfChallenge(kKey, 0, {{{"method", "rivals"}}});
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->parameters[0].value, "long_context");
  EXPECT_THAT(ErrorOf({{"class", "encoding"}, {"method", "rivals"}}),
              HasSubstr("found method \"rivals\" with class \"encoding\", "
                        "allowed is it with class \"long_context\""));
  EXPECT_EQ(ErrorOf({{"class", "encoding"}, {"method", "morse"}}), "no error");
  EXPECT_THAT(ErrorOf({{"strength", "0"}}), HasSubstr("1 to 5"));
}

std::string Decode(std::string_view method, const std::string& coded) {
  std::string text;
  if (method == "reversed") return {coded.rbegin(), coded.rend()};
  if (method == "rot13") {
    for (const char c : coded) {
      const bool is_letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
      const bool is_early = (c | 0x20) < 'n';
      text += static_cast<char>(!is_letter ? c : is_early ? c + 13 : c - 13);
    }
    return text;
  }
  if (method == "hex" || method == "percent") {
    const size_t skipped = method == "percent" ? 1 : 0;
    for (size_t i = 0; i < coded.size(); i += 2 + skipped) {
      text += static_cast<char>(
          std::stoi(coded.substr(i + skipped, 2), nullptr, 16));
    }
    return text;
  }
  if (method == "base64") {
    const std::string digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0;
    int num_bits = 0;
    for (const char c : coded) {
      if (c == '=') break;
      bits = bits << 6 | static_cast<unsigned>(digits.find(c));
      num_bits += 6;
      if (num_bits >= 8) text += static_cast<char>(bits >> (num_bits -= 8));
    }
    return text;
  }
  // Morse: the tree of dots and dashes, level by level.
  const std::string tree =
      "**etianmsurwdkgohvf*l*pjbxcyzq**54*3***2*******16*"
      "******7***8*90";
  size_t node = 1;
  for (const char c : coded + " ") {
    if (c == '.' || c == '-') {
      node = 2 * node + (c == '-' ? 1 : 0);
    } else if (c == '/') {
      text += ' ';
    } else if (node > 1) {
      text += tree.at(node);
      node = 1;
    }
  }
  return text;
}

// The coded sentence of a text of strength 4.
std::string CodedIn(const std::string& text) {
  const size_t begin = text.find('\n') + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST(KdfTest, EveryCodeHidesTheSentenceOfTheDraws) {
  for (uint64_t index = 0; index < 100; ++index) {
    const std::string sentence =
        Decode("reversed", CodedIn(TextOf("reversed", 4, index)));
    EXPECT_TRUE(std::isupper(static_cast<unsigned char>(sentence.front())));
    EXPECT_EQ(sentence.back(), '.');
    for (const std::string_view method :
         {"base64", "hex", "rot13", "percent"}) {
      const std::string coded = CodedIn(TextOf(method, 4, index));
      EXPECT_NE(coded, sentence);
      EXPECT_EQ(Decode(method, coded), sentence);
    }
    std::string bare;  // of what Morse has no sign for
    for (const unsigned char c : sentence) {
      if (c == ' ' || std::isalnum(c)) {
        bare += static_cast<char>(std::tolower(c));
      }
    }
    EXPECT_EQ(Decode("morse", CodedIn(TextOf("morse", 4, index))), bare);
  }
}

TEST(KdfTest, TextCodedTwiceIsCodedByTwoCodes) {
  for (uint64_t index = 0; index < 200; ++index) {
    EXPECT_EQ(TextOf("reversed", 5, index).find("written backwards"),
              std::string::npos);
    EXPECT_EQ(TextOf("hex", 5, index).find("in hexadecimal"),
              std::string::npos);
  }
}

TEST(KdfTest, MarksOfDirectionAreClosed) {
  for (uint64_t index = 0; index < 500; ++index) {
    const std::string text = TextOf("bidi", 1 + index % 5, index);
    int num_embeddings = 0;
    int num_isolates = 0;
    for (size_t i = 0; i + 2 < text.size(); ++i) {
      const std::string_view mark = std::string_view(text).substr(i, 3);
      num_embeddings +=
          mark == "\u202b" || mark == "\u202d" || mark == "\u202e";
      num_embeddings -= mark == "\u202c";
      num_isolates += mark == "\u2067" || mark == "\u2068";
      num_isolates -= mark == "\u2069";
      ASSERT_GE(num_embeddings, 0);
      ASSERT_GE(num_isolates, 0);
    }
    EXPECT_EQ(num_embeddings, 0) << text;
    EXPECT_EQ(num_isolates, 0) << text;
  }
}

TEST(KdfTest, TheNeedleIsInTheText) {
  for (const std::string_view method : {"needle", "rivals"}) {
    for (uint64_t index = 0; index < 50; ++index) {
      const int strength = 1 + static_cast<int>(index % 5);
      const std::string text = TextOf(method, strength, index);
      const std::string asked = text.substr(text.rfind('\n') + 1);
      EXPECT_LT(text.find(asked + " "), text.size() - asked.size()) << text;
    }
  }
}

TEST(KdfTest, StrengthMakesContextsLonger) {
  for (const std::string_view method : {"needle", "revision", "refrain"}) {
    size_t previous = 0;
    for (int strength = 1; strength <= 5; ++strength) {
      const std::string text = TextOf(method, strength, 7);
      const auto num_words = static_cast<size_t>(std::ranges::count(text, ' '));
      EXPECT_GT(num_words, previous);
      previous = num_words;
    }
    EXPECT_GT(previous, 140u);
    EXPECT_LT(previous, 220u);
  }
}

TEST(KdfTest, StrengthDisturbsMoreOfAText) {
  // The same draws: the words that are kept are still there.
  for (const std::string_view method : {"digits", "confusables", "fullwidth"}) {
    std::vector<size_t> num_ascii_letters;
    for (int strength = 1; strength <= 5; ++strength) {
      size_t count = 0;
      for (uint64_t index = 0; index < 200; ++index) {
        const std::string text = TextOf(method, strength, index);
        count += static_cast<size_t>(std::ranges::count_if(text, [](char c) {
          return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        }));
      }
      num_ascii_letters.push_back(count);
    }
    EXPECT_TRUE(std::ranges::is_sorted(num_ascii_letters, std::greater<>()))
        << method;
    EXPECT_LT(num_ascii_letters.back(), num_ascii_letters.front() * 3 / 4)
        << method;
  }
}

TEST(SentencesTest, AreAsciiWithoutAWordTwice) {
  ExpectNoWordTwice(CommonWords());
  Draws draws({}, 0);
  for (int i = 0; i < 2000; ++i) {
    const std::string text =
        DrawStatement(draws) + DrawOpening(draws) + DrawQuestion(draws);
    EXPECT_TRUE(std::ranges::all_of(text, [](char c) {
      return c >= ' ' && c <= '~';
    })) << text;
  }
}

}  // namespace
}  // namespace revlm::challenge
