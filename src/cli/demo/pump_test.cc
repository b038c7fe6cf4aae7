#include "cli/demo/pump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/mutex.h"
#include "formats/hl7v2/ack.h"
#include "formats/hl7v2/header.h"
#include "io/listener.h"

namespace myelin::cli::demo {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

enum class Reply : std::uint8_t { Accept, Refuse, Nothing, Close };

// An MLLP listener that keeps the control ids it was sent, in order.
class FakeServer {
 public:
  using Choose = std::function<Reply(std::size_t number)>;  // Counted from 1.

  FakeServer(io::Runtime& runtime, Choose choose) : choose_(std::move(choose)) {
    auto listener = io::TcpListener::bind(runtime, "fake", {});
    EXPECT_TRUE(listener);
    listener_ = std::move(listener).value();
    listener_->start([this](std::unique_ptr<io::Connection> connection) {
      return serve(std::move(connection));
    });
  }

  std::uint16_t port() const { return listener_->local_port(); }
  std::vector<std::string> ids() {
    MutexLock lock(mutex_);
    return ids_;
  }

 private:
  io::Task<void> serve(std::unique_ptr<io::Connection> connection) {
    hl7v2::MllpFramer framer(1u << 20);
    std::vector<char> buffer(64u << 10);
    for (;;) {
      const auto count = co_await connection->read_some(buffer);
      if (!count || *count == 0) co_return;
      framer.feed({buffer.data(), *count});
      for (auto frame = framer.next(); frame && *frame; frame = framer.next()) {
        const auto header = hl7v2::header_of_bytes((**frame).bytes);
        const Reply reply = take(std::string(header.control_id));
        if (reply == Reply::Close) co_return;
        if (reply == Reply::Nothing) continue;
        const auto code = reply == Reply::Accept ? hl7v2::AckCode::AA : hl7v2::AckCode::AE;
        const Status written = co_await connection->write_all(
            hl7v2::mllp_wrap(hl7v2::build_ack(header, {.code = code, .control_id = "A"})));
        if (!written) co_return;
      }
    }
  }

  Reply take(std::string id) {
    MutexLock lock(mutex_);
    ids_.push_back(std::move(id));
    return choose_(ids_.size());
  }

  const Choose choose_;
  Mutex mutex_;
  std::vector<std::string> ids_ MYELIN_GUARDED_BY(mutex_);
  std::unique_ptr<io::TcpListener> listener_;
};

class Kept final : public Observer {
 public:
  void connected(std::string_view) override { ++connections; }
  void away(std::string_view reason) override {
    aways.emplace_back(reason);
    if (on_away) on_away();
  }
  void acknowledged(const DemoMessage& message, std::string_view code) override {
    acknowledged_ids.push_back(message.control_id);
    codes.emplace_back(code);
  }

  int connections = 0;
  std::vector<std::string> aways;
  std::vector<std::string> acknowledged_ids;
  std::vector<std::string> codes;
  std::function<void()> on_away;
};

// "DLOYW3V28-257" is message 257.
int number_of(const std::string& control_id) {
  return std::stoi(control_id.substr(control_id.find('-') + 1));
}

class PumpTest : public ::testing::Test {
 protected:
  Totals pump(std::uint16_t port) {
    options_.to.port = port;
    Source source(1, clock_);
    Pump pump(runtime_, options_, source, observer_, times_);
    runtime_.run_to_end(pump.run());
    return pump.totals();
  }

