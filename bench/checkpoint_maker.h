// Makes checkpoints of real shapes with random weights, as ordinary Hugging
// Face directories, so that a benchmark needs no download.
//
// Weights are bf16, uniform with standard deviation 0.02, a pure function of
// the tensor's name; norms are 1 and biases 0. A directory that is already
// there with the same shape is used as it is.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace revlm::bench {

struct NeoxShape {
  int64_t num_layers = 0;
  int64_t hidden_size = 0;
  int64_t num_heads = 0;
  int64_t intermediate_size = 0;
  int64_t vocab_size = 0;
  int64_t max_positions = 0;
};

// Pythia-410M: 405 million parameters.
inline constexpr NeoxShape kPythia410M = {.num_layers = 24,
                                          .hidden_size = 1024,
                                          .num_heads = 16,
                                          .intermediate_size = 4096,
                                          .vocab_size = 50304,
                                          .max_positions = 2048};

Status MakeNeoxCheckpoint(const NeoxShape& shape, const std::string& directory);

}  // namespace revlm::bench
