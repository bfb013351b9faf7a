#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace revlm {
namespace {

// Control characters, and what changes the direction of text or cannot be seen.
bool IsUnsafe(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

std::string Escape(char32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return c < 0x100 ? fmt::format("\\x{:02x}", static_cast<uint32_t>(c))
                       : fmt::format("\\u{{{:x}}}", static_cast<uint32_t>(c));
  }
}

}  // namespace

std::string Printable(std::string_view text, Charset charset) {
  std::string printable;
  while (!text.empty()) {
    const base::CodePoint point = base::DecodeUtf8(text, 0);
    if (!point.is_valid) {
      printable +=
          fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    const bool is_foreign = charset == Charset::kAscii && point.value >= 0x80;
    if (is_foreign || IsUnsafe(point.value)) {
      printable += Escape(point.value);
    } else {
      printable += text.substr(0, point.length);
    }
    text.remove_prefix(point.length);
  }
  return printable;
}

std::string FormatBytes(uint64_t bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} B", bytes);
  return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : 1, kUnits[unit]);
}

namespace report {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

template <size_t N>
bool IsIn(const std::array<Range, N>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](const Range& range) {
    return c >= range.first && c <= range.last;
  });
}

constexpr std::array<Range, 10> kWide = {{{0x1100, 0x115f},
                                          {0x2e80, 0x303e},
                                          {0x3041, 0xa4cf},
                                          {0xa960, 0xa97c},
                                          {0xac00, 0xd7a3},
                                          {0xf900, 0xfaff},
                                          {0xfe30, 0xfe6f},
                                          {0xff00, 0xff60},
                                          {0x1f300, 0x1faff},
                                          {0x20000, 0x3fffd}}};
constexpr std::array<Range, 12> kCombining = {{{0x300, 0x36f},
                                               {0x483, 0x489},
                                               {0x591, 0x5bd},
                                               {0x610, 0x61a},
                                               {0x64b, 0x65f},
                                               {0x93c, 0x93c},
                                               {0x941, 0x948},
                                               {0xe34, 0xe3a},
                                               {0x1ab0, 0x1aff},
                                               {0x20d0, 0x20ff},
                                               {0xfe00, 0xfe0f},
                                               {0xfe20, 0xfe2f}}};

int32_t WidthOf(char32_t c) {
  if (IsIn(kCombining, c)) return 0;
  return IsIn(kWide, c) ? 2 : 1;
}

}  // namespace

int32_t Width(std::string_view text) {
  int32_t width = 0;
  while (!text.empty()) {
    const base::CodePoint point = base::DecodeUtf8(text, 0);
    width += WidthOf(point.value);
    text.remove_prefix(point.length);
  }
  return width;
}

std::string Cut(std::string_view text, int32_t columns, Charset charset) {
  const std::string printable = Printable(text, charset);
  if (Width(printable) <= columns) return printable;
  const std::string_view ellipsis =
      charset == Charset::kUtf8 ? "\u2026" : "...";
  int32_t left = columns - Width(ellipsis);
  std::string_view rest = printable;
  while (!rest.empty()) {
    const base::CodePoint point = base::DecodeUtf8(rest, 0);
    left -= WidthOf(point.value);
    if (left < 0) break;
    rest.remove_prefix(point.length);
  }
  return printable.substr(0, printable.size() - rest.size()) +
         std::string(ellipsis);
}

std::string Column(std::string_view text, int32_t columns, Charset charset) {
  std::string column = Cut(text, columns, charset);
  column.append(static_cast<size_t>(std::max(0, columns - Width(column))), ' ');
  return column;
}

std::string FormatCount(uint64_t count) {
  constexpr std::array kUnits = {"", " K", " M", " G", " T"};
  double value = static_cast<double>(count);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return std::to_string(count);
  return fmt::format("{:.{}f}{}", value, value < 10 ? 1 : 0, kUnits[unit]);
}

std::string FormatSeconds(double seconds) {
  if (seconds < 100) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60,
                     whole % 60);
}

std::string Plural(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string PlanLine(int64_t num_models, int64_t num_prompts,
                     int64_t num_operations, std::string_view mode) {
  return fmt::format("{} {} {} = {} ({})", Plural(num_models, "model"),
                     mode == "cross_product" ? "x" : "with",
                     Plural(num_prompts, "prompt"),
                     Plural(num_operations, "operation"), mode);
}

std::string ShortDigest(std::string_view hex) {
  if (hex.size() < 8) return std::string(hex);
  return fmt::format("{}..{}", hex.substr(0, 4), hex.substr(hex.size() - 2));
}

}  // namespace report
}  // namespace revlm
