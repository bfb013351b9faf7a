// Finds the occurrences of many fixed strings in a text at once: from left to
// right, at each place the longest, none overlapping another.
//
// An Aho-Corasick automaton of the reversed strings, run from the end of the
// text to its start: its state at a place then knows the longest string that
// begins there, so the choice needs no second look.
//
// Threads: immutable. Memory: 13 bytes a byte of the strings. Cost: O(n) to
// find, whatever the strings and the text.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/heap_size.h"

namespace revlm::tokenizer {

class TokenMatcher {
 public:
  struct Match {
    uint32_t begin;
    uint32_t end;
    uint32_t pattern;  // index into the patterns given to the constructor
  };

  // Finds nothing.
  TokenMatcher() = default;
  // REQUIRES: no pattern is empty. Of equal patterns the first is reported.
  explicit TokenMatcher(std::vector<std::string> patterns);

  std::vector<Match> Find(std::string_view text) const;
  uint64_t heap_bytes() const {
    return base::HeapBytes(first_child_) + base::HeapBytes(byte_) +
           base::HeapBytes(failure_) + base::HeapBytes(longest_) +
           base::HeapBytes(lengths_);
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t Child(uint32_t node, unsigned char byte) const;
  uint32_t Step(uint32_t node, unsigned char byte) const;
  void LinkFailures();

  // Nodes in breadth-first order, node 0 the root: the children of node i are
  // first_child_[i] to first_child_[i + 1] - 1, by rising byte.
  std::vector<uint32_t> first_child_;
  std::vector<unsigned char> byte_;
  std::vector<uint32_t> failure_;  // the node of the longest proper suffix
  std::vector<uint32_t> longest_;  // pattern that ends here, or kNone
  std::vector<uint32_t> lengths_;  // of the patterns
  std::array<uint32_t, 256> root_children_{};  // 0: none
};

}  // namespace revlm::tokenizer
