// Messages between two processes that own the ends of a Unix stream socket.
//
//   frame = u32le(size_bytes) || message      size_bytes <= max_message_bytes
//
// The other end is not trusted: a frame longer than allowed is kCorrupt, and
// memory grows with the bytes that came, not with what a frame says. An end
// that is gone is kUnavailable; messages that it sent before are still
// received.
//
// Threads: thread-compatible. Memory: kKeptBytes, and while messages are larger
// at most twice the largest. Errors: kUnavailable, kCorrupt, kTimeout (the
// other end takes nothing). After an error the channel is of no more use.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace revlm::base {

class Channel {
 public:
  static constexpr uint64_t kKeptBytes = uint64_t{192} << 10;

  Channel(Descriptor socket, uint32_t max_message_bytes)
      : socket_(std::move(socket)),
        max_message_bytes_(max_message_bytes),
        max_received_bytes_(max_message_bytes) {}

  // Two connected sockets, closed in programs that are started.
  static Result<std::pair<Descriptor, Descriptor>> MakeSockets();

  // To wait on: readable when a message, a part of one or the end has come.
  int fd() const { return socket_.get(); }

  // Waits while the other end takes nothing, at most `patience` at a time;
  // less than nothing: for ever.
  Status Send(std::string_view message, std::chrono::milliseconds patience);

  // From now on, longer ones are refused when they come.
  void LimitReceived(uint32_t max_message_bytes) {
    max_received_bytes_ = max_message_bytes;
  }

  // The next message; waits for it.
  Result<std::string_view> Receive();
  // The next message, when all of it is here. Both are good until the next
  // call.
  Result<std::optional<std::string_view>> TryReceive();

 private:
  enum class Waiting { kYes, kNo };
  // Whether bytes were read.
  Result<bool> Read(Waiting waiting);
  Result<std::optional<std::string_view>> TakeFrame();

  Descriptor socket_;
  uint32_t max_message_bytes_;
  uint32_t max_received_bytes_;
  std::string input_;       // bytes that came
  size_t taken_bytes_ = 0;  // of them, handed out already
};

}  // namespace revlm::base
