// Which reference a model comes from, or that none of them is known to be it.
//
// Open set: a reference matches when all tensors are the same, or when the
// bound on a false match of its weights (fingerprint/weight_similarity.h) is at
// most alpha shared among the references (Bonferroni). So a model that was
// trained independently of all of them is matched with probability alpha at
// most, however many there are. What is not matched is unknown. How alike the
// states are is reported beside it and decides nothing.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "fingerprint/fingerprint.h"
#include "fingerprint/weight_similarity.h"

namespace revlm::verify {

// The target beside one reference.
struct Candidate {
  std::string name;
  std::string family;
  bool has_same_tensors = false;
  // Nothing: heads are of another shape.
  std::optional<fingerprint::WeightSimilarity> weights;
  // Share, of hypervectors. Nothing: of another challenge set.
  std::optional<double> different_bits;
  // Nothing: of another challenge set, or not compared.
  std::optional<fingerprint::StateSimilarity> states;

  // ln of the bound that an independent model looks as close as this.
  double log_p() const { return weights ? weights->log_p : 0; }
  double mean_cka() const { return states ? states->mean_cka : 0; }
};

// All but the states.
Candidate CompareWith(const fingerprint::Brief& target, std::string name,
                      std::string family, const fingerprint::Brief& reference);

struct Identification {
  // Best first: the same tensors; matches by the cosine of their weights, which
  // tells parents from siblings where bounds no longer do; the others by bound;
  // then by different bits.
  std::vector<Candidate> candidates;
  bool is_known = false;  // then it is the first of them
  double log_p_needed = 0;
};

// REQUIRES: 0 < alpha < 1.
Identification Identify(std::vector<Candidate> candidates, double alpha);

// Of ranked candidates, those whose states are worth comparing: kNumClosest of
// the first, and as many of the least different bits; ascending. Comparing them
// with all takes a hundred times as long as all the rest, and decides nothing.
inline constexpr size_t kNumClosest = 10;
std::vector<size_t> ClosestOf(std::span<const Candidate> candidates);

// ln of the largest bound that counts as a match with one of so many.
double LogPNeeded(double alpha, size_t num_references);

// Two references of different families. Who is of which must have been known
// beforehand, not found by comparing them.
struct ForeignPair {
  size_t a = 0;  // indices of references
  size_t b = 0;
  double log_p = 0;
};

// Each reference that has one of another family, identified without its own
// family: a match is a false one.
struct FalseMatches {
  uint64_t num_trials = 0;
  uint64_t num_false = 0;
  // Of the rate, at 95 %, were the trials independent: they share references.
  double upper_limit = 1;
};

// `pairs`: every pair of different families of the `num_references`.
Result<FalseMatches> LeaveFamiliesOut(size_t num_references,
                                      std::span<const ForeignPair> pairs,
                                      double alpha);

}  // namespace revlm::verify
