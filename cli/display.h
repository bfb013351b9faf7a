// Progress on stderr: a bar that redraws itself on a terminal, plain lines
// elsewhere, or nothing.
//
// Bar: at most 10 redraws a second. Plain: a line at the start, one whenever 10
// seconds and 5 % of the work (or a minute) have passed since the last, and one
// at the end, so a log gets at most 7 lines a minute; no ESC and no CR byte
// ever. Notices are lines of their own in all modes.
//
// Threads: thread-compatible. Determinism: what is written depends on the
// events only; time is theirs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "revlm/report.h"
#include "revlm/run.h"

namespace revlm::cli {

enum class DisplayMode { kBar, kPlain, kNone };

class Display {
 public:
  using Write = std::function<void(std::string_view)>;

  Display(DisplayMode mode, Charset charset, int32_t columns, Write write)
      : mode_(mode),
        charset_(charset),
        columns_(columns),
        write_(std::move(write)) {}

  void Show(const RunEvent& event);
  // The last word: takes the bar away, or writes the end line.
  void Finish();

 private:
  void ShowBar(const RunEvent& event);
  void ShowPlain(const RunEvent& event);
  void EraseBar();

  const DisplayMode mode_;
  const Charset charset_;
  const int32_t columns_;
  const Write write_;
  bool has_shown_ = false;  // any progress
  bool has_bar_ = false;    // on the last line of the terminal
  RunEvent last_shown_;     // the last one written
  RunEvent last_seen_;
};

}  // namespace revlm::cli