  ManualClock clock_;
  Logger logger_{{}, clock_, [](std::string_view) {}};
  io::Runtime runtime_{logger_, {.threads = 1, .blocking_threads = 1}};
  Options options_{.rate = kRateMax, .seed = {}, .count = 1'000};
  Pump::Times times_{.answer = std::chrono::milliseconds(10'000),
                     .retry_first = std::chrono::milliseconds(1),
                     .retry_last = std::chrono::milliseconds(5)};
  Kept observer_;
};

TEST_F(PumpTest, SendsWhatItShouldAndCountsTheAcknowledgments) {
  FakeServer server(runtime_, [](std::size_t) { return Reply::Accept; });
  const Totals totals = pump(server.port());
  EXPECT_EQ(totals.sent, 1'000u);
  EXPECT_EQ(totals.accepted, 1'000u);
  EXPECT_EQ(totals.sent_again, 0u);
  EXPECT_EQ(server.ids(), observer_.acknowledged_ids);
  EXPECT_THAT(server.ids(), SizeIs(1'000));
}

TEST_F(PumpTest, StopsAtItsBytes) {
  FakeServer server(runtime_, [](std::size_t) { return Reply::Accept; });
  options_.count.reset();
  options_.stop_at = 20_KiB;
  const Totals totals = pump(server.port());
  EXPECT_GE(totals.bytes, 20u << 10);
  EXPECT_LT(totals.bytes, 24u << 10);
  EXPECT_EQ(totals.accepted, totals.sent);
}

TEST_F(PumpTest, SendsAgainInOrderWhatWasNotAcknowledgedWhenTheConnectionBroke) {
  FakeServer server(
      runtime_, [](std::size_t number) { return number == 300 ? Reply::Close : Reply::Accept; });
  const Totals totals = pump(server.port());
  EXPECT_EQ(totals.accepted, 1'000u);
  EXPECT_GE(totals.sent_again, 1u);
  EXPECT_EQ(observer_.connections, 2);
  // The second connection begins at or before the message that was lost, and leaves nothing out.
  const auto ids = server.ids();
  const int again = number_of(ids[300]);
  EXPECT_LE(again, 300);
  ASSERT_EQ(again + static_cast<int>(ids.size()) - 301, 1'000);
  for (std::size_t i = 301; i < ids.size(); ++i)
    ASSERT_EQ(number_of(ids[i]), number_of(ids[i - 1]) + 1);
}

TEST_F(PumpTest, SendsAgainWhatIsNotAcknowledgedInTime) {
  options_.count = 1;
  times_.answer = std::chrono::milliseconds(50);
  FakeServer server(
      runtime_, [](std::size_t number) { return number == 1 ? Reply::Nothing : Reply::Accept; });
  const Totals totals = pump(server.port());
  EXPECT_EQ(totals.accepted, 1u);
  EXPECT_EQ(totals.sent_again, 1u);
  EXPECT_THAT(observer_.aways, ElementsAre("no acknowledgment in time"));
}

TEST_F(PumpTest, CountsRefusalsAndDoesNotRepeatThem) {
  options_.count = 3;
  FakeServer server(runtime_,
                    [](std::size_t number) { return number == 2 ? Reply::Refuse : Reply::Accept; });
  const Totals totals = pump(server.port());
  EXPECT_EQ(totals.accepted, 2u);
  EXPECT_EQ(totals.refused, 1u);
  EXPECT_THAT(observer_.codes, ElementsAre("AA", "AE", "AA"));
  EXPECT_THAT(server.ids(), SizeIs(3));
}

TEST_F(PumpTest, SaysOnceThatTheServerIsAwayAndGoesOnWhenItIsBack) {
  std::uint16_t port = 0;
  {
    FakeServer gone(runtime_, [](std::size_t) { return Reply::Accept; });
    port = gone.port();
  }
  options_.count = 2;
  std::unique_ptr<FakeServer> server;
  // The server's port is known only once it listens: the pump is sent there while it is away.
  observer_.on_away = [&] {
    server = std::make_unique<FakeServer>(runtime_, [](std::size_t) { return Reply::Accept; });
    options_.to.port = server->port();
  };
  const Totals totals = pump(port);
  EXPECT_EQ(totals.accepted, 2u);
  EXPECT_THAT(observer_.aways, SizeIs(1));
  EXPECT_EQ(observer_.connections, 1);
}

TEST_F(PumpTest, EndsWhenItIsCanceled) {
  FakeServer server(runtime_, [](std::size_t) { return Reply::Nothing; });
  options_.to.port = server.port();
  Source source(1, clock_);
  Pump pump(runtime_, options_, source, observer_, times_);
  io::TaskScope scope(runtime_, "test");
  ASSERT_TRUE(scope.spawn("pump", pump.run()));
  while (server.ids().empty()) std::this_thread::yield();
  EXPECT_TRUE(scope.stop(std::chrono::seconds(20)));
  // It waits for room: nothing was acknowledged.
  EXPECT_LE(pump.totals().sent, Pump::kWindow);
}

}  // namespace
}  // namespace myelin::cli::demo
