// Test data: files as they are, and files packed with zstd.
#pragma once

#include <string>

#include "base/error.h"

namespace revlm::testing {

Result<std::string> ReadFile(const std::string& path);
Result<std::string> ReadZstd(const std::string& path);

}  // namespace revlm::testing
