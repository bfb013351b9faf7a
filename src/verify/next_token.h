// Two distributions of what comes next, and how far they are apart.
//
// Of logits a and b with p = softmax(a) and q = softmax(b), in nats:
//
//   KL(p||q) = sum of  p_i ln(p_i/q_i) - p_i + q_i
//
// term by term, of which none is below 0 (stats/divergence.h). With d_i =
// ln(p_i/q_i) the term is p_i (d_i - 1 + exp(-d_i)), which is taken from its
// series where d is small: nothing is lost to cancellation, and logits that are
// equal bit for bit are exactly 0 apart.
//
// Over first bytes, p and q are sums of tokens' probabilities by the first byte
// of their text. By the data processing inequality (Cover and Thomas 2006,
// "Elements of information theory", 2.8) their divergence is at most that of
// the texts that the two models would go on with.
//
// Threads: pure functions; a `Distribution` is thread-compatible. Memory: 16
// bytes a token and distribution. Determinism: of the logits, and of the
// machine's exponential.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace revlm::verify {

// Probabilities, and their logarithms.
struct Distribution {
  std::vector<double> p;
  std::vector<double> log_p;
};

// Takes its memory the first time. REQUIRES: logits are finite; at least one.
void SetFromLogits(std::span<const float> logits, Distribution& out);

// How sure a model is of what comes next, on average over a prompt's positions.
struct Certainty {
  double mean_entropy_nats = 0;
  double mean_top_probability = 0;
};

// Of logits of several positions, `row_floats` each. REQUIRES: finite logits of
// at least one position.
Certainty CertaintyOf(std::span<const float> logits, size_t row_floats,
                      Distribution& workspace);

// What a token's text begins with: a byte, or nothing (special tokens).
inline constexpr size_t kNumFirstBytes = 257;
inline constexpr uint16_t kNoByte = 256;

// Adds up tokens by `first_bytes`, one for each token. A byte that no token
// begins with is given the smallest normal double, which keeps divergences
// finite and hardly changes them.
void SetFromTokens(const Distribution& tokens,
                   std::span<const uint16_t> first_bytes, Distribution& out);

struct BothNats {
  double nats = 0;    // KL(a||b)
  double mirror = 0;  // KL(b||a)
};

// Finite, and none below 0. REQUIRES: as many entries in both.
BothNats Divergences(const Distribution& a, const Distribution& b);

}  // namespace revlm::verify
