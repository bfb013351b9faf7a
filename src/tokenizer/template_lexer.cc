#include "tokenizer/template_lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/quote.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;
using Kind = Lexeme::Kind;

constexpr std::array<std::string_view, 6> kLongOperators = {
    "==", "!=", "<=", ">=", "//", "**"};
constexpr std::string_view kShortOperators = "+-/*%~[](){}<>=.:|,;";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Newlines as "\n", the last one dropped.
std::string WithPlainNewlines(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      plain += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else {
      plain += text[i];
    }
  }
  if (plain.ends_with('\n')) plain.pop_back();
  return plain;
}

size_t EndOfSpaceAt(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const CodePoint point = DecodeUtf8(text, begin);
    if (!IsPythonSpace(point.value)) break;
    begin += point.length;
  }
  return begin;
}

std::string_view WithoutSpaceBehind(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = DecodeUtf8Before(text, text.size());
    if (!IsPythonSpace(point.value)) break;
    text.remove_suffix(point.length);
  }
  return text;
}

class Cutter {
 public:
  Cutter(std::string_view text, const std::string& source)
      : text_(text), source_(source) {}

  Result<std::vector<Lexeme>> Run();

 private:
  char At(size_t position) const {
    return position < text_.size() ? text_[position] : '\0';
  }
  void MoveTo(size_t position) {
    line_ += static_cast<uint32_t>(
        std::ranges::count(text_.substr(at_, position - at_), '\n'));
    at_ = position;
  }
  void Push(Kind kind, std::string text) {
    lexemes_.push_back({kind, std::move(text), line_});
  }
  // One as long as `num_bytes`.
  void Take(Kind kind, size_t num_bytes) {
    Push(kind, std::string(text_.substr(at_, num_bytes)));
    MoveTo(at_ + num_bytes);
  }
  std::unexpected<Error> Fail(ErrorCode code, std::string_view what) const {
    return MakeError(code, "{}{}", AtLine(source_, line_), what);
  }

  size_t FindOpening() const;
  void TakeText(size_t end);
  Status SkipComment();
  // What is between delimiters, and the closing one.
  Status TakeInside(bool is_print);
  bool TakeClosing(bool is_print);
  Status TakeOne();
  Status TakeInteger();
  Status TakeString();
  Status TakeEscape(std::string& value);
  Status TakeOperator();

  std::string_view text_;
  const std::string& source_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  bool is_line_start_ = true;
  int depth_ = 0;  // of open brackets
  std::vector<Lexeme> lexemes_;
};

size_t Cutter::FindOpening() const {
  for (size_t i = at_;; ++i) {
    i = text_.find('{', i);
    if (i == std::string_view::npos) return text_.size();
    const char next = At(i + 1);
    if (next == '{' || next == '%' || next == '#') return i;
  }
}

// The text from here to the delimiter at `end`, less what that takes from it.
void Cutter::TakeText(size_t end) {
  std::string_view text = text_.substr(at_, end - at_);
  const char sign = At(end + 2);
  if (end < text_.size()) {
    if (sign == '-') {
      text = WithoutSpaceBehind(text);
    } else if (sign != '+' && text_[end + 1] != '{') {
      const size_t newline = text.rfind('\n');
      const bool has_newline = newline != std::string_view::npos;
      const size_t line_begin = has_newline ? newline + 1 : 0;
      if ((has_newline || is_line_start_) &&
          EndOfSpaceAt(text, line_begin) == text.size()) {
        text = text.substr(0, line_begin);
      }
    }
  }
  if (!text.empty()) Push(Kind::kText, std::string(text));
  MoveTo(end);
}

Status Cutter::SkipComment() {
  const size_t close = text_.find("#}", at_);
  if (close == std::string_view::npos) {
    return Fail(ErrorCode::kCorrupt, "a comment without an end");
  }
  const char sign = close > at_ ? text_[close - 1] : '\0';
  size_t end = close + 2;
  if (sign == '-') {
    end = EndOfSpaceAt(text_, end);
  } else if (sign != '+' && At(end) == '\n') {
    ++end;
  }
  MoveTo(end);
  is_line_start_ = text_[end - 1] == '\n';
  return {};
}

bool Cutter::TakeClosing(bool is_print) {
  if (depth_ > 0) return false;
  const std::string_view close = is_print ? "}}" : "%}";
  const char first = At(at_);
  const bool has_sign = first == '-' || (first == '+' && !is_print);
  const size_t begin = at_ + (has_sign ? 1 : 0);
  if (text_.substr(begin, 2) != close) return false;
  size_t end = begin + 2;
  if (first == '-') {
    end = EndOfSpaceAt(text_, end);
  } else if (!has_sign && !is_print && At(end) == '\n') {
    ++end;
  }
  Push(is_print ? Kind::kClosePrint : Kind::kCloseTag, std::string(close));
  MoveTo(end);
  is_line_start_ = text_[end - 1] == '\n';
  return true;
}

Status Cutter::TakeInside(bool is_print) {
  depth_ = 0;
  for (bool is_first = true;; is_first = false) {
    MoveTo(EndOfSpaceAt(text_, at_));
    if (TakeClosing(is_print)) return {};
    if (at_ == text_.size()) {
      return Fail(ErrorCode::kCorrupt,
                  is_print
                      ? "found the end of the template, \"}}\" is missing"
                      : "found the end of the template, \"%}\" is missing");
    }
    REVLM_TRY(TakeOne());
    if (is_first && !is_print && lexemes_.back().kind == Kind::kName &&
        lexemes_.back().text == "raw") {
      // What follows would have to be cut otherwise.
      return Fail(ErrorCode::kUnsupported, "tag \"raw\" is not supported");
    }
  }
}

