// Pieces of text for a terminal: widths, cutting, numbers with units.
//
// A column is what a terminal with a fixed-width font gives a character: two
// for East Asian wide characters and emoji, none for combining marks, one for
// the rest. The tables behind that cover the common blocks only: a rare
// character may shift a column, never break the text.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "revlm/report.h"

namespace revlm::report {

// The columns that `text`, which is Printable, takes.
int32_t Width(std::string_view text);

// `text` made Printable, cut with an ellipsis to at most `columns`.
std::string Cut(std::string_view text, int32_t columns, Charset charset);

// Cut, then filled up with blanks to exactly `columns`.
std::string Column(std::string_view text, int32_t columns, Charset charset);

// 1.4 M
std::string FormatCount(uint64_t count);

// 9.1 s
std::string FormatSeconds(double seconds);

// 1 prompt, 2 prompts
std::string Plural(int64_t count, std::string_view noun);

// 2 models x 10 prompts = 20 operations (cross_product)
std::string PlanLine(int64_t num_models, int64_t num_prompts,
                     int64_t num_operations, std::string_view mode);

// "systems pot/1 3, kdf/1 2", and a line for each that failed or has a remark.
std::string SystemsLines(const std::vector<PromptSystemReport>& systems,
                         Charset charset);

// The first four and last two digits of a digest: 9c1f..e2
std::string ShortDigest(std::string_view hex);

}  // namespace revlm::report
