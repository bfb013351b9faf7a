// Test data: files as they are, and files packed with zstd.
#pragma once

#include <map>
#include <string>

#include "base/error.h"

namespace revlm::testing {

Result<std::string> ReadFile(const std::string& path);
Result<std::string> ReadZstd(const std::string& path);
// The files of a directory by name, without those in folders.
std::map<std::string, std::string> FilesIn(const std::string& directory);

}  // namespace revlm::testing
