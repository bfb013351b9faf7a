// A program started beside this one, with one descriptor in common.
//
// The child begins with nothing of ours but that descriptor, as number
// kInheritedFd, and stderr; stdin and stdout lead nowhere. SIGINT and SIGTERM
// are blocked in it: what a terminal sends to both is its parent's to act on.
//
// Threads: thread-compatible; `Start` may be called while other threads run.
// Lifetime: the destructor kills the child and waits for it, so that no child
// outlives its owner and none stays behind unreaped. Errors: kNotFound (no such
// program), kUnavailable (the system refused).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace revlm::base {

// How a child ended: by `signal` when that is not 0, else with `exit_code`.
struct ChildEnd {
  int exit_code = 0;
  int signal = 0;
};

// "was killed by signal 9 (Killed)", "exited with code 3".
std::string DescribeEnd(const ChildEnd& end);

class ChildProcess {
 public:
  static constexpr int kInheritedFd = 3;

  // `arguments` without the program's own name; `environment` as "NAME=VALUE".
  static Result<ChildProcess> Start(const std::string& program,
                                    const std::vector<std::string>& arguments,
                                    const std::vector<std::string>& environment,
                                    const Descriptor& inherited);

  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), end_(other.end_) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess() { End(); }

  pid_t pid() const { return pid_; }

  // SIGKILL; nothing when it has been waited for.
  void Kill() const;
  // How it ended, once it has; waits for it until then, or at most so long.
  ChildEnd Wait();
  std::optional<ChildEnd> WaitFor(std::chrono::nanoseconds time);

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  void End();
  std::optional<ChildEnd> Reap(int options);

  pid_t pid_;
  std::optional<ChildEnd> end_;
};

// Makes the system kill this process when the thread that started it ends. For
// a child's own main.
void DieWithParent();

}  // namespace revlm::base
