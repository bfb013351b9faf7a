#include <fmt/format.h>

#include <string>
#include <string_view>

#include "challenge/dynamic_kinds.h"
#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

// Of the vocabulary: a word, or a few.
constexpr std::string_view kWords[] = {"{stuff}", "{tool}",    "{agent}",
                                       "{unit}",  "{quality}", "{aspect}",
                                       "{site}",  "{colour}",  "{2-99}"};

std::string DrawWord(DynamicComposer& composer) {
  return composer.Expanded(DrawOne(kWords, composer.draws()));
}

std::string ComposeAlmostEmpty(DynamicComposer& composer) {
  static constexpr std::string_view kBefore[] = {
      "",   "",  "",   " ",   "\n",  "- ",  "* ", "# ",
      "> ", "(", "\"", "...", "1. ", "a) ", "\t"};
  static constexpr std::string_view kAfter[] = {
      "",  "",   ".",  ":",    ",",  ";",  "?",   "!",   " -", "...",
      ")", "\"", "\n", "\n\n", " =", " /", ":\n", " & ", "'s", "-"};
  Draws& draws = composer.draws();
  std::string word = DrawWord(composer);
  if (draws.Below(3) == 0) word = Capitalised(std::move(word));
  std::string text(DrawOne(kBefore, draws));
  text += word;
  text += DrawOne(kAfter, draws);
  if (draws.Below(2) == 0) text += DrawOne(kAfter, draws);
  return text;
}

// One to three words in a pattern, 3 to 16 in all; another may end it.
std::string ComposeRepetition(DynamicComposer& composer) {
  static constexpr std::string_view kPatterns[] = {"a",    "ab",   "aab", "abb",
                                                   "aaab", "abac", "abba"};
  static constexpr std::string_view kGaps[] = {" ",   ", ", "\n",  "; ",
                                               " - ", ". ", " / ", ""};
  Draws& draws = composer.draws();
  const std::string_view pattern = DrawOne(kPatterns, draws);
  const std::string_view gap = DrawOne(kGaps, draws);
  const std::string words[] = {DrawWord(composer), DrawWord(composer),
                               DrawWord(composer)};
  const uint64_t num_words = 3 + draws.Below(14);
  std::string text;
  for (uint64_t i = 0; i < num_words; ++i) {
    text += words[static_cast<size_t>(pattern[i % pattern.size()] - 'a')];
    text += gap;
  }
  if (draws.Below(3) == 0) text += DrawWord(composer).append(gap);
  while (text.back() == ' ') text.pop_back();
  return text;
}

std::string ComposeLimit(DynamicComposer& composer) {
  static constexpr std::string_view kFrames[] = {
      "* {unit}: {limit}\n* {stuff}: ",
      "The {tool} shows {limit} {unit}, then",
      "{limit} {unit} of {stuff} is",
      "{aspect}: {limit}\nafter {2-9} {unit}:",
      "{unit} = {limit}\n{unit} + 1 =",
      "At {limit}, {event}, and",
      "{limit} < {limit} <",
      "Round {limit} to {2-9} places:",
      "If {aspect} is {limit} {unit}, twice as much is",
      "{{\"{unit}\": {limit}, \"{stuff}\": ",
      "{name} wrote {limit} instead of",
      "The next number after {limit} is",
      "{limit} {unit} + {2-99} {unit} =",
      "from {limit} to {limit},",
      "{limit}, {limit}, {limit},",
  };
  return composer.Expanded(DrawOne(kFrames, composer.draws()));
}

// Beginnings in several languages, with words of the domain in between.
std::string ComposeMixed(DynamicComposer& composer) {
  std::string parts = "{fragment:a}";
  const uint64_t num_parts = 2 + composer.draws().Below(3);
  for (uint64_t i = 1; i < num_parts; ++i) {
    parts +=
        fmt::format(" {} {{fragment:{}}}", DrawOne(kWords, composer.draws()),
                    static_cast<char>('a' + i));
  }
  return composer.Expanded(parts);
}

}  // namespace

std::string ComposeEdge(DynamicComposer& composer, uint64_t difficulty) {
  switch (difficulty) {
    case 1:
      return ComposeAlmostEmpty(composer);
    case 2:
      return ComposeRepetition(composer);
    case 3:
      return ComposeLimit(composer);
    case 4:
      return ComposeMixed(composer);
    default: {
      const uint64_t first = 1 + composer.draws().Below(4);
      const uint64_t second = 1 + (first + composer.draws().Below(3)) % 4;
      std::string text = ComposeEdge(composer, first);
      return text.append("\n").append(ComposeEdge(composer, second));
    }
  }
}

}  // namespace revlm::challenge
