// What a tokenizer file searches for in text: a fixed string or a regular
// expression.
//
// Threads: a `Pattern` is immutable; a `Matcher` belongs to one thread and must
// not outlive its pattern. Errors: kUnsupported for an expression that does not
// compile or needs more steps than allowed on some text. The steps are bounded
// because expressions come from strangers: an exponential one ends in an error.
// One that looks far ahead from every character still takes time quadratic in
// the length of the text; those of the tokenizers in use do not.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;
struct pcre2_real_match_context_8;
struct pcre2_real_jit_stack_8;

namespace revlm::tokenizer {

// Part of a text: found, or between what was found.
struct Span {
  uint32_t begin;
  uint32_t end;
  bool is_match;

  bool operator==(const Span&) const = default;
};

class Pattern {
 public:
  static Result<Pattern> Literal(std::string text, const std::string& source);
  static Result<Pattern> Regex(std::string expression,
                               const std::string& source);
  // Reads {"String": "..."} or {"Regex": "..."}.
  static Result<Pattern> FromJson(const base::Json& json,
                                  const std::string& source);

  // The string or expression, for messages.
  const std::string& text() const { return text_; }

 private:
  friend class Matcher;
  struct CodeDeleter {
    void operator()(pcre2_real_code_8* code) const;
  };

  std::string text_;
  std::unique_ptr<pcre2_real_code_8, CodeDeleter> code_;  // of an expression
};

// Searches texts with a pattern, reusing its working memory.
class Matcher {
 public:
  explicit Matcher(const Pattern& pattern);

  // The spans of valid UTF-8 `text`, in order and without gaps. A match may be
  // empty, but not where the one before ended.
  Status Find(std::string_view text, std::vector<Span>* spans);

 private:
  struct Deleter {
    void operator()(pcre2_real_match_data_8* data) const;
    void operator()(pcre2_real_match_context_8* context) const;
    void operator()(pcre2_real_jit_stack_8* stack) const;
  };

  // A code of PCRE2.
  int Match(std::string_view text, size_t start);
  // The first match at or after `start`: false when there is none.
  Result<bool> Next(std::string_view text, size_t start, Span* match);

  const Pattern& pattern_;
  std::unique_ptr<pcre2_real_match_data_8, Deleter> data_;
  std::unique_ptr<pcre2_real_jit_stack_8, Deleter> jit_stack_;
  std::unique_ptr<pcre2_real_match_context_8, Deleter> context_;
};

}  // namespace revlm::tokenizer
