// What the tests of this module and of its users share: published vectors as
// the standards print them.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <vector>

namespace revlm::crypto {

// The bytes of `hex`, which has an even number of digits.
inline std::vector<std::byte> FromHex(std::string_view hex) {
  std::vector<std::byte> bytes;
  for (size_t begin = 0; begin + 2 <= hex.size(); begin += 2) {
    unsigned value = 0;
    std::from_chars(hex.data() + begin, hex.data() + begin + 2, value, 16);
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

template <size_t kSize>
std::array<std::byte, kSize> ArrayFromHex(std::string_view hex) {
  const std::vector<std::byte> bytes = FromHex(hex);
  std::array<std::byte, kSize> array = {};
  std::copy_n(bytes.begin(), std::min(bytes.size(), kSize), array.begin());
  return array;
}

// `size` times the same byte.
inline std::vector<std::byte> Repeated(unsigned byte, size_t size) {
  return std::vector<std::byte>(size, static_cast<std::byte>(byte));
}

// The bytes `first`, `first` + 1, ... below `end`.
inline std::vector<std::byte> Counting(unsigned first, unsigned end) {
  std::vector<std::byte> bytes;
  for (unsigned value = first; value < end; ++value) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

}  // namespace revlm::crypto
