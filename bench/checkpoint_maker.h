// Makes checkpoints of real shapes with random weights, as ordinary Hugging
// Face directories, so that a benchmark needs no download.
//
// Weights are bf16, uniform with standard deviation 0.02, a pure function of
// the tensor's name and the seed; norms are 1 and biases 0. Files hold at most
// 4 GiB of tensors each. A directory that is already there with the same
// configuration is used as it is, whatever its weights.
//
// Threads: any. Memory: 24 MiB. Errors: kUnavailable (I/O).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/safetensors_writer.h"

namespace revlm::bench {

struct Shape {
  std::string_view name;
  std::string_view family;  // "gpt_neox" or "llama"
  int64_t num_layers = 0;
  int64_t hidden_size = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t intermediate_size = 0;
  int64_t vocab_size = 0;
  int64_t max_positions = 0;
  double rope_theta = 10000;
  bool tied = false;
  std::string_view tokenizer;  // of tests/data/tokenizers; empty: none
};

// Pythia-410M, Llama-3.2-1B, Llama-2-7B.
inline constexpr Shape kShapes[] = {
    {"pythia-410m", "gpt_neox", 24, 1024, 16, 16, 4096, 50304, 2048, 10000,
     false, "gpt-neox-20b"},
    {"llama-3.2-1b", "llama", 16, 2048, 32, 8, 8192, 128256, 131072, 500000,
     true, "llama3"},
    {"llama-2-7b", "llama", 32, 4096, 32, 32, 11008, 32000, 4096, 10000, false,
     "tinyllama-chat"},
};

// The shape called `name`, or null.
const Shape* FindShape(std::string_view name);

// Which weights: those of a seed, or those of seed 0 with `noise` times those
// of this one added, as if they had been trained on.
struct Weights {
  uint64_t seed = 0;
  std::optional<float> noise;
};

Status MakeCheckpoint(const Shape& shape, const std::string& directory,
                      const Weights& weights = {});

// config.json, and the tensors in the order in which they are stored.
std::string ConfigText(const Shape& shape);
std::vector<formats::TensorSpec> TensorsOf(const Shape& shape);

}  // namespace revlm::bench
