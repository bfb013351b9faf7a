// Chooses among proposals by what earlier prompts brought.
//
// A proposal's score is the response predictor's expected logarithm of its
// information, and half a draw of how unsure that is: unsure ones win at times,
// which is how it explores (Thompson 1933; Chapelle and Li 2011, "An empirical
// evaluation of Thompson sampling", NIPS). Each proposal has a draw of its own,
// so that a batch is not all of one kind. The strategy behavioral
// adds the profiler's contrast: an area where models differ most counts like
// twice the information. Scores are compared in steps of 2^-16; of equals, the
// first wins.
//
// Threads: thread-compatible. Memory: those of predictor.h and profile.h.
// Errors: none. Determinism: of the key and the calls; `portable_math.h`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "challenge/draw.h"
#include "challenge/predictor.h"
#include "challenge/profile.h"
#include "challenge/strategy.h"
#include "challenge/system.h"

namespace revlm::challenge {

class Chooser {
 public:
  Chooser(const Key& session_key, Strategy strategy, Focus focus);

  void Learn(const Challenge& challenge, double information_nats,
             std::span<const ModelObservation> observations);
  bool has_learnt() const { return predictor_.num_learnt() > 0; }

  // How many proposals to choose `count` from: `count` while nothing is learnt.
  size_t NumProposals(size_t count) const;

  // Puts proposals of one system, which come in its own order, in the order in
  // which to give them. `num_given`: what it gave before.
  void Order(std::deque<Challenge>& proposals, size_t num_given);

  std::vector<ModelProfile> profiles() const { return profiler_.profiles(); }

 private:
  std::vector<size_t> ByScore(const std::deque<Challenge>& proposals);

  Key draw_key_;
  Strategy strategy_;
  Focus focus_;
  uint64_t num_orderings_ = 0;
  ResponsePredictor predictor_;
  Profiler profiler_;
};

}  // namespace revlm::challenge
