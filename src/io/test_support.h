// For tests of what listens: a logger that is kept, a blocking client over a real socket, waiting
// for a condition.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "base/mutex.h"
#include "base/time.h"
#include "io/runtime.h"

namespace myelin::io::testing {

// True as soon as the condition is; false after a time that only a hang takes.
inline bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 20'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

class KeptLog {
 public:
  KeptLog()
      : logger_({}, clock_, [this](std::string_view line) {
          MutexLock lock(mutex_);
          text_ += line;
        }) {}
  Logger& logger() { return logger_; }
  std::string text() {
    MutexLock lock(mutex_);
    return text_;
  }

 private:
  SystemClock clock_;
  Mutex mutex_;
  std::string text_ MYELIN_GUARDED_BY(mutex_);
  Logger logger_;
};

// A runtime of two threads with its log.
class IoTest : public ::testing::Test {
 protected:
  KeptLog log_;
  Runtime runtime_{log_.logger(), {.threads = 2, .blocking_threads = 2}};
};

// Blocks. Reads give up after 20 seconds, so that a hang is a failure.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        pending_(std::move(other.pending_)) {}
  Client& operator=(Client&&) = delete;
  ~Client() { close(); }

  bool connected() const { return connected_; }
  int fd() const { return fd_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // Closes with a reset instead of an end.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

  // Up to and with the mark; all there was when the peer ends first.
  std::string read_until(std::string_view mark) {
    for (;;) {
      const auto found = pending_.find(mark);
      if (found != std::string::npos) return take(found + mark.size());
      if (!receive()) return take(pending_.size());
    }
  }
  std::string read_bytes(std::size_t count) {
    while (pending_.size() < count && receive()) {
    }
    return take(std::min(count, pending_.size()));
  }
  // Until the peer ends.
  std::string read_all() {
    while (receive()) {
    }
    return take(pending_.size());
  }
  // Head and a body of the length that it tells.
  std::string read_answer() {
    std::string answer = read_until("\r\n\r\n");
    const std::string_view field = "Content-Length: ";
    const auto at = answer.find(field);
    if (at != std::string::npos) answer += read_bytes(std::stoul(answer.substr(at + field.size())));
    return answer;
  }

 private:
  bool receive() {
    char bytes[16384];
    const auto count = ::recv(fd_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    pending_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }
  std::string take(std::size_t count) {
    std::string taken = pending_.substr(0, count);
    pending_.erase(0, count);
    return taken;
  }

  int fd_ = -1;
  bool connected_ = false;
  std::string pending_;
};

}  // namespace myelin::io::testing
