// The options of the commands that make, keep and compare fingerprints.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "cli/shared_options.h"
#include "revlm/library.h"

namespace revlm::cli {

// As written; `Resolve` puts them into the command's FingerprintSource.
struct SourceFlags {
  std::string dtype = "auto";
  std::optional<double> memory_limit_gib;
  bool no_resident = false;
};

struct LibraryCommands {
  EnrollOptions enroll;
  SourceFlags enroll_flags;
  IdentifyOptions identify;
  SourceFlags identify_flags;
  bool light = false;
  bool no_sighting = false;
  LibraryOptions list;
  std::string what;                    // to list; empty: all
  CLI::App* enroll_command = nullptr;  // of the parser
  CLI::App* identify_command = nullptr;
  CLI::App* ls_command = nullptr;
};

void AddLibraryCommands(CLI::App& parser, LibraryCommands& commands,
                        OutputOptions& output);

// After parsing: turns names into values.
void Resolve(LibraryCommands& commands);

}  // namespace revlm::cli
