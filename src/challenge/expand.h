// Expansion of templates: text with slots that draws fill.
//
//   template := ( character | "{{" | "}}" | slot )*     "{{" stands for "{"
//   slot     := "{" source "}"                  draw and write
//             | "{" source ":" variable "}"     draw, write and remember
//             | "{!" source ":" variable "}"    draw and remember
//             | "{:" variable "}"               write what was remembered
//             | "{=" sum "}"                    write a number
//   source   := name of a list | number "-" number      both ends included
//   sum      := product ( ( "+" | "-" ) product )*
//   product  := factor ( "*" factor )*
//   factor   := number | variable               remembered as a number
//   variable := a lower-case letter
//
// A list's words are templates without variables. The words that one template
// remembers of the same list all differ. A slot is one `Below` and then those
// of the word's own slots, from left to right, so the text is a pure function
// of template, lists and draws.
//
// Threads: a pure function. Errors: none: templates are ours, and one that is
// not as above is a failed check.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "challenge/draw.h"

namespace revlm::challenge {

struct WordList {
  std::string_view name;   // letters and "_"
  std::string_view words;  // with "|" between them
};

std::string Expand(std::string_view text, std::span<const WordList> lists,
                   Draws& draws);

}  // namespace revlm::challenge
