// Reads from two checkpoints what fingerprint/relation.h compares: the heads of
// all layers, over directions of the residual stream that both share.
//
// Gains of norms are folded into the rows that follow them, and for LayerNorm
// the mean over channels is taken off. Directions are those that the embeddings
// of some tokens span, at most kMostDirections. Of heads with more rotary pairs
// than kMostPairs so many are read, in four runs of pairs that follow each
// other, one from each quarter of the frequencies, where a seed says.
//
// Threads: thread-confined. Memory: reserved in the budget. Errors:
// kBudgetExceeded, those of reading.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "fingerprint/head_rows.h"
#include "fingerprint/matrix.h"
#include "verify/shared_tokens.h"
#include "verify/tensor_reader.h"

namespace revlm::verify {

inline constexpr int64_t kMostDirections = 256;
inline constexpr int64_t kMostPairs = 16;

// From channels to the directions that are compared, [channels][directions].
struct Projections {
  fingerprint::Matrix a;
  fingerprint::Matrix b;
  double agreement = 0;  // mean cosine of tokens of a and b over them
};

// A run of rows of a head.
struct HeadRows {
  int64_t first = 0;
  int64_t count = 0;

  bool operator==(const HeadRows&) const = default;
};

// Which rows of each head are read, ascending.
std::vector<HeadRows> SampleHeadRows(const fingerprint::AttentionShape& shape,
                                     uint64_t seed);

struct HeadPair {
  fingerprint::AttentionShape shape;
  std::vector<fingerprint::LayerHeads> a;
  std::vector<fingerprint::LayerHeads> b;
};

// Hidden units of one MLP over the directions, [units][directions]: the rows
// that read the residual stream, and what they write to it.
enum class UnitVector { kFirstInput, kLastInput, kOutput };

fingerprint::AttentionShape AttentionShapeOf(const engine::ModelSpec& spec);

// From the tokens both know. Those of b are a basis of what its embeddings of
// some tokens span; those of a the same of its own embeddings of these tokens,
// turned within their span so that tokens of the two fall together as well as
// they can (fingerprint/residual_map.h). A rotation of the channels of either
// turns its projection and nothing else. REQUIRES: models of equal width.
Result<Projections> MakeProjections(TensorReader& a, TensorReader& b,
                                    const SharedTokens& tokens,
                                    memory::Budget& budget,
                                    fingerprint::Multiplier& multiplier);

// `shape` of the result is that of the rows read. REQUIRES: both are of one
// AttentionShape.
Result<HeadPair> ReadHeads(TensorReader& a, TensorReader& b,
                           const Projections& projections, uint64_t seed,
                           memory::Budget& budget,
                           fingerprint::Multiplier& multiplier);

Result<fingerprint::Matrix> ReadUnits(TensorReader& reader, int32_t layer,
                                      UnitVector vector,
                                      const fingerprint::Matrix& projection,
                                      memory::Budget& budget,
                                      fingerprint::Multiplier& multiplier);

}  // namespace revlm::verify
