// The private program of a run's workers (revlm/worker.h).
#include <signal.h>

#include <cstdio>

#include "revlm/worker.h"

int main(int argc, char** /*argv*/) {
  // What it would say comes back as an error of the write.
  signal(SIGXFSZ, SIG_IGN);
  if (argc > 1) {
    std::fprintf(stderr, "revlm-worker: it is started by revlm alone\n");
    return 2;
  }
  const revlm::Status served = revlm::ServeWorker();
  if (served) return 0;
  std::fprintf(stderr, "revlm-worker: %s\n", served.error().message.c_str());
  return 70;
}
