// Real models and the answers of the reference implementation, unpacked for a
// test. Unpacked directories go to a temporary folder that the process removes
// at its end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace revlm::testing {

// A Hugging Face directory with the files of `packed_directory`, those that end
// in .zst unpacked. Golden answers are left out.
Result<std::string> UnpackModel(const std::string& packed_directory);

// The same with every BF16 tensor converted to F16, rounded to nearest even.
Result<std::string> UnpackModelAsF16(const std::string& packed_directory);

// A tensor of a golden.safetensors, by value.
struct GoldenTensor {
  std::vector<uint64_t> shape;
  std::vector<float> floats;      // of F32
  std::vector<int32_t> integers;  // of I64
};
using Golden = std::map<std::string, GoldenTensor>;

// `path` may end in .zst.
Result<Golden> ReadGolden(const std::string& path);

// One checkpoint and its golden answers.
struct GoldenCase {
  std::string name;
  std::string directory;  // unpacked
  Golden golden;
  int num_prompts = 0;
};

// All golden cases: the architectures under tests/data/golden/arch and the
// trained models under tests/data/golden/models.
std::vector<std::string> GoldenCaseNames();
Result<GoldenCase> LoadGoldenCase(const std::string& name);

// Σ(a-b)² / Σb².
double NormalizedError(const float* found, const float* expected, size_t count);

}  // namespace revlm::testing
