#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "challenge/kdf_methods.h"
#include "challenge/parameters.h"
#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLetter(char c) { return IsLower(c) || IsUpper(c); }

char SwitchCase(char c) { return static_cast<char>(c ^ 0x20); }

std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

// The words of a statement and an opening.
std::vector<std::string> DrawWords(Draws& draws) {
  const std::string statement = DrawStatement(draws);
  return WordsOf(statement + " " + DrawOpening(draws));
}

// Calls `change` with the index of each of the words that it is done to: a
// share of strength / 5, and one at least.
template <typename Change>
void ForSomeWords(size_t num_words, Draws& draws, uint64_t strength,
                  Change change) {
  const uint64_t always = draws.Below(num_words);
  for (size_t i = 0; i < num_words; ++i) {
    if (draws.Below(kNumLevels) < strength || i == always) change(i);
  }
}

template <typename Change>
std::string ChangeWords(Draws& draws, uint64_t strength, Change change) {
  std::vector<std::string> words = DrawWords(draws);
  ForSomeWords(words.size(), draws, strength,
               [&](size_t i) { change(words[i]); });
  return Joined(words);
}

// A key beside `letter` on the keyboard.
char NeighbourOf(char letter, Draws& draws) {
  static constexpr std::string_view kRows[] = {"qwertyuiop", "asdfghjkl",
                                               "zxcvbnm"};
  for (const std::string_view row : kRows) {
    const size_t place = row.find(letter);
    if (place == row.npos) continue;
    if (place == 0) return row[1];
    if (place + 1 == row.size()) return row[place - 1];
    return row[draws.Below(2) == 0 ? place - 1 : place + 1];
  }
  return letter;
}

void Misspell(std::string& word, Draws& draws) {
  const size_t place = draws.Below(word.size());
  switch (draws.Below(4)) {
    case 0:  // two letters change places
      if (place + 1 < word.size()) std::swap(word[place], word[place + 1]);
      break;
    case 1:
      if (word.size() > 2) word.erase(place, 1);
      break;
    case 2:
      word.insert(place, 1, word[place]);
      break;
    default:
      word[place] = NeighbourOf(word[place], draws);
  }
}

std::string WriteTypos(Draws& draws, uint64_t strength) {
  return ChangeWords(draws, strength,
                     [&](std::string& word) { Misspell(word, draws); });
}

std::string WriteCase(Draws& draws, uint64_t strength) {
  const uint64_t manner = draws.Below(3);  // all, every second, any
  return ChangeWords(draws, strength, [&](std::string& word) {
    const uint64_t offset = draws.Below(2);
    for (size_t i = 0; i < word.size(); ++i) {
      const bool is_upper = manner == 0   ? true
                            : manner == 1 ? (i + offset) % 2 == 0
                                          : draws.Below(2) == 0;
      if (IsLetter(word[i]) && is_upper != IsUpper(word[i])) {
        word[i] = SwitchCase(word[i]);
      }
    }
  });
}

// Words are spread, set apart, or run into the one before.
std::string WriteSpacing(Draws& draws, uint64_t strength) {
  std::vector<std::string> words = DrawWords(draws);
  std::vector<size_t> num_spaces(words.size(), 1);
  ForSomeWords(words.size(), draws, strength, [&](size_t i) {
    const uint64_t manner = draws.Below(3);
    if (manner == 0) {
      std::string spread(1, words[i][0]);
      for (const char c : words[i].substr(1)) {
        spread.append(1, ' ').append(1, c);
      }
      words[i] = std::move(spread);
    } else {
      num_spaces[i] = manner == 1 ? 2 + draws.Below(3) : 0;
    }
  });
  std::string text = words[0];
  for (size_t i = 1; i < words.size(); ++i) {
    text.append(num_spaces[i], ' ').append(words[i]);
  }
  return text;
}

std::string WriteVowels(Draws& draws, uint64_t strength) {
  return ChangeWords(draws, strength, [](std::string& word) {
    std::string rest = word.substr(0, 1);  // a word keeps its first letter
    for (const char c : word.substr(1)) {
      if (std::string_view("aeiou").find(c) == std::string_view::npos) {
        rest += c;
      }
    }
    word = std::move(rest);
  });
}

std::string WriteDigits(Draws& draws, uint64_t strength) {
  static constexpr std::string_view kLetters = "abegilostz";
  static constexpr std::string_view kDigits = "4836110572";
  return ChangeWords(draws, strength, [&](std::string& word) {
    for (char& c : word) {
      const size_t place = kLetters.find(c);
      if (place != kLetters.npos && draws.Below(4) != 0) c = kDigits[place];
    }
  });
}

std::string WriteOrder(Draws& draws, uint64_t strength) {
  std::vector<std::string> words = DrawWords(draws);
  for (uint64_t i = 0; i < 2 * strength; ++i) {
    const size_t place = draws.Below(words.size() - 1);
    std::swap(words[place], words[place + 1]);
  }
  return Joined(words);
}

constexpr KdfMethod kMethods[] = {
    {"typos", "misspelt words become tokens that are rarely seen", &WriteTypos},
    {"case", "unusual capitals split words into other tokens", &WriteCase},
    {"spacing", "words spread or run together have to be found again",
     &WriteSpacing},
    {"vowels", "words without vowels have to be guessed from the rest",
     &WriteVowels},
    {"digits", "digits that stand for letters have to be read as letters",
     &WriteDigits},
    {"order", "words out of order leave the grammar open", &WriteOrder},
};

}  // namespace

std::span<const KdfMethod> PerturbationMethods() { return kMethods; }

}  // namespace revlm::challenge
