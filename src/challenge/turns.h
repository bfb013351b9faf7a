// Whose turn it is: smooth weighted round robin.
//
// At each turn the credit of all members grows by their shares; the one with
// most credit, the first of equals, has the turn and pays the sum of all
// shares. So after any number of turns each member had its share of them to
// within one or two, spread evenly. Credits are kept when shares change: what
// was due from a member by its old share still is.
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
  // Relative to each other; 0: no turns. REQUIRES: not negative.
  explicit Turns(std::span<const int64_t> shares);

  bool empty() const;  // nobody has turns
  // Whose turn comes next. REQUIRES: !empty().
  size_t Peek() const;
  void Advance();
  // From the next turn on. REQUIRES: of as many members, not negative, with a
  // sum of about the same size, since credits are in its units.
  void SetShares(std::span<const int64_t> shares);

  // How many of the next `num_turns` turns each member has.
  std::vector<size_t> Count(size_t num_turns) const;

 private:
  struct Member {
    int64_t share = 0;  // 0: no turns
    int64_t credit = 0;
  };

  std::vector<Member> members_;
};

}  // namespace revlm::challenge
