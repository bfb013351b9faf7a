// Options that several commands have.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "revlm/run.h"

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

// --dtype; `text` says what the command's default is. `DtypeOf` its value.
void AddDtype(CLI::App& app, std::string& dtype, const std::string& text,
              const std::string& group);
Dtype DtypeOf(const std::string& name);
CLI::Option* AddThreads(CLI::App& app, int32_t& num_threads,
                        const std::string& group);
// --parallel-batch-size.
CLI::Option* AddBatchSize(CLI::App& app, std::optional<int32_t>& batch_size,
                          const std::string& group);
void AddMemoryStrict(CLI::App& app, bool& strict, const std::string& group);
void AddNoResident(CLI::App& app, bool& no_resident, const std::string& group);

// Refuses what is no amount of memory before it is turned into bytes.
CLI::Validator GibibytesValidator();
uint64_t ToBytes(double gibibytes);

// Of what is read as a whole number: decimal, and no other than these.
CLI::Validator WholeNumber(int64_t least, uint64_t most);
// The same, within their types, for all options that are whole numbers and have
// no other range.
void ReadDecimals(CLI::App& app);

// Has every option --foo-bar read from REV_FOO_BAR as well.
void NameEnvironment(CLI::App& app);

}  // namespace revlm::cli
