// Single keys from the terminal, while a view is open.
//
// Only where stdin is a terminal and this process is in its foreground: there,
// lines are not awaited and typing is not echoed until the destructor. Signals
// of keys (Ctrl-C) stay signals.
//
// Threads: one object at a time.
#pragma once

#include <termios.h>

#include <chrono>
#include <optional>
#include <stop_token>

namespace revlm::cli {

class Keys {
 public:
  Keys();
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;
  ~Keys();

  // Waits so long; true at once when q is pressed or `stop` is requested.
  bool WaitForQuit(std::chrono::milliseconds time, const std::stop_token& stop);

 private:
  std::optional<struct termios> before_;  // nothing: keys are not read
};

}  // namespace revlm::cli
