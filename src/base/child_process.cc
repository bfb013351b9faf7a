#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

namespace revlm::base {
namespace {

// What posix_spawn is given, freed at the end.
class SpawnPlan {
 public:
  explicit SpawnPlan(int inherited_fd) {
    posix_spawn_file_actions_init(&actions_);
    // First, as a parent without stdin or stdout may have it in their place.
    posix_spawn_file_actions_adddup2(&actions_, inherited_fd,
                                     ChildProcess::kInheritedFd);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions_,
                                             ChildProcess::kInheritedFd + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    posix_spawnattr_setsigmask(&attributes_, &blocked);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// As exec wants them. Borrows the texts.
std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::string DescribeEnd(const ChildEnd& end) {
  if (end.signal == 0) return fmt::format("exited with code {}", end.exit_code);
  const char* name = sigdescr_np(end.signal);
  return fmt::format("was killed by signal {} ({})", end.signal,
                     name == nullptr ? "unknown" : name);
}

Result<ChildProcess> ChildProcess::Start(
    const std::string& program, const std::vector<std::string>& arguments,
    const std::vector<std::string>& environment, const Descriptor& inherited) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const SpawnPlan plan(inherited.get());
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, program.c_str(), plan.actions(), plan.attributes(),
                  Pointers(words).data(), Pointers(environment).data());
  if (error == 0) return ChildProcess(pid);
  return MakeError(
      error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
      "starting {}: {}", program, std::strerror(error));
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    End();
    pid_ = std::exchange(other.pid_, -1);
    end_ = other.end_;
  }
  return *this;
}

void ChildProcess::Kill() const {
  if (pid_ > 0 && !end_) kill(pid_, SIGKILL);
}

std::optional<ChildEnd> ChildProcess::Reap(int options) {
  if (end_) return end_;
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = waitpid(pid_, &status, options);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == 0) return std::nullopt;
  // A parent that ignores SIGCHLD is not told how its children end.
  end_ = ChildEnd{};
  if (reaped == pid_ && WIFSIGNALED(status)) end_->signal = WTERMSIG(status);
  if (reaped == pid_ && WIFEXITED(status)) {
    end_->exit_code = WEXITSTATUS(status);
  }
  return end_;
}

ChildEnd ChildProcess::Wait() { return *Reap(0); }

std::optional<ChildEnd> ChildProcess::WaitFor(std::chrono::nanoseconds time) {
  constexpr std::chrono::milliseconds kStep(1);
  for (; !Reap(WNOHANG) && time > kStep; time -= kStep) {
    poll(nullptr, 0, kStep.count());
  }
  return Reap(WNOHANG);
}

void ChildProcess::End() {
  if (pid_ <= 0 || end_) return;
  Kill();
  Wait();
}

void DieWithParent() { prctl(PR_SET_PDEATHSIG, SIGKILL); }

}  // namespace revlm::base
