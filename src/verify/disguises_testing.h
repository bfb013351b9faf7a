// What is done to the weights of a small Llama in tests: disguises, which leave
// the function unchanged, and derivations.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "verify/weights_testing.h"

namespace revlm::verify {

struct LlamaShape {
  int64_t width = 128;
  int64_t num_layers = 6;
  int64_t num_heads = 4;
  int64_t num_kv_heads = 2;
  int64_t head_dim = 32;
  int64_t intermediate = 384;
};

using Tensors = std::vector<TestTensor>;

// ---- The same function ----------------------------------------------------

// Folds the gains of norms and rotates the residual stream; the head is untied.
void Rotate(const LlamaShape& shape, uint64_t seed, Tensors& tensors);
// Channels, hidden units and key heads with their queries change places.
void Permute(const LlamaShape& shape, uint64_t seed, Tensors& tensors);
// Rotary pairs of queries and keys, and hidden units, are scaled and turned.
void Rescale(const LlamaShape& shape, uint64_t seed, Tensors& tensors);

// ---- Derivations ----------------------------------------------------------

// Linear weights only, as published models are.
void Quantise(int bits, int64_t group_size, Tensors& tensors);
void Prune(double fraction, Tensors& tensors);
void AddNoise(double relative_size, uint64_t seed, Tensors& tensors);
// To queries and values.
void AddLowRank(int64_t rank, double relative_size, uint64_t seed,
                Tensors& tensors);
void DropLayers(const LlamaShape& shape, const std::vector<int64_t>& dropped,
                Tensors& tensors);

// ---- config.json ----------------------------------------------------------

void Untie(std::string& config);
std::function<void(std::string&)> WithLayers(int64_t from, int64_t to);

}  // namespace revlm::verify
