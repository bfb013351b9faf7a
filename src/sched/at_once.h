// How many models run at once.
//
// Each model of `at_once` gets a part of the cores and of the memory; the disk
// serves whoever asks. So a run takes as long as its models do where each place
// takes the next one as it becomes free, and at least as long as the disk needs
// for what all of them read.
//
// Threads: pure functions. Determinism: of the arguments alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace revlm::sched {

// Of one model, with its share of cores and memory; the disk its own.
struct ModelTime {
  double seconds = 0;
  double read_seconds = 0;  // of them, the disk reads
};

// Of models in their order, so many at once. REQUIRES: at_once >= 1.
double SecondsAtOnce(std::span<const ModelTime> models, int32_t at_once);

// Worth comparing: 1, 2, 4 and so on, and `most`. REQUIRES: most >= 1.
std::vector<int32_t> CountsToCompare(int32_t most);

struct AtOnce {
  int32_t num_models = 1;
  double seconds = 0;  // predicted, of the whole run
};

// The fewest at once that are nearly as fast as the fastest: more of them leave
// less memory to each, and predictions are not exact. REQUIRES: `choices` are
// in the order of num_models, and not none.
AtOnce ChooseAtOnce(std::span<const AtOnce> choices);

}  // namespace revlm::sched
