#include "cli/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

namespace revlm::cli {
namespace {

bool CanRedraw(int fd) {
  return isatty(fd) == 1 && Variable("TERM").value_or("dumb") != "dumb";
}

}  // namespace

std::optional<std::string> Variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

Environment ReadEnvironment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  return EnvironmentFrom(std::move(variables));
}

Charset LocaleCharset() {
  return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? Charset::kUtf8
                                                         : Charset::kAscii;
}

int32_t TerminalColumns(int fd) {
  if (const auto asked = Variable("COLUMNS")) {
    const int64_t columns = std::strtol(asked->c_str(), nullptr, 10);
    if (columns > 0 && columns < 10000) return static_cast<int32_t>(columns);
  }
  struct winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

TextStyle StyleOf(int fd, bool allow_color) {
  const bool has_color = allow_color && CanRedraw(fd) && !Variable("NO_COLOR");
  TextStyle style = {.charset = LocaleCharset(),
                     .color = has_color ? Color::kAlways : Color::kNever,
                     .columns = TerminalColumns(fd)};
  struct winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) {
    style.rows = size.ws_row;
  }
  return style;
}

DisplayMode ChooseDisplay(const std::string& asked, bool is_quiet, int fd) {
  if (is_quiet || asked == "none") return DisplayMode::kNone;
  if (asked == "bar") return DisplayMode::kBar;
  if (asked == "plain") return DisplayMode::kPlain;
  return CanRedraw(fd) && !Variable("CI") ? DisplayMode::kBar
                                          : DisplayMode::kPlain;
}

}  // namespace revlm::cli
