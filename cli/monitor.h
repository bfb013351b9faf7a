// The live view of a run: a screen that is redrawn, or plain lines.
//
// Screen: as many lines as the terminal has, at most 23 by 80, drawn from its
// upper left corner whenever the run has a new sample, so that it survives
// resizing and leaves the terminal in order even when killed. What was there
// before is scrolled away, not erased; the last view stays. Plain: a line when
// the run is first seen, then at most one each 12 seconds, and a last one; no
// ESC and no CR byte.
//
// Threads: thread-compatible. Determinism: what is written depends on what is
// shown only; time is the samples'.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/display.h"
#include "revlm/report.h"
#include "revlm/status.h"

namespace revlm::cli {

class Monitor {
 public:
  using Write = std::function<void(std::string_view)>;
  // What the terminal is like now.
  using GetStyle = std::function<TextStyle()>;

  Monitor(DisplayMode mode, GetStyle get_style, Write write)
      : mode_(mode),
        get_style_(std::move(get_style)),
        write_(std::move(write)) {}

  void Show(const RunStatus& status);
  // A line for the user, at once or below the last view.
  void Say(std::string_view message);
  // The last word.
  void Finish();

 private:
  void Draw(const RunStatus& status);
  void WriteLine(const RunStatus& status);

  const DisplayMode mode_;
  const GetStyle get_style_;
  const Write write_;
  bool has_shown_ = false;
  double shown_seconds_ = 0;       // plain: when the last line was written
  std::string last_line_;          // plain: of what was last seen
  std::string shown_line_;         // plain: the last one written
  std::vector<std::string> said_;  // screen: to be told at the end
};

}  // namespace revlm::cli
