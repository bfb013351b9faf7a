#include "cli/shared_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "revlm/run.h"

namespace revlm::cli {

void AddOutputOptions(CLI::App& app, OutputOptions& output) {
  const std::string group = "Output";
  app.add_flag("--json", output.json, "One JSON document on stdout")
      ->group(group);
  app.add_option("--display", output.display,
                 "Progress on stderr: auto, bar, plain or none")
      ->check(CLI::IsMember({"auto", "bar", "plain", "none"}))
      ->option_text("MODE")
      ->group(group);
  app.add_flag("-q,--quiet", output.quiet,
               "No progress or notices; stdout gets paths only")
      ->group(group);
  app.add_flag("-v,--verbose", output.verbose, "Say more on stderr")
      ->group(group);
  app.add_flag("--debug", output.debug,
               "Say most on stderr: memory at each plan and sample")
      ->group(group);
  app.add_flag("--no-color", output.no_color, "No color, as with NO_COLOR")
      ->group(group);
}

CLI::Validator GibibytesValidator() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        double value = 0;
        if (!CLI::detail::lexical_cast(text, value)) return "";  // said later
        if (value > 0 && value <= kMaxGibibytes) return "";
        return fmt::format(
            "found {}, allowed is more than 0 and at most {} GiB", text,
            kMaxGibibytes);
      },
      "");
}

uint64_t ToBytes(double gibibytes) {
  return static_cast<uint64_t>(gibibytes * (1 << 30));
}

void AddMemoryLimit(CLI::App& app, std::optional<double>& gibibytes,
                    const std::string& group) {
  app.add_option("--parallel-memory-limit,--memory-limit", gibibytes,
                 "GiB for the whole program, as a hard limit (36)")
      ->check(GibibytesValidator())
      ->option_text("G")
      ->group(group);
}

void NameEnvironment(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    std::string name = option->get_lnames().front();
    if (name == "help" || name == "version") continue;
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c == '-' ? '_' : static_cast<char>(c >= 'a' ? c - 'a' + 'A' : c);
    });
    option->envname("REV_" + name);
  }
}

}  // namespace revlm::cli
