// Everyday sentences that several prompt systems build on: words by kind, and
// templates of sentences made of them, as expand.h reads them. Printable ASCII,
// so that a character is a byte.
//
// Their texts are part of what a seed means for every system that uses them:
// whoever changes one makes new versions of kdf, dynamic and hierarchical.
//
// Threads: pure functions. Errors: none.
#pragma once

#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "challenge/draw.h"
#include "challenge/expand.h"

namespace revlm::challenge {

std::span<const WordList> CommonWords();

// Templates over `CommonWords`.
std::span<const std::string_view> StatementTemplates();
std::span<const std::string_view> OpeningTemplates();
std::span<const std::string_view> QuestionTemplates();

std::string DrawStatement(Draws& draws);  // a whole sentence
std::string DrawOpening(Draws& draws);    // one that stops in the middle
std::string DrawQuestion(Draws& draws);   // one that asks

// Expands a template over `CommonWords`.
std::string ExpandCommon(std::string_view text, Draws& draws);

// One of `items`, an array or span of at least one.
template <typename Items>
const auto& DrawOne(const Items& items, Draws& draws) {
  return items[draws.Below(std::size(items))];
}

}  // namespace revlm::challenge
