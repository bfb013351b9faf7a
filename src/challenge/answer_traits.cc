#include "challenge/answer_traits.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"

namespace revlm::challenge {
namespace {

constexpr size_t kMaxBytes = 4096;
constexpr size_t kMaxRefusalBytes = 120;

// In lower case.
constexpr std::array<std::string_view, 16> kRefusals = {
    "i can't",         "i can\u2019t",   "i cannot",   "i can not",
    "i'm sorry",       "i\u2019m sorry", "i am sorry", "i'm unable",
    "i am unable",     "i won't",        "as an ai",   "ich kann nicht",
    "es tut mir leid", "je ne peux pas", "lo siento",  "no puedo"};

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\t'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view Head(std::string_view answer) {
  return answer.substr(0, kMaxBytes);
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// The pieces between characters for which `is_end` holds, none of them empty.
template <typename IsEnd>
std::vector<std::string_view> Split(std::string_view text, IsEnd is_end) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const auto length =
        static_cast<size_t>(std::ranges::find_if(text, is_end) - text.begin());
    if (length > 0) pieces.push_back(text.substr(0, length));
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return pieces;
}

Script ScriptOf(char32_t c) {
  if (c <= 0x24F || (c >= 0x1E00 && c <= 0x1EFF)) return Script::kLatin;
  if (c >= 0x370 && c <= 0x3FF) return Script::kGreek;
  if (c >= 0x400 && c <= 0x52F) return Script::kCyrillic;
  if ((c >= 0x3040 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7A3) ||
      (c >= 0x20000 && c <= 0x3FFFF)) {
    return Script::kEastAsian;
  }
  return Script::kOther;
}

// Near enough for statistics: blocks of signs, not each character.
bool IsLetter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return c >= 0xC0 && c != 0xD7 && c != 0xF7 && !(c >= 0x2B0 && c <= 0x36F) &&
         !(c >= 0x2000 && c <= 0x303F) && !(c >= 0xE000 && c <= 0xF8FF) &&
         !(c >= 0xFE00 && c <= 0xFE6F) && !(c >= 0xFFF0 && c <= 0x1FFFF);
}

bool IsListLine(std::string_view line) {
  line = Trimmed(line);
  if (line.starts_with("- ") || line.starts_with("* ")) return true;
  const auto num_digits = static_cast<size_t>(
      std::ranges::find_if_not(line, IsDigit) - line.begin());
  const std::string_view rest = line.substr(num_digits);
  return num_digits > 0 && (rest.starts_with(". ") || rest.starts_with(") "));
}

bool IsCodeLine(std::string_view line) {
  line = Trimmed(line);
  return line.ends_with(';') || line.ends_with('{') || line.ends_with("):");
}

bool IsTableLine(std::string_view line) {
  return std::ranges::count(line, '|') >= 2;
}

}  // namespace

double RepetitionOf(std::string_view answer) {
  const auto words = Split(Head(answer), IsBlank);
  if (words.size() < 3) return 0;
  std::set<std::array<std::string_view, 3>> seen;
  for (size_t i = 0; i + 3 <= words.size(); ++i) {
    seen.insert({words[i], words[i + 1], words[i + 2]});
  }
  return 1 - static_cast<double>(seen.size()) /
                 static_cast<double>(words.size() - 2);
}

bool IsRefusal(std::string_view answer) {
  std::string begin(Trimmed(Head(answer)).substr(0, kMaxRefusalBytes));
  for (char& c : begin) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::ranges::any_of(kRefusals, [&](std::string_view phrase) {
    return begin.find(phrase) != begin.npos;
  });
}

std::array<double, kNumScripts> LettersOf(std::string_view answer) {
  answer = Head(answer);
  std::array<double, kNumScripts> counts = {};
  for (size_t at = 0; at < answer.size();) {
    const base::CodePoint point = base::DecodeUtf8(answer, at);
    at += point.length;
    if (point.is_valid && IsLetter(point.value)) {
      ++counts[static_cast<size_t>(ScriptOf(point.value))];
    }
  }
  return counts;
}

AnswerFormat FormatOf(std::string_view answer) {
  answer = Trimmed(Head(answer));
  if ((answer.starts_with('{') || answer.starts_with('[')) &&
      base::ParseJson(answer, "answer")) {
    return AnswerFormat::kJson;
  }
  const auto lines = Split(answer, [](char c) { return c == '\n'; });
  if (answer.find("```") != answer.npos ||
      std::ranges::count_if(lines, IsCodeLine) >= 2) {
    return AnswerFormat::kCode;
  }
  if (std::ranges::count_if(lines, IsTableLine) >= 2) {
    return AnswerFormat::kTable;
  }
  if (std::ranges::count_if(lines, IsListLine) >= 2) {
    return AnswerFormat::kList;
  }
  return AnswerFormat::kProse;
}

double NumWordsOf(std::string_view answer) {
  return static_cast<double>(Split(Head(answer), IsBlank).size());
}

}  // namespace revlm::challenge
