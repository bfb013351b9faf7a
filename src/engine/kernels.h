// The loops over activations that are not matrix products, compiled once per
// instruction set and chosen at run time.
//
// Every function works on one row (or one sequence and head) and sums in an
// order that depends on the row's length alone: 16 interleaved partial sums,
// combined in a fixed tree. So a row's result has the same bits whatever the
// batch and the number of threads. Accuracy: each is within a few units in the
// last place of the f32 result of the formula (kernels_test.cc measures it
// against double).
//
// Threads: pure functions. Pointers need no alignment; inputs and outputs of
// different names do not overlap, except where said.
#pragma once

#include <cstdint>

namespace revlm::engine {

enum class Activation { kSilu, kGelu /* erf */, kGeluTanh, kRelu };

// Elements of raw rows: weights as read from disk, keys and values as kept.
enum class ElementType { kF32, kF16, kBf16 };

// Causal attention of `num_rows` consecutive positions of one sequence with one
// head. Row r is at position first_pos + r and attends to positions
// max(0, first_pos + r - window + 1) .. first_pos + r (window 0: from 0).
struct AttentionArgs {
  const float* query = nullptr;  // row r at query + r * query_stride
  int64_t query_stride = 0;
  const void* keys = nullptr;    // position p at element p * kv_stride
  const void* values = nullptr;
  int64_t kv_stride = 0;
  ElementType kv_type = ElementType::kF32;  // kF32 or kBf16
  int64_t num_rows = 0;
  int64_t first_pos = 0;
  int64_t window = 0;
  int64_t head_dim = 0;
  float scale = 1;
  float* output = nullptr;  // row r at output + r * output_stride
  int64_t output_stride = 0;
  float* scratch = nullptr;  // kAttentionRows * (first_pos + num_rows) floats
};
inline constexpr int64_t kAttentionRows = 4;

// The exponentials of one block of logits, for a running log-sum-exp.
struct LogitBlock {
  float max = 0;
  int64_t max_idx = 0;     // the first of equals
  double sum_exp = 0;  // of exp(x - max)
};

struct Kernels {
  const char* name;  // "avx512", "avx2" or "baseline"

  // out = x / sqrt(mean(x²) + eps) * weight.
  void (*rms_norm)(const float* x, const float* weight, float eps, int64_t n,
                   float* out);
  // out = (x - mean) / sqrt(variance + eps) * weight + bias; bias may be null.
  void (*layer_norm)(const float* x, const float* weight, const float* bias,
                     float eps, int64_t n, float* out);
  // y += x.
  void (*add)(const float* x, int64_t n, float* y);
  // x = activation(x), in place.
  void (*activate)(Activation activation, int64_t n, float* x);
  // gate = activation(gate) * up, in place.
  void (*gate)(Activation activation, const float* up, int64_t n, float* gate);
  // Rotates the first `rotary_dim` elements of a head in place, in halves:
  // (x[i], x[i + rotary_dim/2]) by the angle with cosines[i], sines[i].
  void (*rope)(const float* cosines, const float* sines, int64_t rotary_dim,
               float* x);
  // Widens a row exactly to f32 (kF32: copies).
  void (*widen)(ElementType type, const void* x, int64_t n, float* out);
  // Rounds to nearest even; NaN stays NaN.
  void (*narrow_to_bf16)(const float* x, int64_t n, uint16_t* out);
  void (*attend)(const AttentionArgs& args);
  LogitBlock (*logit_block)(const float* logits, int64_t n);  // n >= 1
};

// The best table this machine can run. `REVLM_CHECK`s nothing; never fails.
const Kernels& BestKernels();

// All tables this machine can run, best first (for tests).
int NumKernelTables();
const Kernels& KernelTable(int idx);

}  // namespace revlm::engine
