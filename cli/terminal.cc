#include "cli/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

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
  Environment environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.variables.emplace_back(*variable);
  }
  environment.hf_hub_cache = Variable("HF_HUB_CACHE");
  environment.huggingface_hub_cache = Variable("HUGGINGFACE_HUB_CACHE");
  environment.hf_home = Variable("HF_HOME");
  environment.xdg_cache_home = Variable("XDG_CACHE_HOME");
  environment.home = Variable("HOME");
  if (environment.xdg_cache_home) {
    environment.cache_dir = *environment.xdg_cache_home + "/revlm";
  } else if (environment.home) {
    environment.cache_dir = *environment.home + "/.cache/revlm";
  }
  return environment;
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
