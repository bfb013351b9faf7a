#include "cli/keys.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

namespace revlm::cli {
namespace {

// `stop` is looked at so often.
constexpr std::chrono::milliseconds kSlice(50);

}  // namespace

Keys::Keys() {
  if (tcgetpgrp(STDIN_FILENO) != getpgrp()) return;
  struct termios mode = {};
  if (tcgetattr(STDIN_FILENO, &mode) != 0) return;
  before_ = mode;
  mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  if (tcsetattr(STDIN_FILENO, TCSANOW, &mode) != 0) before_.reset();
}

Keys::~Keys() {
  if (before_) tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
}

bool Keys::WaitForQuit(std::chrono::milliseconds time,
                       const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (time.count() <= 0) return false;
    const auto slice = std::min(time, kSlice);
    struct pollfd input = {
        .fd = before_ ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
    if (poll(&input, 1, static_cast<int>(slice.count())) <= 0) {
      time -= slice;
      continue;
    }
    char key = 0;
    if (read(STDIN_FILENO, &key, 1) != 1) return true;  // the terminal is gone
    if (key == 'q' || key == 'Q') return true;
  }
  return true;
}

}  // namespace revlm::cli
