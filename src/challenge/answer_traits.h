// What can be seen of an answer's text without knowing what was asked.
//
// Threads: pure functions. Memory: some times the part of the answer that is
// looked at, its first 4 KiB. Errors: none: any bytes are allowed.
#pragma once

#include <array>
#include <string_view>

#include "challenge/profile.h"

namespace revlm::challenge {

// Of three words in a row, the share that came before.
double RepetitionOf(std::string_view answer);

// Begins by declining, in one of the usual phrases of English, German, French
// or Spanish.
bool IsRefusal(std::string_view answer);

// How many letters of each script; what is no letter counts nowhere.
std::array<double, kNumScripts> LettersOf(std::string_view answer);

// JSON must be valid to count; code is fenced or has lines that end as code
// does; a table has two lines with two bars, a list two lines with bullets or
// numbers.
AnswerFormat FormatOf(std::string_view answer);

double NumWordsOf(std::string_view answer);

}  // namespace revlm::challenge
