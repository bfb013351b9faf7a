// What the streams are and what the environment asks for.
#pragma once

#include <optional>
#include <string>

#include "cli/display.h"
#include "revlm/environment.h"
#include "revlm/report.h"

namespace revlm::cli {

// A variable of the environment; nothing when unset or empty.
std::optional<std::string> Variable(const char* name);

// Of this process, as the library wants it.
Environment ReadEnvironment();

// UTF-8 when the locale says so, as setlocale has set it.
Charset LocaleCharset();

// `COLUMNS`, the terminal's own width, or 80.
int32_t TerminalColumns(int fd);

// Of the stream `fd` as it is now. Color only on a terminal, and not with
// NO_COLOR or TERM=dumb.
TextStyle StyleOf(int fd, bool allow_color);

// "auto": a bar when `fd` is a terminal that can redraw and CI is not set.
DisplayMode ChooseDisplay(const std::string& asked, bool is_quiet, int fd);

}  // namespace revlm::cli