Status Cutter::TakeOne() {
  const char c = text_[at_];
  if (IsNameStart(c)) {
    size_t end = at_ + 1;
    while (IsNameStart(At(end)) || IsDigit(At(end))) ++end;
    Take(Kind::kName, end - at_);
    return {};
  }
  if (IsDigit(c)) return TakeInteger();
  if (c == '"' || c == '\'') return TakeString();
  return TakeOperator();
}

Status Cutter::TakeInteger() {
  size_t end = at_;
  while (IsDigit(At(end))) ++end;
  const bool is_fraction = At(end) == '.' && IsDigit(At(end + 1));
  const bool has_leading_zero = text_[at_] == '0' && end > at_ + 1;
  if (is_fraction || has_leading_zero || IsNameStart(At(end)) ||
      end - at_ > 18) {
    while (IsDigit(At(end)) || IsNameStart(At(end)) || At(end) == '.') ++end;
    return Fail(ErrorCode::kUnsupported,
                fmt::format("number {} is not supported, only decimal integers "
                            "of up to 18 digits are",
                            base::Quote(text_.substr(at_, end - at_))));
  }
  Take(Kind::kInteger, end - at_);
  return {};
}

// The escape at at_, a backslash.
Status Cutter::TakeEscape(std::string& value) {
  static constexpr std::string_view kLetters = "ntr\\'\"";
  static constexpr std::string_view kMeant = "\n\t\r\\'\"";
  static constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
  const char c = At(at_ + 1);
  const size_t simple = kLetters.find(c);
  if (simple != std::string_view::npos) {
    value += kMeant[simple];
    at_ += 2;
    return {};
  }
  const size_t num_digits = c == 'x' ? 2 : c == 'u' ? 4 : 0;
  const std::string_view digits =
      text_.substr(std::min(at_ + 2, text_.size()), num_digits);
  char32_t code = 0;
  for (const char digit : digits) {
    const size_t nibble = kHexDigits.find(digit);
    if (nibble == std::string_view::npos) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("escape {} is not one",
                              base::Quote(text_.substr(at_, 2 + num_digits))));
    }
    code = code * 16 + static_cast<char32_t>(nibble < 16 ? nibble : nibble - 6);
  }
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (num_digits == 0 || digits.size() < num_digits || is_surrogate) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("escape {} is not supported",
                            base::Quote(text_.substr(at_, 2 + num_digits))));
  }
  AppendUtf8(code, &value);
  at_ += 2 + num_digits;
  return {};
}

Status Cutter::TakeString() {
  const char quote = text_[at_];
  const uint32_t line = line_;
  const size_t begin = at_++;
  std::string value;
  while (at_ < text_.size() && text_[at_] != quote) {
    if (text_[at_] == '\\') {
      REVLM_TRY(TakeEscape(value));
    } else {
      value += text_[at_++];
    }
  }
  if (at_ == text_.size()) {
    return Fail(ErrorCode::kCorrupt, "a string without an end");
  }
  const size_t end = at_ + 1;
  at_ = begin;
  MoveTo(end);
  lexemes_.push_back({Kind::kString, std::move(value), line});
  return {};
}

Status Cutter::TakeOperator() {
  const std::string_view two = text_.substr(at_, 2);
  if (std::ranges::find(kLongOperators, two) != kLongOperators.end()) {
    Take(Kind::kOperator, 2);
    return {};
  }
  const char c = text_[at_];
  if (kShortOperators.find(c) == std::string_view::npos) {
    const size_t length = DecodeUtf8(text_, at_).length;
    return Fail(ErrorCode::kCorrupt,
                fmt::format("found {}, which is not of the template language",
                            base::Quote(text_.substr(at_, length))));
  }
  if (c == '(' || c == '[' || c == '{') ++depth_;
  // One that closes nothing is the parser's to find.
  if (c == ')' || c == ']' || c == '}') depth_ = std::max(depth_ - 1, 0);
  Take(Kind::kOperator, 1);
  return {};
}

Result<std::vector<Lexeme>> Cutter::Run() {
  while (true) {
    TakeText(FindOpening());
    if (at_ == text_.size()) break;
    const char opening = text_[at_ + 1];
    const char sign = At(at_ + 2);
    if (opening != '#') {
      Push(opening == '{' ? Kind::kOpenPrint : Kind::kOpenTag,
           std::string(text_.substr(at_, 2)));
    }
    MoveTo(at_ + (sign == '-' || sign == '+' ? 3 : 2));
    if (opening == '#') {
      REVLM_TRY(SkipComment());
    } else {
      REVLM_TRY(TakeInside(opening == '{'));
    }
  }
  Push(Kind::kEnd, "the end of the template");
  return std::move(lexemes_);
}

}  // namespace

bool IsPythonSpace(char32_t value) {
  return IsWhitespace(value) || (value >= 0x1C && value <= 0x1F);
}

std::string AtLine(const std::string& source, uint32_t line) {
  return fmt::format("{}, line {}: ", source, line);
}

Result<std::vector<Lexeme>> CutTemplate(std::string_view text,
                                        const std::string& source) {
  const std::string plain = WithPlainNewlines(text);
  return Cutter(plain, source).Run();
}

}  // namespace revlm::tokenizer
