// For tests: an MLLP listener in this process that answers as a test says, and keeps what it got.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "base/mutex.h"
#include "formats/hl7v2/ack.h"
#include "formats/hl7v2/header.h"
#include "formats/hl7v2/mllp_framer.h"
#include "io/connection.h"
#include "io/listener.h"
#include "io/runtime.h"

namespace myelin::cli::send::testing {

struct Reply {
  std::string bytes;  // As they go out: frame() makes a frame of a message.
  enum class Then : std::uint8_t { Read, Close } then = Then::Read;
};

inline std::string frame(std::string_view message) { return hl7v2::mllp_wrap(message); }

inline std::string ack(std::string_view message, hl7v2::AckCode code, std::string text = {}) {
  hl7v2::AckOptions options{.code = code, .control_id = "ACK", .text = std::move(text)};
  return hl7v2::build_ack(hl7v2::header_of_bytes(message), options);
}

inline Reply accept(std::string_view message) { return {frame(ack(message, hl7v2::AckCode::AA))}; }

class FakeServer {
 public:
  using Answer = std::function<Reply(std::string_view message)>;

  explicit FakeServer(Answer answer) : answer_(std::move(answer)) {
    auto listener = io::TcpListener::bind(runtime_, "fake", {});
    EXPECT_TRUE(listener);
    listener_ = std::move(listener).value();
    listener_->start([this](std::unique_ptr<io::Connection> connection) {
      return serve(std::move(connection));
    });
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(listener_->local_port()); }
  std::vector<std::string> messages() {
    MutexLock lock(mutex_);
    return messages_;
  }

 private:
  io::Task<void> serve(std::unique_ptr<io::Connection> connection) {
    hl7v2::MllpFramer framer(64u << 20);
    std::vector<char> buffer(64u << 10);
    for (;;) {
      const auto count = co_await connection->read_some(buffer);
      if (!count || *count == 0) co_return;
      framer.feed({buffer.data(), *count});
      for (;;) {
        const auto found = framer.next();
        if (!found || !*found) break;
        const Reply reply = take((*found)->bytes);
        const Status written = co_await connection->write_all(reply.bytes);
        if (!written || reply.then == Reply::Then::Close) co_return;
      }
    }
  }

  Reply take(std::string_view message) {
    {
      MutexLock lock(mutex_);
      messages_.emplace_back(message);
    }
    return answer_(message);
  }

  SystemClock clock_;
  Logger logger_{{}, clock_, [](std::string_view) {}};
  const Answer answer_;
  Mutex mutex_;
  std::vector<std::string> messages_ MYELIN_GUARDED_BY(mutex_);
  io::Runtime runtime_{logger_, {.threads = 1, .blocking_threads = 1}};
  std::unique_ptr<io::TcpListener> listener_;
};

}  // namespace myelin::cli::send::testing
