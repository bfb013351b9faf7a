#include "base/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/bytes.h"

namespace revlm::base {
namespace {

constexpr size_t kHeaderBytes = sizeof(uint32_t);
constexpr size_t kReadBytes = size_t{64} << 10;

std::unexpected<Error> SystemError(std::string_view doing) {
  return MakeError(ErrorCode::kUnavailable, "{}: {}", doing,
                   std::strerror(errno));
}

bool IsInterrupted() { return errno == EINTR; }
bool WouldWait() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

Result<std::pair<Descriptor, Descriptor>> Channel::MakeSockets() {
  int fds[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return SystemError("making a pair of sockets");
  }
  std::pair<Descriptor, Descriptor> sockets{Descriptor(fds[0]),
                                            Descriptor(fds[1])};
  // Where a program has closed its standard streams, what libraries print must
  // not come here.
  for (Descriptor* socket : {&sockets.first, &sockets.second}) {
    if (socket->get() > STDERR_FILENO) continue;
    Descriptor above(fcntl(socket->get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!above.valid()) return SystemError("making a pair of sockets");
    *socket = std::move(above);
  }
  return sockets;
}

Status Channel::Send(std::string_view message,
                     std::chrono::milliseconds patience) {
  if (message.size() > max_message_bytes_) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "sending a message: it has {} bytes, allowed are {}",
                     message.size(), max_message_bytes_);
  }
  const auto size_bytes = static_cast<uint32_t>(message.size());
  iovec parts[2] = {{const_cast<uint32_t*>(&size_bytes), kHeaderBytes},
                    {const_cast<char*>(message.data()), message.size()}};
  msghdr frame = {};
  frame.msg_iov = parts;
  frame.msg_iovlen = 2;
  for (size_t left = kHeaderBytes + message.size(); left > 0;) {
    const ssize_t sent =
        sendmsg(socket_.get(), &frame, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && WouldWait()) {
      pollfd room = {.fd = socket_.get(), .events = POLLOUT, .revents = 0};
      const int ready = poll(&room, 1, static_cast<int>(patience.count()));
      if (ready == 0) {
        return MakeError(ErrorCode::kTimeout,
                         "sending a message: the other process took nothing "
                         "for {} s",
                         patience.count() / 1000);
      }
      if (ready > 0 || IsInterrupted()) continue;
    }
    if (sent < 0 && IsInterrupted()) continue;
    if (sent < 0) return SystemError("sending a message");
    left -= static_cast<size_t>(sent);
    auto done = static_cast<size_t>(sent);
    for (iovec& part : parts) {
      const size_t step = std::min(done, part.iov_len);
      part.iov_base = static_cast<char*>(part.iov_base) + step;
      part.iov_len -= step;
      done -= step;
    }
  }
  return {};
}

Result<bool> Channel::Read(Waiting waiting) {
  const size_t held = input_.size();
  // Doubling, as std::string does by itself, but never for what did not come.
  input_.resize(held + kReadBytes);
  ssize_t count = 0;
  do {
    count = recv(socket_.get(), input_.data() + held, kReadBytes,
                 waiting == Waiting::kYes ? 0 : MSG_DONTWAIT);
  } while (count < 0 && IsInterrupted());
  const int error = errno;
  input_.resize(held + static_cast<size_t>(std::max<ssize_t>(count, 0)));
  errno = error;
  if (count > 0) return true;
  if (count < 0 && WouldWait()) return false;
  if (count < 0) return SystemError("receiving a message");
  return MakeError(ErrorCode::kUnavailable,
                   "receiving a message: the other process is gone");
}

Result<std::optional<std::string_view>> Channel::TakeFrame() {
  const std::string_view rest = std::string_view(input_).substr(taken_bytes_);
  if (rest.size() < kHeaderBytes) return std::nullopt;
  const auto size_bytes = LoadUnaligned<uint32_t>(rest.data());
  if (size_bytes > max_received_bytes_) {
    return MakeError(ErrorCode::kCorrupt,
                     "receiving a message: it says that it has {} bytes, "
                     "allowed are {}",
                     size_bytes, max_received_bytes_);
  }
  if (rest.size() - kHeaderBytes < size_bytes) return std::nullopt;
  taken_bytes_ += kHeaderBytes + size_bytes;
  return rest.substr(kHeaderBytes, size_bytes);
}

Result<std::optional<std::string_view>> Channel::TryReceive() {
  while (true) {
    auto frame = TakeFrame();
    if (!frame || *frame) return frame;
    input_.erase(0, taken_bytes_);
    taken_bytes_ = 0;
    if (input_.empty() && input_.capacity() > kKeptBytes) {
      std::string().swap(input_);
    }
    REVLM_ASSIGN_OR_RETURN(const bool has_read, Read(Waiting::kNo));
    if (!has_read) return std::nullopt;
  }
}

Result<std::string_view> Channel::Receive() {
  while (true) {
    REVLM_ASSIGN_OR_RETURN(const auto frame, TryReceive());
    if (frame) return *frame;
    REVLM_TRY(Read(Waiting::kYes));
  }
}

}  // namespace revlm::base
