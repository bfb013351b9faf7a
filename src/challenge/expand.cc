#include "challenge/expand.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/check.h"

namespace revlm::challenge {
namespace {

// What a variable remembers.
struct Value {
  std::string text;
  int64_t number = 0;
  const WordList* list = nullptr;  // null: a number
  uint64_t word_idx = 0;
  bool is_set = false;
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int64_t ParseNumber(std::string_view digits) {
  int64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  REVLM_CHECK(error == std::errc() && stop == end);
  return number;
}

// Removes what comes before the first of `separators` from `rest`, and the
// separator; without one, everything.
std::string_view CutAt(std::string_view& rest, std::string_view separators) {
  const size_t end = std::min(rest.find_first_of(separators), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

std::string_view WordAt(std::string_view words, uint64_t word_idx) {
  for (uint64_t i = 0; i < word_idx; ++i) CutAt(words, "|");
  return CutAt(words, "|");
}

class Expander {
 public:
  Expander(std::span<const WordList> lists, Draws& draws)
      : lists_(lists), draws_(draws) {}

  std::string Text(std::string_view rest) {
    std::string text;
    while (!rest.empty()) {
      const char c = rest.front();
      if (c != '{' && c != '}') {
        const size_t end = std::min(rest.find_first_of("{}"), rest.size());
        text += rest.substr(0, end);
        rest.remove_prefix(end);
      } else if (rest.size() > 1 && rest[1] == c) {
        text += c;
        rest.remove_prefix(2);
      } else {
        REVLM_CHECK(c == '{' && rest.find('}') != rest.npos);
        rest.remove_prefix(1);
        text += Slot(CutAt(rest, "}"));
      }
    }
    return text;
  }

 private:
  std::string Slot(std::string_view slot) {
    if (slot.starts_with('=')) return std::to_string(Sum(slot.substr(1)));
    if (slot.starts_with(':')) return Remembered(slot.substr(1)).text;
    const bool is_silent = slot.starts_with('!');
    if (is_silent) slot.remove_prefix(1);
    const std::string_view source = CutAt(slot, ":");
    Value value = IsDigit(source.front()) ? DrawNumber(source)
                                          : DrawWord(source, !slot.empty());
    std::string text = is_silent ? std::string() : value.text;
    if (!slot.empty()) {
      Value& variable = Variable(slot);
      REVLM_CHECK(!variable.is_set);
      variable = std::move(value);
      variable.is_set = true;
    } else {
      REVLM_CHECK(!is_silent);
    }
    return text;
  }

  Value DrawNumber(std::string_view range) {
    const int64_t min = ParseNumber(CutAt(range, "-"));
    const int64_t max = ParseNumber(range);
    REVLM_CHECK(min <= max);
    const uint64_t offset = draws_.Below(static_cast<uint64_t>(max - min) + 1);
    const int64_t number = min + static_cast<int64_t>(offset);
    return {.text = std::to_string(number), .number = number};
  }

  Value DrawWord(std::string_view name, bool must_differ) {
    const auto list = std::ranges::find(lists_, name, &WordList::name);
    REVLM_CHECK(list != lists_.end());
    const auto num_words = static_cast<uint64_t>(
        1 + std::count(list->words.begin(), list->words.end(), '|'));
    std::vector<uint64_t> taken;
    for (const Value& value : variables_) {
      if (must_differ && value.list == &*list) taken.push_back(value.word_idx);
    }
    // An index among the words that are left, then among all.
    uint64_t word_idx = draws_.Below(num_words - taken.size());
    std::ranges::sort(taken);
    for (const uint64_t taken_idx : taken) word_idx += word_idx >= taken_idx;
    return {.text = Text(WordAt(list->words, word_idx)),
            .list = &*list,
            .word_idx = word_idx};
  }

  int64_t Sum(std::string_view sum) {
    int64_t total = 0;
    for (char sign = '+'; !sum.empty();) {
      const std::string_view product = sum.substr(0, sum.find_first_of("+-"));
      total += sign == '+' ? Product(product) : -Product(product);
      sum.remove_prefix(product.size());
      if (sum.empty()) break;
      sign = sum.front();
      sum.remove_prefix(1);
    }
    return total;
  }

  int64_t Product(std::string_view product) {
    REVLM_CHECK(!product.empty());
    int64_t total = 1;
    while (!product.empty()) total *= Factor(CutAt(product, "*"));
    return total;
  }

  int64_t Factor(std::string_view factor) {
    REVLM_CHECK(!factor.empty());
    if (IsDigit(factor.front())) return ParseNumber(factor);
    const Value& value = Remembered(factor);
    REVLM_CHECK(value.list == nullptr);
    return value.number;
  }

  const Value& Remembered(std::string_view name) {
    const Value& value = Variable(name);
    REVLM_CHECK(value.is_set);
    return value;
  }

  Value& Variable(std::string_view name) {
    REVLM_CHECK(name.size() == 1 && name[0] >= 'a' && name[0] <= 'z');
    return variables_[static_cast<size_t>(name[0] - 'a')];
  }

  std::span<const WordList> lists_;
  Draws& draws_;
  std::array<Value, 26> variables_;
};

}  // namespace

std::string Expand(std::string_view text, std::span<const WordList> lists,
                   Draws& draws) {
  return Expander(lists, draws).Text(text);
}

}  // namespace revlm::challenge
