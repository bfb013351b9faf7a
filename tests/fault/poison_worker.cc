// revlm-worker, but that it dies when it is given what the test says:
//
//   REVLM_TEST_POISON  keys of operations, with blanks between them
//   REVLM_TEST_LOG     a file that gets a line for each death
//   REVLM_TEST_CURE    a file: where it is, nothing is poison any more
//   REVLM_TEST_FLOOD   set: it says more than a run has memory for, and dies
//                      when nobody listens any more
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/child_process.h"
#include "memory/process_memory.h"
#include "run/worker_service.h"

namespace revlm {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void Flood() {
  const uint32_t size_bytes = uint32_t{1} << 29;
  std::string frame(size_t{1} << 20, 'x');
  std::memcpy(frame.data(), &size_bytes, sizeof(size_bytes));
  while (write(base::ChildProcess::kInheritedFd, frame.data(), frame.size()) >
         0) {
  }
}

void DieOfPoison(const run::Session& session) {
  if (access(Variable("REVLM_TEST_CURE").c_str(), F_OK) == 0) return;
  const std::string poison = Variable("REVLM_TEST_POISON");
  for (const std::string& key : session.keys()) {
    if (poison.find(key) == std::string::npos) continue;
    if (std::FILE* log = std::fopen(Variable("REVLM_TEST_LOG").c_str(), "a")) {
      std::fprintf(log, "%zu\n", session.keys().size());
      std::fclose(log);
    }
    if (!Variable("REVLM_TEST_FLOOD").empty()) Flood();
    signal(SIGSEGV, SIG_DFL);  // a sanitizer would make an exit of it
    raise(SIGSEGV);
  }
}

}  // namespace
}  // namespace revlm

int main() {
  revlm::base::DieWithParent();
  revlm::memory::TuneHeap();
  revlm::memory::LiftFence();
  const revlm::Status served = revlm::run::ServeModel(
      revlm::base::Descriptor(revlm::base::ChildProcess::kInheritedFd),
      {.before_run = revlm::DieOfPoison});
  return served.error().code == revlm::ErrorCode::kUnavailable ? 0 : 70;
}
