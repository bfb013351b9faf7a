#include "cli/shared_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>
#include <utility>

#include "revlm/run.h"

namespace revlm::cli {
namespace {

constexpr char kWholeNumber[] = "whole number";

bool HasRange(CLI::Option& option) {
  try {
    return option.get_validator(kWholeNumber) != nullptr;
  } catch (const CLI::OptionNotFound&) {
    return false;
  }
}

}  // namespace

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

CLI::Validator WholeNumber(int64_t least, uint64_t most) {
  return CLI::Validator(
      [least, most](std::string& text) -> std::string {
        const auto is_read_as = [&](auto value) {
          const char* const end = text.data() + text.size();
          const auto [last, error] = std::from_chars(text.data(), end, value);
          if (error != std::errc() || last != end ||
              std::cmp_less(value, least) || std::cmp_greater(value, most)) {
            return false;
          }
          text = fmt::format("{}", value);  // 010 would be read as octal
          return true;
        };
        if (text.starts_with('-') ? is_read_as(int64_t{0})
                                  : is_read_as(uint64_t{0})) {
          return "";
        }
        return fmt::format("found {}, allowed is a whole number from {} to {}",
                           text.empty() ? "nothing" : text, least, most);
      },
      "", kWholeNumber);
}

void ReadDecimals(CLI::App& app) {
  constexpr std::numeric_limits<int32_t> kInt;
  for (CLI::Option* option : app.get_options()) {
    if (HasRange(*option)) continue;
    const std::string type = option->get_type_name();
    if (type.starts_with("UINT")) {
      option->transform(WholeNumber(0, std::numeric_limits<uint64_t>::max()));
    } else if (type.starts_with("INT")) {
      option->transform(
          WholeNumber(kInt.min(), static_cast<uint64_t>(kInt.max())));
    }
  }
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

void AddDtype(CLI::App& app, std::string& dtype, const std::string& text,
              const std::string& group) {
  app.add_option("--dtype", dtype, text)
      ->check(CLI::IsMember({"auto", "f32", "bf16"}))
      ->option_text("TYPE")
      ->group(group);
}

Dtype DtypeOf(const std::string& name) {
  if (name == "f32") return Dtype::kF32;
  return name == "bf16" ? Dtype::kBf16 : Dtype::kAuto;
}

CLI::Option* AddThreads(CLI::App& app, int32_t& num_threads,
                        const std::string& group) {
  return app.add_option("--threads", num_threads, "0: one for each CPU (0)")
      ->option_text("N")
      ->group(group);
}

CLI::Option* AddBatchSize(CLI::App& app, std::optional<int32_t>& batch_size,
                          const std::string& group) {
  return app
      .add_option("--parallel-batch-size", batch_size,
                  "The most prompts together (as many as are fastest)")
      ->option_text("N")
      ->group(group);
}

void AddMemoryStrict(CLI::App& app, bool& strict, const std::string& group) {
  app.add_flag("--memory-strict", strict,
               "Refuse a limit that is not there to be had")
      ->group(group);
}

void AddNoResident(CLI::App& app, bool& no_resident, const std::string& group) {
  app.add_flag("--no-resident", no_resident,
               "Read the weights for every pass, even where they fit")
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
