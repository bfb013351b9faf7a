#include "base/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

namespace revlm::base {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr uint32_t kMaxBytes = 1 << 20;

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() : ChannelTest(Channel::MakeSockets().value()) {}
  explicit ChannelTest(std::pair<Descriptor, Descriptor> sockets)
      : here_(std::move(sockets.first), kMaxBytes),
        there_(std::move(sockets.second)) {}

  // Bytes as the other end may send them.
  void Write(std::string_view bytes) {
    ASSERT_EQ(write(there_.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }
  static std::string Frame(std::string_view message) {
    const auto size = static_cast<uint32_t>(message.size());
    return std::string(reinterpret_cast<const char*>(&size), sizeof(size)) +
           std::string(message);
  }

  Channel here_;
  Descriptor there_;
};

TEST_F(ChannelTest, MessagesOfAnySizeArriveWholeAndInOrder) {
  Channel there(std::move(there_), kMaxBytes);
  std::vector<std::string> messages;
  for (const size_t size : {0u, 1u, 3u, 70'000u, 2u, kMaxBytes, 0u, 200'000u}) {
    messages.emplace_back(size, static_cast<char>('a' + messages.size()));
  }
  std::thread sender([&] {
    for (const std::string& message : messages) {
      EXPECT_TRUE(there.Send(message, milliseconds(-1)));
    }
  });
  for (const std::string& message : messages) {
    const auto received = here_.Receive();
    EXPECT_TRUE(received && *received == message) << message.size();
  }
  sender.join();
}

TEST_F(ChannelTest, AMessageIsTakenOnlyWhenAllOfItIsHere) {
  const std::string frame = Frame("hello");
  for (size_t i = 0; i < frame.size(); ++i) {
    const auto received = here_.TryReceive();
    ASSERT_TRUE(received);
    EXPECT_FALSE(*received) << i;
    Write(frame.substr(i, 1));
  }
  const auto received = here_.TryReceive();
  ASSERT_TRUE(received && *received);
  EXPECT_EQ(**received, "hello");
  EXPECT_FALSE(here_.TryReceive().value());
}

TEST_F(ChannelTest, WhatWasSentBeforeTheEndIsReceived) {
  Write(Frame("last words") + Frame("torn").substr(0, 6));
  there_ = Descriptor();
  EXPECT_EQ(here_.Receive().value(), "last words");
  for (int i = 0; i < 2; ++i) {
    const auto received = here_.TryReceive();
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().code, ErrorCode::kUnavailable);
  }
  EXPECT_EQ(here_.Send("anyone?", milliseconds(-1)).error().code,
            ErrorCode::kUnavailable);
}

TEST_F(ChannelTest, ALengthBeyondWhatIsAllowedIsRefusedAtOnce) {
  Write("\xff\xff\xff\x7f");
  const auto received = here_.TryReceive();
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(received.error().message, HasSubstr("2147483647 bytes"));
  EXPECT_EQ(here_.Send(std::string(kMaxBytes + 1, 'x'), milliseconds(-1))
                .error()
                .code,
            ErrorCode::kInvalidArgument);
}

TEST_F(ChannelTest, ALowerLimitIsForWhatIsReceivedAlone) {
  here_.LimitReceived(4);
  Write(Frame("four") + Frame("fives"));
  EXPECT_EQ(here_.Receive().value(), "four");
  const auto received = here_.TryReceive();
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(here_.Send("longer than that", milliseconds(-1)));
}

TEST(ChannelSocketsTest, AreNoStandardStreams) {
  const Descriptor kept(dup(STDIN_FILENO));
  close(STDIN_FILENO);
  const auto sockets = Channel::MakeSockets();
  if (kept.valid()) dup2(kept.get(), STDIN_FILENO);
  ASSERT_TRUE(sockets);
  EXPECT_GT(sockets->first.get(), STDERR_FILENO);
  EXPECT_GT(sockets->second.get(), STDERR_FILENO);
}

TEST_F(ChannelTest, AnEndThatTakesNothingIsGivenUp) {
  Status sent;
  for (int i = 0; sent && i < 100; ++i) {
    sent = here_.Send(std::string(kMaxBytes, 'x'), milliseconds(20));
  }
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kTimeout);
}

}  // namespace
}  // namespace revlm::base
