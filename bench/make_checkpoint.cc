// revlm_make_checkpoint SHAPE DIRECTORY: one checkpoint of bench/README.md.
#include <cstdio>

#include "checkpoint_maker.h"

int main(int argc, char** argv) {
  const revlm::bench::Shape* shape =
      argc == 3 ? revlm::bench::FindShape(argv[1]) : nullptr;
  if (shape == nullptr) {
    std::fprintf(stderr,
                 "usage: revlm_make_checkpoint SHAPE DIRECTORY\nshapes:");
    for (const revlm::bench::Shape& known : revlm::bench::kShapes) {
      std::fprintf(stderr, " %.*s", static_cast<int>(known.name.size()),
                   known.name.data());
    }
    std::fprintf(stderr, "\n");
    return 2;
  }
  const revlm::Status status = revlm::bench::MakeCheckpoint(*shape, argv[2]);
  if (status) return 0;
  std::fprintf(stderr, "revlm_make_checkpoint: %s\n",
               status.error().message.c_str());
  return 1;
}
