#include "tokenizer/token_matcher.h"

#include <algorithm>
#include <numeric>

namespace revlm::tokenizer {

TokenMatcher::TokenMatcher(std::vector<std::string> patterns) {
  for (std::string& pattern : patterns) {
    std::reverse(pattern.begin(), pattern.end());
    lengths_.push_back(static_cast<uint32_t>(pattern.size()));
  }
  std::vector<uint32_t> sorted(patterns.size());
  std::iota(sorted.begin(), sorted.end(), 0);
  std::stable_sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) {
    return patterns[a] < patterns[b];
  });
  // A node is the run of sorted patterns that share its first `depth` bytes.
  struct Run {
    size_t begin;
    size_t end;
    size_t depth;
  };
  std::vector<Run> runs = {{0, sorted.size(), 0}};
  byte_.push_back(0);
  for (size_t node = 0; node < runs.size(); ++node) {
    auto [begin, end, depth] = runs[node];
    longest_.push_back(kNone);
    first_child_.push_back(static_cast<uint32_t>(runs.size()));
    while (begin < end && lengths_[sorted[begin]] == depth) {
      longest_[node] = std::min(longest_[node], sorted[begin++]);
    }
    while (begin < end) {
      const char byte = patterns[sorted[begin]][depth];
      size_t next = begin;
      while (next < end && patterns[sorted[next]][depth] == byte) ++next;
      runs.push_back({begin, next, depth + 1});
      byte_.push_back(static_cast<unsigned char>(byte));
      begin = next;
    }
  }
  first_child_.push_back(static_cast<uint32_t>(runs.size()));
  for (uint32_t child = first_child_[0]; child < first_child_[1]; ++child) {
    root_children_[byte_[child]] = child;
  }
  LinkFailures();
}

void TokenMatcher::LinkFailures() {
  const auto num_nodes = static_cast<uint32_t>(byte_.size());
  failure_.assign(num_nodes, 0);
  for (uint32_t node = 0; node < num_nodes; ++node) {
    for (uint32_t child = first_child_[node]; child < first_child_[node + 1];
         ++child) {
      failure_[child] = node == 0 ? 0 : Step(failure_[node], byte_[child]);
      // The failure node is nearer the root, so already final.
      if (longest_[child] == kNone) {
        longest_[child] = longest_[failure_[child]];
      }
    }
  }
}

// 0 when there is none: the root is nobody's child.
uint32_t TokenMatcher::Child(uint32_t node, unsigned char byte) const {
  if (node == 0) return root_children_[byte];
  const auto begin = byte_.begin() + first_child_[node];
  const auto end = byte_.begin() + first_child_[node + 1];
  const auto found = std::lower_bound(begin, end, byte);
  if (found == end || *found != byte) return 0;
  return static_cast<uint32_t>(found - byte_.begin());
}

uint32_t TokenMatcher::Step(uint32_t node, unsigned char byte) const {
  while (true) {
    const uint32_t child = Child(node, byte);
    if (child != 0 || node == 0) return child;
    node = failure_[node];
  }
}

std::vector<TokenMatcher::Match> TokenMatcher::Find(
    std::string_view text) const {
  std::vector<Match> matches;
  if (lengths_.empty()) return matches;
  // All of them first, the last in the text first.
  uint32_t node = 0;
  for (size_t i = text.size(); i-- > 0;) {
    node = Step(node, static_cast<unsigned char>(text[i]));
    if (const uint32_t pattern = longest_[node]; pattern != kNone) {
      const auto begin = static_cast<uint32_t>(i);
      matches.push_back({begin, begin + lengths_[pattern], pattern});
    }
  }
  std::reverse(matches.begin(), matches.end());
  uint32_t end = 0;
  std::erase_if(matches, [&](const Match& match) {
    if (match.begin < end) return true;
    end = match.end;
    return false;
  });
  return matches;
}

}  // namespace revlm::tokenizer
