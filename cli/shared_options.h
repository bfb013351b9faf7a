// Options that several commands have.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace revlm::cli {

// What all commands share.
struct OutputOptions {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool debug = false;
  bool no_color = false;
  std::string display = "auto";
};

void AddOutputOptions(CLI::App& app, OutputOptions& output);

// --parallel-memory-limit.
void AddMemoryLimit(CLI::App& app, std::optional<double>& gibibytes,
                    const std::string& group);

// Refuses what is no amount of memory before it is turned into bytes.
CLI::Validator GibibytesValidator();
uint64_t ToBytes(double gibibytes);

// Has every option --foo-bar read from REV_FOO_BAR as well.
void NameEnvironment(CLI::App& app);

}  // namespace revlm::cli
