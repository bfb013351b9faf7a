#include "tokenizer/pattern_syntax.h"

#include <array>

#include "base/quote.h"

namespace revlm::tokenizer {
namespace {

// The members of a class, with a property at both ends so that a neighbouring
// '-' cannot make a range of them.
constexpr std::string_view kSpace = R"(\p{Z}\t-\r\x{85}\p{Z})";
constexpr std::string_view kWord =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc})"
    R"(\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169})"
    R"(\x{1F170}-\x{1F189}\p{L})";
// What Oniguruma adds to them outside a class.
constexpr std::string_view kLatinWord = R"(\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
constexpr std::string_view kHexDigit = R"(\p{AHex})";

// What may follow "(?" besides flags.
constexpr std::array<std::string_view, 7> kGroups = {":",  "=",  "!", ">",
                                                     "<=", "<!", "#"};

class Translator {
 public:
  Translator(std::string_view expression, const std::string& source)
      : text_(expression), source_(source) {}

  Result<std::string> Run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\') {
        REVLM_TRY(Escape());
      } else if (c == '[') {
        REVLM_TRY(Class());
      } else if (c == '(') {
        REVLM_TRY(Group());
      } else if (c == '{') {
        REVLM_TRY(Interval());
      } else {
        Copy(1);
      }
    }
    return std::move(out_);
  }

 private:
  bool StartsWith(std::string_view prefix) const {
    return text_.substr(at_).starts_with(prefix);
  }
  void Copy(size_t num_bytes) {
    out_ += text_.substr(at_, num_bytes);
    at_ += num_bytes;
  }
  std::unexpected<Error> Refuse(std::string_view what) const {
    return base::MakeError(ErrorCode::kUnsupported,
                           "{}: pattern {} has {}, which is not supported",
                           source_, base::Quote(text_), what);
  }

  // "\x" outside a class.
  Status Escape() {
    if (at_ + 1 == text_.size()) return Refuse("a backslash at its end");
    switch (text_[at_ + 1]) {
      case 's':
        return Replace("[", kSpace);
      case 'S':
        return Replace("[^", kSpace);
      case 'w':
        return Replace("[", kWord, kLatinWord);
      case 'W':
        return Replace("[^", kWord, kLatinWord);
      case 'h':
        return Replace("[", kHexDigit);
      case 'H':
        return Replace("[^", kHexDigit);
      case 'b':
        return Boundary('!', '=');
      case 'B':
        return Boundary('=', '!');
      default:
        return OtherEscape();
    }
  }
  Status Replace(std::string_view open, std::string_view members,
                 std::string_view more = "") {
    out_.append(open).append(members).append(more).append("]");
    at_ += 2;
    return {};
  }
  // Between two characters: the second has to be ("=") or must not be ("!") a
  // word character, after one that is and after one that is not.
  Status Boundary(char after_word, char after_other) {
    const std::string word = fmt::format("[{}{}]", kWord, kLatinWord);
    out_ += fmt::format("(?:(?<={0})(?{1}{0})|(?<!{0})(?{2}{0}))", word,
                        after_word, after_other);
    at_ += 2;
    return {};
  }
  Status OtherEscape() {
    const char c = text_[at_ + 1];
    // Letters that mean the same to both; any other character is itself.
    static constexpr std::string_view kShared = "dDpPbBAzZtnrfaexRXkK";
    const bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    if (is_letter && kShared.find(c) == std::string_view::npos) {
      return Refuse(std::string("\\") + c);
    }
    Copy(2);
    // What belongs to the escape is not an interval.
    if (StartsWith("{") &&
        std::string_view("pPx").find(c) != std::string_view::npos) {
      const size_t end = text_.find('}', at_);
      if (end == std::string_view::npos)
        return Refuse("a brace without an end");
      Copy(end + 1 - at_);
    }
    return {};
  }

  Status Class() {
    Copy(1);
    if (StartsWith("^")) Copy(1);
    if (StartsWith("]")) return Refuse("an empty class");
    while (at_ < text_.size() && text_[at_] != ']') {
      if (StartsWith("[")) return Refuse("a class inside a class");
      if (StartsWith("&&")) return Refuse("an intersection of classes");
      if (StartsWith("\\s")) {
        out_ += kSpace;
        at_ += 2;
      } else if (StartsWith("\\w")) {
        out_ += kWord;
        at_ += 2;
      } else if (StartsWith("\\h")) {
        out_ += kHexDigit;
        at_ += 2;
      } else if (StartsWith("\\S")) {
        Copy(2);
      } else if (StartsWith("\\")) {
        if (at_ + 1 == text_.size()) return Refuse("a backslash at its end");
        REVLM_TRY(OtherEscape());
      } else {
        Copy(1);
      }
    }
    if (at_ == text_.size()) return Refuse("a class without an end");
    Copy(1);
    return {};
  }

  Status Group() {
    if (StartsWith("(*")) return Refuse("a verb");
    Copy(1);
    if (!StartsWith("?")) return {};
    Copy(1);
    for (const std::string_view group : kGroups) {
      if (StartsWith(group)) {
        Copy(group.size());
        return {};
      }
    }
    // Flags: Ruby's m is PCRE2's s.
    while (at_ < text_.size() && std::string_view("imx-").find(text_[at_]) !=
                                     std::string_view::npos) {
      out_ += text_[at_] == 'm' ? 's' : text_[at_];
      ++at_;
    }
    if (!StartsWith(":") && !StartsWith(")")) {
      return Refuse("a group of an unknown kind");
    }
    Copy(1);
    return {};
  }

  Status Interval() {
    if (StartsWith("{,")) return Refuse("an interval without a minimum");
    const size_t end = text_.find('}', at_);
    if (end == std::string_view::npos) {
      Copy(1);
      return {};
    }
    const std::string_view after = text_.substr(end + 1);
    const bool is_fixed =
        text_.substr(at_, end - at_).find(',') == std::string_view::npos;
    if (after.starts_with("+") || (is_fixed && after.starts_with("?"))) {
      return Refuse("a quantifier of an interval");
    }
    Copy(end + 1 - at_);
    return {};
  }

  const std::string_view text_;
  const std::string& source_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

Result<std::string> TranslatePattern(std::string_view expression,
                                     const std::string& source) {
  return Translator(expression, source).Run();
}

}  // namespace revlm::tokenizer
