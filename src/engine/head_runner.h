// From the last layer's rows to scores of tokens: final norm, head,
// log-softmax.
//
// The head comes in tiles of the vocabulary. Logits of a tile are used at once
// (running log-sum-exp, best token, best alternatives, the logit of a known
// next token) and dropped, except for rows that ask for all of them. Tiles are
// taken in order and in blocks of `kColumnTile`, so results do not depend on
// the size of a tile.
//
// Threads: thread-confined; uses the pool. Memory: the activations, and
// vocab_size floats per row that keeps them. Errors: as Matmul.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/activations.h"
#include "engine/engine.h"
#include "engine/machine.h"
#include "engine/slab_plan.h"

namespace revlm::engine {

// One row whose next token is scored.
struct HeadRow {
  int64_t pass_row = 0;
  int32_t known_next = -1;  // the token whose logprob is wanted, or -1
  int32_t num_alternatives = 0;
  bool keep_logits = false;

  // Filled in by HeadRunner.
  int32_t best = 0;  // the first of the most probable tokens
  float best_logit = -std::numeric_limits<float>::infinity();
  float known_logit = 0;
  double sum_exp = 0;                 // of exp(logit - best_logit)
  std::vector<Alternative> best_few;  // logits, largest first, then lowest id
  std::vector<float> logits;          // of keep_logits

  float LogProb(float logit) const;
  // False when a logit is not a number or infinite.
  bool is_finite() const;
};

class HeadRunner {
 public:
  explicit HeadRunner(const Machine& machine) : machine_(machine) {}

  // One row through the final norm.
  void FinalNorm(const float* x, float* out) const;

  // Starts scoring `rows` of a pass, after the last layer.
  void Begin(std::span<HeadRow> rows, const Activations& activations);
  // Scores the tokens of one tile of the head.
  Status RunTile(const Tile& tile, const SlabView& slab);

 private:
  void Score(HeadRow& row, int64_t first_token, int64_t num_tokens,
             const float* logits) const;

  const Machine& machine_;
  std::span<HeadRow> rows_;
  Activations activations_;
};

}  // namespace revlm::engine
