// The Model Equality Test, as something to compare with: Gao, Liang, Guestrin
// 2025, "Model equality testing: which model is this API serving?", ICLR.
// Written from its formulas.
//
// Two samples of texts, as many to each prompt from both, have the maximum mean
// discrepancy, with means over pairs of texts of one sample or of both,
//
//   MMD^2 = mean k(X, X') + mean k(Y, Y') - 2 mean k(X, Y)
//
// and the kernel of texts a and b of one prompt, cut or filled up to `length`
// bytes, is the share of places where they agree; of different prompts it is 0.
// Its distribution under the hypothesis comes from exchanging texts of one
// prompt, and p = (1 + number as large) / (1 + number of permutations). (The
// authors' program permutes across prompts and has no 1 in the formula of p,
// which makes it 0 now and then.)
//
// Valid for one look at a number of texts chosen beforehand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace revlm::bench {

// Of one prompt; both have the same number, 2 or more.
struct PromptTexts {
  std::vector<std::string> target;
  std::vector<std::string> reference;
};

double ModelEqualityP(const std::vector<PromptTexts>& prompts, size_t length,
                      int num_permutations, uint64_t seed);

}  // namespace revlm::bench
