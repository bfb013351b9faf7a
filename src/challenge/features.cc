#include "challenge/features.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>

#include "challenge/portable_math.h"

namespace revlm::challenge {
namespace {

constexpr size_t kMaxBytes = 1024;
constexpr size_t kMaxValueBytes = 64;

struct Counts {
  double lower = 0;
  double upper = 0;
  double digits = 0;
  double spaces = 0;
  double newlines = 0;
  double punctuation = 0;
  double non_ascii = 0;
};

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\t'; }
bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

Counts CountKinds(std::string_view text) {
  Counts counts;
  for (const char c : text) {
    if (IsLower(c)) {
      ++counts.lower;
    } else if (IsUpper(c)) {
      ++counts.upper;
    } else if (IsDigit(c)) {
      ++counts.digits;
    } else if (c == '\n') {
      ++counts.newlines;
    } else if (IsBlank(c)) {
      ++counts.spaces;
    } else if (IsAscii(c)) {
      ++counts.punctuation;
    } else {
      ++counts.non_ascii;
    }
  }
  return counts;
}

// Bits a byte, of how often each occurs.
double ByteEntropy(std::string_view text) {
  std::array<uint32_t, 256> counts = {};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  const auto total = static_cast<double>(text.size());
  double entropy = 0;
  for (const uint32_t count : counts) {
    if (count > 0) entropy -= count / total * PortableLog2(count / total);
  }
  return entropy;
}

struct Words {
  double count = 0;
  double distinct = 0;
};

Words CountWords(std::string_view text) {
  Words words;
  std::set<std::string_view> seen;
  for (size_t begin = 0; begin < text.size();) {
    const char* const from = text.data() + begin;
    const char* const last = text.data() + text.size();
    const auto length =
        static_cast<size_t>(std::find_if(from, last, IsBlank) - from);
    if (length > 0) {
      ++words.count;
      seen.insert(text.substr(begin, length));
    }
    begin += length + 1;
  }
  words.distinct = static_cast<double>(seen.size());
  return words;
}

// Of three bytes in a row, the share that came before.
double RepeatedShare(std::string_view text) {
  if (text.size() < 3) return 0;
  std::set<std::string_view> seen;
  for (size_t i = 0; i + 3 <= text.size(); ++i) seen.insert(text.substr(i, 3));
  return 1 - static_cast<double>(seen.size()) /
                 static_cast<double>(text.size() - 2);
}

// From -1 to 1; 0 where the system grades nothing.
double Grade(const Challenge& challenge) {
  for (const Parameter& parameter : challenge.parameters) {
    if ((parameter.name == "difficulty" || parameter.name == "strength") &&
        parameter.value.size() == 1 && IsDigit(parameter.value[0])) {
      return (parameter.value[0] - '3') / 2.0;
    }
  }
  return 0;
}

}  // namespace

TextFeatures TextFeaturesOf(const Challenge& challenge) {
  const std::string_view text =
      std::string_view(challenge.text).substr(0, kMaxBytes);
  const double num_bytes = std::max<double>(1, text.size());
  const Counts counts = CountKinds(text);
  const Words words = CountWords(text);
  const double num_words = std::max(1.0, words.count);
  const double length = (PortableLog2(num_bytes) - 6) / 2;
  const double non_ascii = counts.non_ascii / num_bytes;
  const double digits = counts.digits / num_bytes;
  const char last = text.empty() ? ' ' : text.back();
  return {1,
          length,
          length * length,
          (PortableLog2(num_words) - 3) / 2,
          std::min(2.0, num_bytes / num_words / 8),
          2 * counts.lower / num_bytes,
          4 * counts.upper / num_bytes,
          4 * digits,
          4 * digits * (1 - digits),
          4 * counts.spaces / num_bytes,
          std::min(2.0, 10 * counts.newlines / num_bytes),
          4 * counts.punctuation / num_bytes,
          2 * non_ascii,
          4 * non_ascii * (1 - non_ascii),
          (ByteEntropy(text) - 4) / 2,
          words.distinct / num_words,
          2 * RepeatedShare(text),
          IsLower(last) || IsUpper(last) || !IsAscii(last) ? 1.0 : 0.0,
          IsBlank(last) ? 1.0 : 0.0,
          Grade(challenge)};
}

Areas AreasOf(const Challenge& challenge) {
  Areas areas;
  areas[0] = challenge.system;
  size_t num_levels = 1;
  const auto refine = [&](std::string_view value) {
    if (num_levels == kNumAreaLevels) return;
    areas[num_levels] = challenge.system + "/";
    areas[num_levels].append(value);
    ++num_levels;
  };
  std::string values;
  for (const auto& [name, value] : challenge.parameters) {
    if (name == "gene" || name == "walk" || value.size() > kMaxValueBytes) {
      continue;
    }
    const size_t slash = value.find('/');
    if (slash != value.npos) refine(values + value.substr(0, slash));
    values += value + "/";
    refine(values);
  }
  return areas;
}

}  // namespace revlm::challenge
