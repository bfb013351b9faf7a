#include "tokenizer/pattern.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "base/quote.h"
#include "tokenizer/pattern_syntax.h"
#include "tokenizer/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace revlm::tokenizer {
namespace {

using base::MakeError;
using base::Quote;

// An expression that one needs is some hundred bytes long.
constexpr size_t kMaxExpressionBytes = 16 << 10;

// Steps allowed for one match: enough for a sensible expression to read the
// whole text a few times.
constexpr uint32_t kMinSteps = 100'000;
constexpr uint32_t kStepsPerByte = 16;
constexpr uint32_t kMaxHeapKib = 64 << 10;
constexpr size_t kMinJitStackBytes = 32 << 10;
constexpr size_t kMaxJitStackBytes = 4 << 20;

std::string MessageOf(int code) {
  std::array<PCRE2_UCHAR, 160> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace

void Pattern::CodeDeleter::operator()(pcre2_real_code_8* code) const {
  pcre2_code_free(code);
}
void Matcher::Deleter::operator()(pcre2_real_match_data_8* data) const {
  pcre2_match_data_free(data);
}
void Matcher::Deleter::operator()(pcre2_real_match_context_8* context) const {
  pcre2_match_context_free(context);
}
void Matcher::Deleter::operator()(pcre2_real_jit_stack_8* stack) const {
  pcre2_jit_stack_free(stack);
}

Result<Pattern> Pattern::Literal(std::string text, const std::string& source) {
  if (text.empty()) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: an empty string to search for is not supported",
                     source);
  }
  Pattern pattern;
  pattern.text_ = std::move(text);
  return pattern;
}

Result<Pattern> Pattern::Regex(std::string expression,
                               const std::string& source) {
  if (expression.size() > kMaxExpressionBytes) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: pattern {} has {} bytes, allowed are {}", source,
                     Quote(expression), expression.size(), kMaxExpressionBytes);
  }
  REVLM_ASSIGN_OR_RETURN(const std::string translated,
                         TranslatePattern(expression, source));
  Pattern pattern;
  pattern.text_ = std::move(expression);
  std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)>
      context(pcre2_compile_context_create(nullptr),
              pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pattern.code_.reset(pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
      &offset, context.get()));
  if (pattern.code_ == nullptr) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: pattern {} does not compile: {}", source,
                     Quote(pattern.text_), MessageOf(error));
  }
  // Where there is no JIT the interpreter is used.
  pcre2_jit_compile(pattern.code_.get(), PCRE2_JIT_COMPLETE);
  return pattern;
}

Result<Pattern> Pattern::FromJson(const base::Json& json,
                                  const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(auto literal, base::GetString(json, "String", source));
  if (literal) return Literal(std::move(*literal), source);
  REVLM_ASSIGN_OR_RETURN(auto regex, base::GetString(json, "Regex", source));
  if (regex) return Regex(std::move(*regex), source);
  return MakeError(ErrorCode::kCorrupt,
                   "{}: a pattern with neither \"String\" nor \"Regex\"",
                   source);
}

Matcher::Matcher(const Pattern& pattern) : pattern_(pattern) {
  if (pattern.code_ == nullptr) return;
  data_.reset(pcre2_match_data_create(1, nullptr));
  context_.reset(pcre2_match_context_create(nullptr));
  REVLM_CHECK(data_ != nullptr && context_ != nullptr);
  pcre2_set_heap_limit(context_.get(), kMaxHeapKib);
}

int Matcher::Match(std::string_view text, size_t start) {
  return pcre2_match(pattern_.code_.get(),
                     reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                     start, PCRE2_NO_UTF_CHECK, data_.get(), context_.get());
}

Result<bool> Matcher::Next(std::string_view text, size_t start, Span* match) {
  if (pattern_.code_ == nullptr) {
    const std::string& literal = pattern_.text_;
    // memmem is linear in the worst case; std::string_view::find is not.
    const void* found = memmem(text.data() + start, text.size() - start,
                               literal.data(), literal.size());
    if (found == nullptr) return false;
    const auto begin =
        static_cast<uint32_t>(static_cast<const char*>(found) - text.data());
    *match = {begin, begin + static_cast<uint32_t>(literal.size()), true};
    return true;
  }
  int code = Match(text, start);
  // Mapping a stack costs more than most matches, which do without.
  if (code == PCRE2_ERROR_JIT_STACKLIMIT && jit_stack_ == nullptr) {
    jit_stack_.reset(
        pcre2_jit_stack_create(kMinJitStackBytes, kMaxJitStackBytes, nullptr));
    pcre2_jit_stack_assign(context_.get(), nullptr, jit_stack_.get());
    code = Match(text, start);
  }
  if (code == PCRE2_ERROR_NOMATCH) return false;
  if (code < 0) {
    return MakeError(ErrorCode::kUnsupported,
                     "searching {} bytes of text for pattern {}: {}; the text "
                     "or the pattern is made to be slow",
                     text.size(), Quote(pattern_.text_), MessageOf(code));
  }
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_.get());
  // \K can move the begin of a match behind its end or before `start`.
  if (ends[0] < start || ends[1] < ends[0]) {
    return MakeError(ErrorCode::kUnsupported,
                     "pattern {} matches backwards, which is not supported",
                     Quote(pattern_.text_));
  }
  *match = {static_cast<uint32_t>(ends[0]), static_cast<uint32_t>(ends[1]),
            true};
  return true;
}

Status Matcher::Find(std::string_view text, std::vector<Span>* spans) {
  spans->clear();
  if (context_ != nullptr) {
    const uint64_t steps = kMinSteps + uint64_t{kStepsPerByte} * text.size();
    const auto limit =
        static_cast<uint32_t>(std::min<uint64_t>(steps, UINT32_MAX));
    pcre2_set_match_limit(context_.get(), limit);
    pcre2_set_depth_limit(context_.get(), limit);
  }
  uint32_t done = 0;  // where the last match ended
  bool has_match = false;
  size_t start = 0;
  Span match;
  while (start <= text.size()) {
    REVLM_ASSIGN_OR_RETURN(const bool found, Next(text, start, &match));
    if (!found) break;
    if (match.begin == match.end && has_match && match.end == done) {
      // Empty, and where the last one ended: look one character further.
      if (start == text.size()) break;
      start += DecodeUtf8(text, start).length;
      continue;
    }
    if (done < match.begin) spans->push_back({done, match.begin, false});
    spans->push_back(match);
    done = match.end;
    start = match.end;
    has_match = true;
  }
  const auto size = static_cast<uint32_t>(text.size());
  if (done < size) spans->push_back({done, size, false});
  return {};
}

}  // namespace revlm::tokenizer
