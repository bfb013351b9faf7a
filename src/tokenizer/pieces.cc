#include "tokenizer/pieces.h"

namespace revlm::tokenizer {

void Pieces::Add(std::string_view piece) {
  if (piece.empty()) return;
  text_ += piece;
  ends_.push_back(static_cast<uint32_t>(text_.size()));
}

void Pieces::Clear() {
  text_.clear();
  ends_.clear();
  begins_text = false;
}

std::optional<SplitBehavior> SplitBehaviorOf(std::string_view name) {
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  return std::nullopt;
}

void AddSplit(std::string_view text, const std::vector<Span>& spans,
              SplitBehavior behavior, Pieces* pieces) {
  // True when the span after the i-th belongs to the same piece.
  const auto joins_next = [&](size_t i) {
    if (i + 1 == spans.size()) return false;
    const bool first = spans[i].is_match;
    const bool second = spans[i + 1].is_match;
    switch (behavior) {
      case SplitBehavior::kRemoved:
      case SplitBehavior::kIsolated:
        return false;
      case SplitBehavior::kMergedWithPrevious:
        return second && !first;
      case SplitBehavior::kMergedWithNext:
        return first && !second;
      case SplitBehavior::kContiguous:
        return first == second;
    }
    return false;
  };
  size_t i = 0;
  while (i < spans.size()) {
    const size_t first = i;
    while (joins_next(i)) ++i;
    const bool is_removed =
        behavior == SplitBehavior::kRemoved && spans[first].is_match;
    if (!is_removed) {
      pieces->Add(
          text.substr(spans[first].begin, spans[i].end - spans[first].begin));
    } else if (pieces->size() == 0) {
      pieces->begins_text = false;
    }
    ++i;
  }
}

}  // namespace revlm::tokenizer
