// What the tests of grammars share.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <span>
#include <string>

#include "challenge/expand.h"

namespace revlm::challenge {

// A word that is twice in a list, or empty, is a slip of whoever wrote the
// list.
inline void ExpectNoWordTwice(std::span<const WordList> lists) {
  for (const WordList& list : lists) {
    std::set<std::string> words;
    for (std::string rest = std::string(list.words) + "|"; !rest.empty();) {
      const size_t end = rest.find('|');
      EXPECT_GT(end, 0u) << list.name;
      EXPECT_TRUE(words.insert(rest.substr(0, end)).second)
          << list.name << ": " << rest.substr(0, end);
      rest.erase(0, end + 1);
    }
  }
}

}  // namespace revlm::challenge
