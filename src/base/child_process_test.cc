#include "base/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/channel.h"

namespace revlm::base {
namespace {

class ChildProcessTest : public ::testing::Test {
 protected:
  ChildProcessTest() : sockets_(Channel::MakeSockets().value()) {}

  Result<ChildProcess> Shell(const std::string& script,
                             const std::vector<std::string>& environment = {}) {
    auto child = ChildProcess::Start("/bin/sh", {"-c", script}, environment,
                                     sockets_.second);
    sockets_.second = Descriptor();
    return child;
  }
  // All that the child writes to the descriptor it inherited.
  std::string Written() {
    std::string text;
    char buffer[256];
    for (ssize_t count = 0;
         (count = read(sockets_.first.get(), buffer, sizeof(buffer))) > 0;) {
      text.append(buffer, static_cast<size_t>(count));
    }
    return text;
  }
  static bool IsThere(pid_t pid) { return kill(pid, 0) == 0; }

  std::pair<Descriptor, Descriptor> sockets_;
};

TEST_F(ChildProcessTest, GetsItsArgumentsEnvironmentAndOneDescriptor) {
  const Descriptor other(dup(STDERR_FILENO));  // not closed by exec
  ASSERT_LT(other.get(), 20);
  auto child = Shell(
      "echo \"$REVLM_A,$PATH_OF_NONE\" >&3; n=4;"
      "while [ $n -lt 20 ]; do"
      "  if [ -e /proc/$$/fd/$n ]; then echo \"open: $n\" >&3; fi;"
      "  n=$((n + 1)); done;"
      "in=$(readlink /proc/$$/fd/0); out=$(readlink /proc/$$/fd/1);"
      "echo \"$in $out\" >&3; :",
      {"REVLM_A=one two", "PATH=/usr/bin:/bin"});
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(Written(), "one two,\n/dev/null /dev/null\n");
  EXPECT_EQ(DescribeEnd(child->Wait()), "exited with code 0");
}

TEST_F(ChildProcessTest, SaysHowItEnded) {
  auto child = Shell("exit 7");
  ASSERT_TRUE(child);
  const ChildEnd end = child->Wait();
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_EQ(end.signal, 0);
  EXPECT_EQ(child->Wait().exit_code, 7);  // and says it again
}

TEST_F(ChildProcessTest, KilledIsToldFromExited) {
  auto child = Shell("kill -SEGV $$");
  ASSERT_TRUE(child);
  EXPECT_EQ(DescribeEnd(child->Wait()),
            "was killed by signal 11 (Segmentation fault)");
}

TEST_F(ChildProcessTest, WaitsNoLongerThanAsked) {
  auto child = Shell("read x <&3");
  ASSERT_TRUE(child);
  EXPECT_FALSE(child->WaitFor(std::chrono::milliseconds(20)));
  child->Kill();
  EXPECT_EQ(child->Wait().signal, SIGKILL);
}

TEST_F(ChildProcessTest, NoneOutlivesItsOwnerOrStaysUnreaped) {
  pid_t pid = -1;
  {
    auto child = Shell("read x <&3");
    ASSERT_TRUE(child);
    pid = child->pid();
    EXPECT_TRUE(IsThere(pid));
  }
  EXPECT_FALSE(IsThere(pid));
  EXPECT_EQ(waitpid(pid, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(ChildProcessTest, InterruptsAreItsParentsToActOn) {
  auto child = Shell("kill -INT $$; kill -TERM $$; echo alive >&3");
  ASSERT_TRUE(child);
  EXPECT_EQ(Written(), "alive\n");
  EXPECT_EQ(child->Wait().exit_code, 0);
}

TEST_F(ChildProcessTest, AProgramThatIsNotThereIsNamed) {
  const auto child =
      ChildProcess::Start("/no/such/program", {}, {}, sockets_.second);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ErrorCode::kNotFound);
  EXPECT_NE(child.error().message.find("/no/such/program"), std::string::npos);
}

}  // namespace
}  // namespace revlm::base
