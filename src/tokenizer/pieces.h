// The pieces that text is split into before the model sees it, and the ways to
// split one further.
//
// Threads: thread-compatible values. Memory: the bytes of the pieces and 4
// bytes a piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/pattern.h"

namespace revlm::tokenizer {

// Strings, kept one after the other in one buffer.
class Pieces {
 public:
  // Drops empty ones.
  void Add(std::string_view piece);
  void Clear();

  size_t size() const { return ends_.size(); }
  size_t num_bytes() const { return text_.size(); }
  std::string_view operator[](size_t i) const {
    const uint32_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }

  // True when the first piece starts where the text to encode does.
  bool begins_text = false;

 private:
  std::string text_;
  std::vector<uint32_t> ends_;
};

// What becomes of the matches when a piece is split at them.
enum class SplitBehavior {
  kRemoved,
  kIsolated,            // each is a piece
  kMergedWithPrevious,  // ends the piece before it
  kMergedWithNext,      // begins the piece after it
  kContiguous,          // each run of them is a piece
};

// "Removed", "Isolated", ... as files name them.
std::optional<SplitBehavior> SplitBehaviorOf(std::string_view name);

// Adds to `pieces` the parts of `text` that `spans`, which cover it, make.
// When the first part of all is removed, `pieces` no longer begins the text.
void AddSplit(std::string_view text, const std::vector<Span>& spans,
              SplitBehavior behavior, Pieces* pieces);

}  // namespace revlm::tokenizer
