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

// A word, or two in a pattern, up to 40 times; it may change at the end.
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
  const uint64_t num_words = 3 + draws.Below(38);
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
  static constexpr std::string_view kLimits[] = {"2147483647",
                                                 "2147483648",
                                                 "-2147483648",
                                                 "4294967295",
                                                 "4294967296",
                                                 "9223372036854775807",
                                                 "18446744073709551615",
                                                 "65535",
                                                 "255",
                                                 "127",
                                                 "1e308",
                                                 "1.8e308",
                                                 "5e-324",
                                                 "-0",
                                                 "0.1 + 0.2",
                                                 "0.30000000000000004",
                                                 "1/0",
                                                 "NaN",
                                                 "-Infinity",
                                                 "0x7fffffff",
                                                 "0xFFFFFFFF",
                                                 "999999",
                                                 "1,000,000",
                                                 "1.000.000,00",
                                                 "99.999",
                                                 "100.0 %",
                                                 "9999-12-31",
                                                 "2038-01-19 03:14:07",
                                                 "1900-02-29",
                                                 "23:59:60",
                                                 "00:00",
                                                 "31 April",
                                                 "10^100",
                                                 "0000",
                                                 "007",
                                                 "3.14159265358979",
                                                 "1_000_000",
                                                 "+1"};
  static constexpr std::string_view kFrames[] = {
      "* {unit}: #\n* {stuff}: ",
      "The {tool} shows # {unit}, then",
      "# {unit} of {stuff} is",
      "{aspect}: #\nafter {2-9} {unit}:",
      "{unit} = #\n{unit} + 1 =",
      "from # to #,",
      "At #, {event}, and",
      "# < # <",
      "Round # to {2-9} places:",
      "If {aspect} is # {unit}, twice as "
      "much is",
      "{{\"{unit}\": #, \"{stuff}\": ",
      "{name} wrote # instead of",
      "The next number after # is",
      "#, #, #,",
      "# {unit} + {2-99} {unit} ="};
  std::string text;
  const std::string frame =
      composer.Expanded(DrawOne(kFrames, composer.draws()));
  for (const char c : frame) {
    if (c == '#') {
      text += DrawOne(kLimits, composer.draws());
    } else {
      text += c;
    }
  }
  return text;
}

// The same kind of beginning in several languages, with words of the domain in
// between.
std::string ComposeMixed(DynamicComposer& composer) {
  static constexpr std::string_view kFragments[] = {"und dann kam",
                                                    "aber niemand wusste, ob",
                                                    "weil es schon spät war,",
                                                    "et puis, tout à coup,",
                                                    "parce que je n'ai pas",
                                                    "il faut que",
                                                    "pero nadie sabía",
                                                    "y entonces dijo que",
                                                    "porque no quería",
                                                    "ma non era",
                                                    "e allora decise di",
                                                    "mas ninguém viu",
                                                    "maar niemand had",
                                                    "men ingen visste att",
                                                    "mutta kukaan ei",
                                                    "ale nikt nie",
                                                    "protože včera",
                                                    "de azt mondta, hogy",
                                                    "ama hiç kimse",
                                                    "lakini hakuna mtu",
                                                    "tetapi tidak ada",
                                                    "nhưng không ai",
                                                    "но никто не",
                                                    "потому что вчера",
                                                    "але ніхто",
                                                    "αλλά κανείς δεν",
                                                    "でも、誰も",
                                                    "それから",
                                                    "但是没有人",
                                                    "因为昨天",
                                                    "하지만 아무도",
                                                    "लेकिन किसी ने",
                                                    "কিন্তু কেউ",
                                                    "แต่ไม่มีใคร",
                                                    "لكن لا أحد",
                                                    "אבל אף אחד"};
  std::string text;
  const uint64_t num_parts = 2 + composer.draws().Below(3);
  for (uint64_t i = 0; i < num_parts; ++i) {
    text += DrawOne(kFragments, composer.draws());
    if (i + 1 < num_parts) text += " " + DrawWord(composer) + " ";
  }
  return text;
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
