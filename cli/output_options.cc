#include "cli/output_options.h"

#include <fmt/format.h>

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

}  // namespace revlm::cli
