#include "tokenizer/marked_text.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace revlm::tokenizer {

void MarkedText::Mark(size_t begin, size_t end) {
  if (begin == end) return;
  if (!content_.empty() && content_.back().end == begin) {
    content_.back().end = static_cast<uint32_t>(end);
  } else {
    content_.push_back(
        {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
  }
}

void MarkedText::Append(std::string_view text, Origin origin) {
  const size_t begin = text_.size();
  text_ += text;
  if (origin == Origin::kContent) Mark(begin, text_.size());
}

void MarkedText::Append(const MarkedText& text) {
  const size_t begin = text_.size();
  text_ += text.text_;
  for (const Part& part : text.content_) {
    Mark(begin + part.begin, begin + part.end);
  }
}

MarkedText MarkedText::Slice(size_t begin, size_t end) const {
  MarkedText slice;
  slice.text_ = text_.substr(begin, end - begin);
  const auto first = std::ranges::partition_point(
      content_, [begin](const Part& part) { return part.end <= begin; });
  for (auto part = first; part != content_.end() && part->begin < end; ++part) {
    slice.Mark(std::max<size_t>(part->begin, begin) - begin,
               std::min<size_t>(part->end, end) - begin);
  }
  return slice;
}

MarkedText MarkedText::WithText(std::string text) const {
  REVLM_CHECK(text.size() == text_.size());
  MarkedText other;
  other.text_ = std::move(text);
  other.content_ = content_;
  return other;
}

}  // namespace revlm::tokenizer
