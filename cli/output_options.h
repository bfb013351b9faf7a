// Options that all commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace revlm::cli {

struct OutputOptions {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool debug = false;
  bool no_color = false;
  std::string display = "auto";
};

void AddOutputOptions(CLI::App& app, OutputOptions& output);

// Refuses what is no amount of memory before it is turned into bytes.
CLI::Validator GibibytesValidator();
uint64_t ToBytes(double gibibytes);

}  // namespace revlm::cli
