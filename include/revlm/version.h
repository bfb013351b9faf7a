#pragma once

#include <string_view>

namespace revlm {

// Of the program, the library and what they write into run directories.
inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace revlm
