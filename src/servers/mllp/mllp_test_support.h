// What the tests of the MLLP door share: a server on a free port over a bus that the test chooses,
// an audit that remembers, frames.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "feeds/fake_bus.h"
#include "feeds/test_support.h"
#include "formats/hl7v2/mllp_framer.h"
#include "io/one_shot.h"
#include "io/test_support.h"
#include "servers/mllp/mllp_server.h"

namespace myelin::mllp::testing {

// A bus where the test says what becomes durable, and when.
class HeldBus final : public feeds::FakeBus {
 public:
  using FakeBus::FakeBus;

  std::size_t waiting() const {
    MutexLock lock(mutex_);
    return waiting_.size();
  }
  // Completes the oldest that wait.
  void release(std::size_t count, const std::optional<Error>& error = std::nullopt) {
    for (; count > 0; --count) take(0)->complete(error);
  }
  // Completes the one that waits at this place, counted from 0.
  void release_at(std::size_t place) { take(place)->complete(std::nullopt); }

 private:
  class State final : public bus::Receipt::State, public std::enable_shared_from_this<State> {
   public:
    void complete(const std::optional<Error>& error) {
      if (error) {
        done_.set(*error);
      } else {
        done_.set(bus::Positions{});
      }
    }
    bool ready() const override { return done_.ready(); }
    io::Task<Result<bus::Positions>> durable() override { return wait(shared_from_this()); }

   private:
    static io::Task<Result<bus::Positions>> wait(std::shared_ptr<State> self) {
      co_return co_await self->done_.wait();
    }
    io::OneShot<Result<bus::Positions>> done_;
  };

  std::shared_ptr<bus::Receipt::State> make_state() override {
    MutexLock lock(mutex_);
    waiting_.push_back(std::make_shared<State>());
    return waiting_.back();
  }
  std::shared_ptr<State> take(std::size_t place) {
    MutexLock lock(mutex_);
    auto state = waiting_.at(place);
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(place));
    return state;
  }

  mutable Mutex mutex_;
  std::deque<std::shared_ptr<State>> waiting_ MYELIN_GUARDED_BY(mutex_);
};

class KeptAudit final : public security::AuditSink {
 public:
  io::Task<Status> record(security::AuditEvent event) override {
    MutexLock lock(mutex_);
    if (fails_) co_return Error(ErrorCode::Unavailable, "no disk");
    events_.push_back(std::move(event));
    co_return Status();
  }
  std::vector<security::AuditEvent> events() const {
    MutexLock lock(mutex_);
    return events_;
  }
  void fail() {
    MutexLock lock(mutex_);
    fails_ = true;
  }

 private:
  mutable Mutex mutex_;
  bool fails_ MYELIN_GUARDED_BY(mutex_) = false;
  std::vector<security::AuditEvent> events_ MYELIN_GUARDED_BY(mutex_);
};

class RefusingAuthorizer final : public security::Authorizer {
 public:
  Status authorize(const bus::Context&, security::Operation, const security::Resource&) override {
    return Error(ErrorCode::Forbidden, "nobody may");
  }
};

inline std::string frame(std::string_view message) { return hl7v2::mllp_wrap(message); }

// "AA 1" for an acknowledgment of message 1.
inline std::string summary_of_ack(std::string_view ack) {
  const auto msa = ack.find("\rMSA|");
  if (msa == std::string_view::npos) return "no MSA: " + std::string(ack);
  const auto end = ack.find_first_of("|\r", msa + 8);
  return std::string(ack.substr(msa + 5, 2)) + " " +
         std::string(ack.substr(msa + 8, end - msa - 8));
}

class MllpTest : public io::testing::IoTest {
 protected:
  using Client = io::testing::Client;

  // Before anything else in a test.
  void start(bus::Bus& bus, Settings settings = {}) {
    settings.listener.port = 0;
    auto made = MllpServer::make({.runtime = runtime_,
                                  .bus = bus,
                                  .authorizer = *authorizer_,
                                  .audit = audit_,
                                  .ids = ids_,
                                  .logger = log_.logger(),
                                  .registry = registry_,
                                  .clock = clock_},
                                 settings, 1);
    ASSERT_TRUE(made) << made.error().message();
    server_ = std::move(made).value();
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message();
  }
  void TearDown() override {
    if (server_) EXPECT_TRUE(server_->stop(std::chrono::seconds(10)));
  }

  Client connect() { return Client(server_->port()); }
  // The next acknowledgment; "closed" when the server ends first.
  static std::string read_ack(Client& client) {
    const std::string bytes = client.read_until("\x1c\r");
    return bytes.ends_with("\x1c\r") ? summary_of_ack(bytes) : "closed" + bytes;
  }
  static bool has_received(Client& client) {
    char byte = 0;
    return ::recv(client.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
  }
  std::uint64_t metric(std::string_view name) const {
    const std::string text = registry_.prometheus_text();
    const auto at = text.find("\n" + std::string(name) + " ");
    return at == std::string::npos ? 0 : std::stoul(text.substr(at + name.size() + 2));
  }

  // Here rather than in a test's body, which is over before the server has stopped.
  feeds::FakeBus bus_;
  HeldBus held_;
  RefusingAuthorizer refusing_;
  SystemClock clock_;
  SystemRandom random_;
  UuidGenerator ids_{clock_, random_};
  metrics::Registry registry_;
  security::LocalAuthorizer local_;
  security::Authorizer* authorizer_ = &local_;
  KeptAudit audit_;
  std::unique_ptr<MllpServer> server_;
};

}  // namespace myelin::mllp::testing
