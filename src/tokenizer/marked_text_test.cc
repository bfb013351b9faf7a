// Marks against a reference that keeps one for each byte.
#include "tokenizer/marked_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace revlm::tokenizer {
namespace {

// 'c' for each byte of content, 't' for each other.
std::string MarksOf(const MarkedText& text) {
  std::string marks(text.size(), 't');
  uint32_t end = 0;
  for (const MarkedText::Part& part : text.content()) {
    EXPECT_TRUE(part.begin < part.end && part.end <= text.size());
    EXPECT_TRUE(part.begin > end || (part.begin == 0 && end == 0))
        << "parts touch";
    end = part.end;
    for (uint32_t i = part.begin; i < part.end; ++i) marks[i] = 'c';
  }
  return marks;
}

TEST(MarkedTextTest, AgreesWithAMarkForEachByte) {
  std::mt19937 random(1);
  const auto below = [&](size_t n) { return random() % n; };
  for (int round = 0; round < 2'000; ++round) {
    MarkedText text;
    std::string bytes;
    std::string marks;
    for (int step = 0; step < 8; ++step) {
      if (below(3) == 0) {
        const size_t begin = below(text.size() + 1);
        const size_t end = begin + below(text.size() - begin + 1);
        const MarkedText slice = text.Slice(begin, end);
        EXPECT_EQ(slice.text(), bytes.substr(begin, end - begin));
        EXPECT_EQ(MarksOf(slice), marks.substr(begin, end - begin));
        text.Append(slice);
        bytes += slice.text();
        marks += MarksOf(slice);
      } else {
        const std::string more(below(4), static_cast<char>('a' + below(26)));
        const bool is_content = below(2) == 0;
        text.Append(more, is_content ? Origin::kContent : Origin::kTemplate);
        bytes += more;
        marks += std::string(more.size(), is_content ? 'c' : 't');
      }
    }
    ASSERT_EQ(text.text(), bytes);
    ASSERT_EQ(MarksOf(text), marks);
  }
}

}  // namespace
}  // namespace revlm::tokenizer
