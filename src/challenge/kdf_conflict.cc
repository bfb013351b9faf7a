#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "challenge/kdf_methods.h"
#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

// Two orders that cannot both be followed.
struct Opposites {
  std::string_view one;
  std::string_view other;
};
constexpr Opposites kOpposites[] = {
    {"Answer in one word.", "Answer in at least three sentences."},
    {"Reply in French.", "Reply in German."},
    {"Use capital letters only.", "Do not use capital letters."},
    {"Write a numbered list.", "Do not write lists or numbers."},
    {"Be formal.", "Write as to an old friend."},
    {"Give the answer first.", "Give the answer in the last sentence."},
    {"Say only what is certain.", "Guess freely."},
    {"Do not ask anything back.", "End with a question."},
    {"Never say \"I\".", "Speak of yourself."},
    {"Give lengths in metres.", "Give lengths in feet."},
    {"Use no commas.", "Set a comma after every third word."},
    {"Keep to the present tense.", "Tell it as if it were long ago."},
    {"Do not repeat the question.", "Begin with the question itself."},
    {"Use short words only.", "Use the longest words there are."},
    {"Give a single example.", "Give as many examples as possible."},
    {"Write for a child.", "Write for an expert."},
    {"Rhyme.", "Do not let anything rhyme."},
    {"Answer as JSON.", "Answer in plain prose."},
};

// `count` different ones, in the order in which they were drawn, each of them
// with its orders in either order.
std::vector<Opposites> DrawOpposites(Draws& draws, size_t count) {
  std::vector<Opposites> left(std::begin(kOpposites), std::end(kOpposites));
  std::vector<Opposites> drawn;
  while (drawn.size() < count) {
    const size_t place = draws.Below(left.size());
    Opposites pair = left[place];
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(place));
    if (draws.Below(2) == 0) std::swap(pair.one, pair.other);
    drawn.push_back(pair);
  }
  return drawn;
}

std::string DrawEnd(Draws& draws) {
  static constexpr std::string_view kEnds[] = {"Answer:", "A:", "Reply:", "-",
                                               ">"};
  return std::string(DrawOne(kEnds, draws));
}

std::string WriteOpposites(Draws& draws, uint64_t strength) {
  const std::vector<Opposites> pairs = DrawOpposites(draws, strength);
  const std::string question = DrawQuestion(draws);
  const bool question_comes_first = draws.Below(2) == 0;
  std::string orders;
  for (const Opposites& pair : pairs) orders.append(pair.one).append(" ");
  for (const Opposites& pair : pairs) orders.append(pair.other).append(" ");
  orders.back() = '\n';
  std::string text = question_comes_first ? question + "\n" + orders
                                          : orders + question + "\n";
  return text + DrawEnd(draws);
}

// A series whose rule changes on the way, `strength` times.
std::string WriteChangedRule(Draws& draws, uint64_t strength) {
  uint64_t value = 3 + draws.Below(90);
  uint64_t step = 2 + draws.Below(11);
  std::string text = ExpandCommon(
      "{name} counts the {things} in steps, and the step may change.\n", draws);
  for (uint64_t part = 0; part <= strength; ++part) {
    text += fmt::format("Step {}: ", step);
    const uint64_t num_values = 2 + draws.Below(3);
    for (uint64_t i = 0; i < num_values; ++i, value += step) {
      text += fmt::format("{}, ", value);
    }
    if (part == strength) break;
    step = step % 12 + 2 + draws.Below(7);
  }
  text.pop_back();
  return text;
}

std::string WriteTwoVoices(Draws& draws, uint64_t strength) {
  const std::vector<Opposites> pairs = DrawOpposites(draws, strength);
  const std::string names = ExpandCommon("{name:a}|{name:b}|{person}", draws);
  const size_t first_end = names.find('|');
  const size_t second_end = names.find('|', first_end + 1);
  const std::string one = names.substr(0, first_end);
  const std::string other =
      names.substr(first_end + 1, second_end - first_end - 1);
  const std::string person = names.substr(second_end + 1);
  std::string text =
      fmt::format("{} asks the {}: {}\n", one, person, DrawQuestion(draws));
  for (const Opposites& pair : pairs) {
    text += fmt::format("{}: {}\n{}: {}\n", one, pair.one, other, pair.other);
  }
  return text + fmt::format("The {}:", person);
}

constexpr std::string_view kImpossible[] = {
    "Name a whole number between {3-400:n} and {=n+1}.",
    "Name the month between {month} and the {32-60}nd day of it.",
    "Write a word of {4-9} letters that has no letters.",
    "Describe a {colour:a} {object} that is {colour:b} all over.",
    "List the {2-9} cities that are north and south of {city}.",
    "Spell {name} without using any of its letters.",
    "Say on which {day:a} of the week {day:b} falls.",
    "Divide {12-98} {things} among no people.",
    "Give the last digit of {3-90} divided by three, for ever.",
    "Describe the part of the {object} that is not a part of it.",
    "Tell what the {person} from {city} thinks of a word nobody knows.",
    "Name the quietest sound that the {animal} never makes.",
};

std::string WriteImpossible(Draws& draws, uint64_t strength) {
  std::string text =
      ExpandCommon("A list of tasks for {name}, {day}:\n", draws);
  for (uint64_t i = 1; i <= strength; ++i) {
    text += fmt::format("{}. {}\n", i,
                        ExpandCommon(DrawOne(kImpossible, draws), draws));
  }
  return text + DrawEnd(draws);
}

constexpr KdfMethod kMethods[] = {
    {"opposites", "orders that contradict each other leave the choice open",
     &WriteOpposites},
    {"changed_rule", "the latest rule competes with the habit of the first",
     &WriteChangedRule},
    {"two_voices", "two people want opposite things of a third",
     &WriteTwoVoices},
    {"impossible", "what cannot be done is refused, evaded or invented",
     &WriteImpossible},
};

}  // namespace

std::span<const KdfMethod> ConflictMethods() { return kMethods; }

}  // namespace revlm::challenge
