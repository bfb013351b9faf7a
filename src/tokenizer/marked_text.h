// A text that knows which of its bytes are content: what somebody wrote, not
// what the chat template put around it. The tokenizer lets content stand for
// nothing but itself (Tokenizer::EncodeMarked).
//
// Threads: thread-compatible value. Memory: the bytes, and 8 for each part of
// content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace revlm::tokenizer {

enum class Origin { kTemplate, kContent };

class MarkedText {
 public:
  struct Part {
    uint32_t begin;
    uint32_t end;

    bool operator==(const Part&) const = default;
  };

  MarkedText() = default;
  MarkedText(std::string_view text, Origin origin) { Append(text, origin); }

  // REQUIRES: no more than 4 GiB in all.
  void Append(std::string_view text, Origin origin);
  void Append(const MarkedText& text);
  // The bytes from `begin` to before `end`. REQUIRES: begin <= end <= size().
  MarkedText Slice(size_t begin, size_t end) const;
  // The same marks on another text of the same length.
  MarkedText WithText(std::string text) const;

  const std::string& text() const { return text_; }
  size_t size() const { return text_.size(); }
  // In order, none empty, none touching the next.
  const std::vector<Part>& content() const { return content_; }

  bool operator==(const MarkedText&) const = default;

 private:
  void Mark(size_t begin, size_t end);

  std::string text_;
  std::vector<Part> content_;
};

}  // namespace revlm::tokenizer
