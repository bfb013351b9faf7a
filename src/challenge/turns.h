// Whose turn it is: smooth weighted round robin.
//
// At each turn the credit of all members grows by their shares; the one with
// most credit, the first of equals, has the turn and pays the sum of all
// shares. So after any number of turns each member had its share of them to
// within one or two, spread evenly. Credits are kept when a member leaves.
//
// Threads: thread-compatible. Memory: two numbers a member. Errors: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace revlm::challenge {

class Turns {
 public:
  explicit Turns(std::span<const int> shares);  // REQUIRES: above 0

  bool empty() const;  // all have left
  // Whose turn comes next. REQUIRES: !empty().
  size_t Peek() const;
  void Advance();
  // Has no more turns.
  void Remove(size_t member_idx);

  // How many of the next `num_turns` turns each member has.
  std::vector<size_t> Count(size_t num_turns) const;

 private:
  struct Member {
    int64_t share = 0;  // 0: has left
    int64_t credit = 0;
  };

  std::vector<Member> members_;
};

}  // namespace revlm::challenge
