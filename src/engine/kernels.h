// The loops over activations and weights that are not matrix products, compiled
// once per instruction set and chosen at run time.
//
// Every function works on one row (or one sequence and head) and sums in an
// order that depends on the row's length alone: 16 interleaved partial sums,
// combined in a fixed tree; `attend`, on the row's position and window alone.
//
// Determinism: so a row's result has the same bits whatever the batch and the
// number of threads. Tables with fused multiply-add (avx512, avx2) agree
// bitwise. The baseline agrees with them except in what takes exponentials or
// products of queries and keys: activations, `attend`, `logit_block`.
//
// Accuracy, measured against double by kernels_test.cc (u = 2^-24, half a unit
// in the last place of 1): rms_norm and silu 3 units in the last place;
// layer_norm 5 u of |product| + |bias|; gelus 2 u of max(|x|, 1) and relatively
// good near 0; rope 2 u of the radius; exp 1 unit in the last place (results
// below 2^-126 are 0); sum_exp 1 u; attend 10 u of the values' size for a few
// hundred positions. NaN stays NaN.
//
// Threads: pure functions; safe from any thread. Pointers need no alignment;
// inputs and outputs of different names do not overlap. n may be 0 except where
// said.
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
  // In pages: position p is row p % kKvPagePositions of page
  // p / kKvPagePositions. Strides are in elements.
  const void* keys = nullptr;
  const void* values = nullptr;
  int64_t kv_stride = 0;                    // from a row of a page to the next
  int64_t kv_page_stride = 0;               // from a page to the next
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
inline constexpr int64_t kKvPagePositions = 16;

// The exponentials of one block of logits, for a running log-sum-exp. NaN is
// never the maximum unless all are NaN; a NaN or +inf among the logits makes
// sum_exp NaN. If all are -inf, so is max, and sum_exp is 0.
struct LogitBlock {
  float max = 0;
  int64_t max_idx = 0;  // the first of equals
  double sum_exp = 0;   // of exp(x - max)
};

// How two rows differ once they are widened to f32, by bits: NaN equals itself,
// and zeros of two signs differ. Differences are rounded to f32, sums are in
// f64.
struct RowDifference {
  double squares_a = 0;
  double squares_b = 0;
  double squares_difference = 0;  // of what differs
  int64_t num_changed = 0;
  int64_t num_zeroed_in_a = 0;  // changed, and 0 there
  int64_t num_zeroed_in_b = 0;
};

struct Kernels {
  const char* name;  // "avx512", "avx2" or "baseline"

  // out = x / sqrt(mean(x²) + eps) * weight. REQUIRES: n >= 1.
  void (*rms_norm)(const float* x, const float* weight, float eps, int64_t n,
                   float* out);
  // out = (x - mean) / sqrt(variance + eps) * weight + bias; bias may be null.
  // REQUIRES: n >= 1.
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
  // REQUIRES: 1 <= n < 2^32.
  LogitBlock (*logit_block)(const float* logits, int64_t n);
  // REQUIRES: n < 2^32.
  RowDifference (*difference)(ElementType type_a, const void* a,
                              ElementType type_b, const void* b, int64_t n);
};

// The best table this machine can run. `REVLM_CHECK`s nothing; never fails.
const Kernels& BestKernels();

// All tables this machine can run, best first (for tests).
int NumKernelTables();
const Kernels& KernelTable(int idx);

}  // namespace revlm::engine
