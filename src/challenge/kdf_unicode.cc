#include <string>
#include <string_view>

#include "challenge/kdf_methods.h"
#include "challenge/parameters.h"
#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

// A statement and an opening in which `write` writes each character, and knows
// whether it is one that the strength takes in: strength in ten, or all at 5.
template <typename WriteCharacter>
std::string ChangeCharacters(Draws& draws, uint64_t strength,
                             WriteCharacter write) {
  const std::string statement = DrawStatement(draws);
  const std::string plain = statement + " " + DrawOpening(draws);
  std::string text;
  for (const char c : plain) {
    const bool is_taken = draws.Below(10) < strength || strength == kNumLevels;
    if (is_taken) {
      write(c, text);
    } else {
      text += c;
    }
  }
  return text;
}

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string WriteCombining(Draws& draws, uint64_t strength) {
  static constexpr std::string_view kMarks[] = {
      "\u0300", "\u0301", "\u0302", "\u0303", "\u0304", "\u0306",
      "\u0307", "\u0308", "\u030a", "\u030c", "\u0323", "\u0327",
      "\u0328", "\u0331", "\u0336", "\u0338"};
  return ChangeCharacters(draws, strength, [&](char c, std::string& text) {
    text += c;
    if (!IsLetter(c)) return;
    for (uint64_t i = 1 + draws.Below((strength + 1) / 2); i > 0; --i) {
      text += DrawOne(kMarks, draws);
    }
  });
}

// U+FF01 to U+FF5E are the printable characters of ASCII, wide, in three bytes.
void AppendWide(char c, std::string& text) {
  if (c == ' ') {
    text += "\u3000";
    return;
  }
  const auto value = static_cast<unsigned>(0xff01 + (c - '!'));
  text += static_cast<char>(0xe0 | value >> 12);
  text += static_cast<char>(0x80 | (value >> 6 & 0x3f));
  text += static_cast<char>(0x80 | (value & 0x3f));
}

std::string WriteFullwidth(Draws& draws, uint64_t strength) {
  return ChangeCharacters(draws, strength, &AppendWide);
}

// Letters of other alphabets that look like those of ours.
std::string WriteConfusables(Draws& draws, uint64_t strength) {
  static constexpr std::string_view kOurs = "aceijopsxyABEHIKMNOPTXYZ";
  static constexpr std::string_view kTheirs[] = {
      "а", "с", "е", "і", "ј", "о", "р", "ѕ", "х", "у", "Α", "В",
      "Ε", "Н", "Ι", "К", "М", "Ν", "О", "Р", "Т", "Х", "Υ", "Ζ"};
  static_assert(kOurs.size() == std::size(kTheirs));
  return ChangeCharacters(draws, strength, [](char c, std::string& text) {
    const size_t place = kOurs.find(c);
    if (place == kOurs.npos) {
      text += c;
    } else {
      text += kTheirs[place];
    }
  });
}

struct Pair {
  std::string_view open;
  std::string_view close;
};

// Every mark that opens is closed before the text ends.
std::string WriteBidi(Draws& draws, uint64_t strength) {
  static constexpr Pair kPairs[] = {{"\u202b", "\u202c"}, {"\u202e", "\u202c"},
                                    {"\u2067", "\u2069"}, {"\u2068", "\u2069"},
                                    {"\u200f", "\u200e"}, {"\u202d", "\u202c"}};
  static constexpr std::string_view kWords[] = {"שלום", "סוף", "سلام", "كتاب",
                                                "ירוק", "قمر", "גשם",  "باب"};
  const std::string statement = DrawStatement(draws);
  const std::string plain = statement + " " + DrawOpening(draws);
  std::string text;
  std::string_view pending;  // closes the mark that is open
  for (const char c : plain) {
    if (c == ' ') {
      text += pending;
      pending = {};
    }
    text += c;
    if (c != ' ' || draws.Below(kNumLevels + 1) >= strength) continue;
    const Pair& pair = DrawOne(kPairs, draws);
    text += pair.open;
    pending = pair.close;
    if (draws.Below(4) == 0) {
      text.append(DrawOne(kWords, draws)).append(" ");
    }
  }
  return text.append(pending);
}

std::string WriteEmoji(Draws& draws, uint64_t strength) {
  // Some are sequences: joined, with a colour of skin, flags, keycaps.
  static constexpr std::string_view kEmoji[] = {
      "😀",          "🎈",
      "🌍",          "🍎",
      "🚲",          "🐢",
      "🎵",          "🌧",
      "🔑",          "📚",
      "🧩",          "🍋",
      "🐝",          "🎲",
      "🦊",          "⛵",
      "🪴",          "✂️",
      "👩‍🚀", "👨‍👩‍👧",
      "👋🏽",        "🏳️‍🌈",
      "🇫🇮",          "🇰🇪",
      "3️⃣",           "♻️"};
  const std::string statement = DrawStatement(draws);
  const std::string plain = statement + " " + DrawOpening(draws);
  std::string text;
  for (const char c : plain) {
    if (c != ' ' || draws.Below(kNumLevels) >= strength) {
      text += c;
      continue;
    }
    text += c;
    for (uint64_t i = draws.Below(strength); i < strength; i += 2) {
      text += DrawOne(kEmoji, draws);
    }
    if (draws.Below(2) == 0) text += ' ';
  }
  return text.append(" ").append(DrawOne(kEmoji, draws));
}

std::string WriteZeroWidth(Draws& draws, uint64_t strength) {
  static constexpr std::string_view kUnseen[] = {
      "\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\ufeff", "\u034f"};
  return ChangeCharacters(draws, strength, [&](char c, std::string& text) {
    text.append(1, c).append(DrawOne(kUnseen, draws));
  });
}

constexpr KdfMethod kMethods[] = {
    {"combining", "marks on letters break words into single characters",
     &WriteCombining},
    {"fullwidth", "wide letters are the same text in tokens rarely seen",
     &WriteFullwidth},
    {"confusables", "letters of other alphabets look alike and are not",
     &WriteConfusables},
    {"bidi", "marks of direction and words of other scripts break up a text",
     &WriteBidi},
    {"emoji", "sequences of emoji become many tokens with open ends",
     &WriteEmoji},
    {"zero_width", "characters that are not seen break up words",
     &WriteZeroWidth},
};

}  // namespace

std::span<const KdfMethod> UnicodeMethods() { return kMethods; }

}  // namespace revlm::challenge
