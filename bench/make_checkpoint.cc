// revlm_make_checkpoint SHAPE DIRECTORY [LAYERS [SEED [NOISE]]]: one checkpoint
// of bench/README.md, cut to LAYERS; of the weights of SEED, or those of seed 0
// with NOISE times those of SEED added.
#include <cstdio>
#include <cstdlib>

#include "checkpoint_maker.h"

int main(int argc, char** argv) {
  const revlm::bench::Shape* known =
      argc >= 3 && argc <= 6 ? revlm::bench::FindShape(argv[1]) : nullptr;
  if (known == nullptr) {
    std::fprintf(stderr,
                 "usage: revlm_make_checkpoint SHAPE DIRECTORY [LAYERS [SEED "
                 "[NOISE]]]\nshapes:");
    for (const revlm::bench::Shape& shape : revlm::bench::kShapes) {
      std::fprintf(stderr, " %.*s", static_cast<int>(shape.name.size()),
                   shape.name.data());
    }
    std::fprintf(stderr, "\n");
    return 2;
  }
  revlm::bench::Shape shape = *known;
  revlm::bench::Weights weights;
  if (argc > 3) shape.num_layers = std::atoll(argv[3]);
  if (argc > 4) weights.seed = std::strtoull(argv[4], nullptr, 10);
  if (argc > 5) weights.noise = std::strtof(argv[5], nullptr);
  const revlm::Status status =
      revlm::bench::MakeCheckpoint(shape, argv[2], weights);
  if (status) return 0;
  std::fprintf(stderr, "revlm_make_checkpoint: %s\n",
               status.error().message.c_str());
  return 1;
}
