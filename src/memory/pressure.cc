#include "memory/pressure.h"

#include <charconv>
#include <cmath>
#include <string>

namespace revlm::memory {
namespace {

// No machine has as many tasks.
constexpr double kMostLoad = 1e7;

// The number that `text` begins with and a blank or the end follows, from 0 to
// `most`.
std::optional<double> ParseNumber(std::string_view text, double most) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed =
      std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (parsed.ec != std::errc()) return std::nullopt;
  if (parsed.ptr != end && *parsed.ptr != ' ' && *parsed.ptr != '\n') {
    return std::nullopt;
  }
  // Neither "inf", "nan" nor "-0".
  if (std::signbit(value) || !(value <= most)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> ParseStallPercent(std::string_view text) {
  constexpr std::string_view kStart = "some avg10=";
  while (!text.empty()) {
    if (text.starts_with(kStart)) {
      return ParseNumber(text.substr(kStart.size()), 100);
    }
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

std::optional<double> ParseLoad(std::string_view text) {
  return ParseNumber(text, kMostLoad);
}

Pressure ReadPressure(const ReadSystemText& read) {
  const auto parse = [&](const std::string& path,
                         const auto& parser) -> std::optional<double> {
    const std::optional<std::string> text = read(path);
    return text ? parser(*text) : std::nullopt;
  };
  return {
      .memory_stall_percent = parse("/proc/pressure/memory", ParseStallPercent),
      .cpu_stall_percent = parse("/proc/pressure/cpu", ParseStallPercent),
      .load = parse("/proc/loadavg", ParseLoad),
      .available_bytes = ReadMachineMemory(read).available_bytes};
}

Pressure ReadPressure() { return ReadPressure(ReadMachineText); }

}  // namespace revlm::memory
