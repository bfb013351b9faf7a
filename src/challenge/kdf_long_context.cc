#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "challenge/kdf_methods.h"
#include "challenge/parameters.h"
#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

// Words of filler by strength. Models of 512 positions take all of them, even
// with tokenizers of few tokens: a prompt that a model refuses tells nothing.
constexpr std::array<size_t, kNumLevels> kFillerWords = {25, 50, 80, 115, 150};

size_t CountWords(std::string_view text) {
  return 1 + static_cast<size_t>(std::ranges::count(text, ' '));
}

std::vector<std::string> DrawFiller(Draws& draws, uint64_t strength) {
  std::vector<std::string> sentences;
  for (size_t num_words = 0; num_words < kFillerWords[strength - 1];) {
    sentences.push_back(DrawStatement(draws));
    num_words += CountWords(sentences.back());
  }
  return sentences;
}

// Puts `facts` among the sentences, in their order.
void Hide(const std::vector<std::string>& facts, Draws& draws,
          std::vector<std::string>& sentences) {
  std::vector<size_t> places;
  places.reserve(facts.size());
  for (size_t i = 0; i < facts.size(); ++i) {
    places.push_back(draws.Below(sentences.size() + 1));
  }
  std::ranges::sort(places);
  for (size_t i = facts.size(); i-- > 0;) {
    sentences.insert(sentences.begin() + static_cast<std::ptrdiff_t>(places[i]),
                     facts[i]);
  }
}

// Paragraphs of three to six sentences.
std::string Written(const std::vector<std::string>& sentences, Draws& draws) {
  std::string text;
  uint64_t num_left = 3 + draws.Below(4);
  for (const std::string& sentence : sentences) {
    text += sentence;
    if (--num_left == 0) {
      text += "\n\n";
      num_left = 3 + draws.Below(4);
    } else {
      text += ' ';
    }
  }
  while (text.back() == ' ' || text.back() == '\n') text.pop_back();
  return text;
}

// `count` different words of a list of the common ones.
std::vector<std::string> DrawDifferent(std::string_view list, size_t count,
                                       Draws& draws) {
  std::string slots;
  for (size_t i = 0; i < count; ++i) {
    slots += fmt::format("{{{}:{}}}|", list, static_cast<char>('a' + i));
  }
  std::vector<std::string> words;
  const std::string drawn = ExpandCommon(slots, draws);
  for (size_t begin = 0; begin < drawn.size();) {
    const size_t end = drawn.find('|', begin);
    words.push_back(drawn.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// One fact, or several of the same form, and a question about one of them.
std::string WriteNeedles(Draws& draws, uint64_t strength, size_t num_facts) {
  const std::vector<std::string> names =
      DrawDifferent("name", num_facts, draws);
  const bool is_number = draws.Below(2) == 0;
  std::vector<std::string> facts;
  facts.reserve(names.size());
  for (const std::string& name : names) {
    facts.push_back(is_number ? fmt::format("The number of {}'s locker is {}.",
                                            name, 1000 + draws.Below(9000))
                              : fmt::format("The key of {} lies {}.", name,
                                            ExpandCommon("{spot}", draws)));
  }
  std::vector<std::string> sentences = DrawFiller(draws, strength);
  Hide(facts, draws, sentences);
  const std::string& asked = names[draws.Below(names.size())];
  return Written(sentences, draws) +
         (is_number ? fmt::format("\n\nThe number of {}'s locker is", asked)
                    : fmt::format("\n\nThe key of {} lies", asked));
}

std::string WriteNeedle(Draws& draws, uint64_t strength) {
  return WriteNeedles(draws, strength, 1);
}

std::string WriteRivals(Draws& draws, uint64_t strength) {
  return WriteNeedles(draws, strength, 1 + strength);
}

// A thing is moved again and again.
std::string WriteRevision(Draws& draws, uint64_t strength) {
  const std::string object = DrawDifferent("object", 1, draws)[0];
  const std::vector<std::string> places =
      DrawDifferent("place", 1 + strength, draws);
  std::vector<std::string> facts = {
      fmt::format("The {} was in {} at first.", object, places[0])};
  for (size_t i = 1; i < places.size(); ++i) {
    facts.push_back(ExpandCommon("{name}", draws) +
                    fmt::format(" then took the {} to {}.", object, places[i]));
  }
  std::vector<std::string> sentences = DrawFiller(draws, strength);
  Hide(facts, draws, sentences);
  return Written(sentences, draws) +
         fmt::format("\n\nWhoever needs the {} now has to go to", object);
}

// The text begins again.
std::string WriteRefrain(Draws& draws, uint64_t strength) {
  const std::vector<std::string> sentences = DrawFiller(draws, strength);
  const std::string& again = sentences[draws.Below(2)];
  const size_t middle = again.find(' ', again.size() / 3);
  return Written(sentences, draws) + "\n\n" + again.substr(0, middle);
}

constexpr KdfMethod kMethods[] = {
    {"needle", "one fact has to be found again in a long text", &WriteNeedle},
    {"rivals", "one of several facts of the same form is asked for",
     &WriteRivals},
    {"revision", "the latest of several changes counts", &WriteRevision},
    {"refrain", "an early sentence begins again, far from where it was",
     &WriteRefrain},
};

}  // namespace

std::span<const KdfMethod> LongContextMethods() { return kMethods; }

}  // namespace revlm::challenge
