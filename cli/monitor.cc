#include "cli/monitor.h"

#include <fmt/format.h>

#include <algorithm>

namespace revlm::cli {
namespace {

// With the first and the last, at most 7 lines a minute.
constexpr double kPlainSeconds = 12;

}  // namespace

void Monitor::Show(const RunStatus& status) {
  if (mode_ == DisplayMode::kBar) Draw(status);
  if (mode_ == DisplayMode::kPlain) WriteLine(status);
}

void Monitor::Draw(const RunStatus& status) {
  const TextStyle style = get_style_();
  std::string frame;
  // Scrolls what is there out of the way.
  if (!has_shown_) frame += std::string(std::max(style.rows, 1), '\n');
  has_shown_ = true;
  frame += "\x1b[H";
  const std::string text = RenderText(status, style);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    frame += text.substr(begin, end - begin) + "\x1b[K\n";
    begin = end + 1;
  }
  write_(frame + "\x1b[J");
}

void Monitor::WriteLine(const RunStatus& status) {
  last_line_ = RenderLine(status, get_style_().charset);
  const bool is_new_start = status.seconds < shown_seconds_;
  if (has_shown_ && !is_new_start &&
      status.seconds - shown_seconds_ < kPlainSeconds) {
    return;
  }
  has_shown_ = true;
  shown_seconds_ = status.seconds;
  if (last_line_ == shown_line_) return;
  shown_line_ = last_line_;
  write_(last_line_);
}

void Monitor::Say(std::string_view message) {
  const std::string line = Printable(message, get_style_().charset) + "\n";
  if (mode_ == DisplayMode::kBar && has_shown_) {
    said_.push_back(line);
  } else {
    write_(line);
  }
}

void Monitor::Finish() {
  if (mode_ == DisplayMode::kPlain && last_line_ != shown_line_) {
    write_(last_line_);
  }
  shown_line_ = last_line_;
  for (const std::string& line : said_) write_(line);
  said_.clear();
}

}  // namespace revlm::cli
