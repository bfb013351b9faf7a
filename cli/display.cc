#include "cli/display.h"

#include <fmt/format.h>

#include <algorithm>

namespace revlm::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kPlainSeconds = 10;
constexpr double kPlainFraction = 0.05;
constexpr double kPlainSilence = 60;
constexpr int kBarCells = 20;

std::string Clock(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60,
                     whole % 60);
}

std::string Phase(const RunEvent& event) {
  if (event.num_layers == 0) return event.phase;
  return fmt::format("{} {}/{}", event.phase, event.layer, event.num_layers);
}

}  // namespace

void Display::Show(const RunEvent& event) {
  if (event.kind != RunEvent::Kind::kProgress) {
    EraseBar();
    write_(Printable(event.message, charset_) + "\n");
    return;
  }
  last_seen_ = event;
  if (mode_ == DisplayMode::kBar) ShowBar(event);
  if (mode_ == DisplayMode::kPlain) ShowPlain(event);
}

void Display::ShowBar(const RunEvent& event) {
  if (has_shown_ && event.seconds - last_shown_.seconds < kRedrawSeconds) {
    return;
  }
  const int filled =
      static_cast<int>(std::clamp(event.fraction, 0.0, 1.0) * kBarCells);
  std::string line =
      fmt::format("{}  [{:#<{}}{:.<{}}] {}/{}  {}  {}", event.model, "", filled,
                  "", kBarCells - filled, event.num_finished, event.num_total,
                  Clock(event.seconds), Phase(event));
  // The alias is ASCII: bytes are columns. One less, or terminals wrap.
  line.resize(std::min<size_t>(line.size(),
                               static_cast<size_t>(std::max(columns_ - 1, 1))));
  write_("\r" + line + "\x1b[K");
  has_shown_ = has_bar_ = true;
  last_shown_ = event;
}

void Display::ShowPlain(const RunEvent& event) {
  const double waited = event.seconds - last_shown_.seconds;
  const bool has_moved =
      event.fraction - last_shown_.fraction >= kPlainFraction;
  const bool is_due =
      waited >= kPlainSilence || (waited >= kPlainSeconds && has_moved);
  if (has_shown_ && !is_due) return;
  write_(fmt::format("{}: {} of {} {}, {:.0f} %, {}, {}\n", event.model,
                     event.num_finished, event.num_total, event.unit,
                     100 * std::clamp(event.fraction, 0.0, 1.0), Phase(event),
                     Clock(event.seconds)));
  has_shown_ = true;
  last_shown_ = event;
}

void Display::EraseBar() {
  if (has_bar_) write_("\r\x1b[K");
  has_bar_ = false;
}

void Display::Finish() {
  EraseBar();
  if (mode_ != DisplayMode::kPlain || !has_shown_) return;
  write_(fmt::format("{}: {} of {} {}, end, {}\n", last_seen_.model,
                     last_seen_.num_finished, last_seen_.num_total,
                     last_seen_.unit, Clock(last_seen_.seconds)));
}

}  // namespace revlm::cli
