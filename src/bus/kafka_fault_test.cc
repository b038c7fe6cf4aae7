// The Kafka engine while its broker goes away and comes back. MYELIN_KAFKA_CONTROL is the port of
// tests/clients/bus_kafka_test.py, which does that to it.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "bus/bus_test_support.h"
#include "bus/kafka_engine.h"

namespace myelin::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class KafkaBusFaults : public BusTest<KafkaEngine> {
 protected:
  void SetUp() override {
    BusTest::SetUp();
    if (std::getenv("MYELIN_KAFKA_CONTROL") == nullptr)
      GTEST_SKIP() << "MYELIN_KAFKA_CONTROL names nobody who kills the broker";
  }

  // "kill", "start", "halt", "continue": done when it returns.
  static void broker(const std::string& word) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port =
        htons(static_cast<std::uint16_t>(std::atoi(std::getenv("MYELIN_KAFKA_CONTROL"))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const auto line = word + "\n";
    ASSERT_EQ(::send(fd, line.data(), line.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(line.size()));
    char answer = 0;
    EXPECT_EQ(::recv(fd, &answer, 1, 0), 1);
    ::close(fd);
  }
};

TEST_F(KafkaBusFaults, GoesOnAfterTheBrokerWasKilledAndCameBack) {
  ASSERT_TRUE(append(record("a", "1")));
  auto subscription = subscribe({"*"}, FromEarliest{});
  ASSERT_TRUE(subscription) << refusal;
  EXPECT_THAT(values(drain(*subscription, 1)), ElementsAre("1"));
  broker("kill");
  EXPECT_TRUE(drain(*subscription).empty());
  const auto waiting = bus().append(context, {{record("a", "2")}});
  ASSERT_TRUE(waiting);
  broker("start");
  const auto at = durable(*waiting);
  ASSERT_TRUE(at) << at.error().message();
  EXPECT_EQ(at->front().offset.value, 1);
  ASSERT_TRUE(append(record("a", "3")));
  ASSERT_TRUE(append(record("b", "4")));
  const auto seen = by_topic(drain(*subscription, 3));
  EXPECT_THAT(seen.at("a"), ElementsAre("2", "3"));
  EXPECT_THAT(seen.at("b"), ElementsAre("4"));
  EXPECT_EQ(subscription->take_gap(), std::nullopt);
}

TEST_F(KafkaBusFaults, SaysUnavailableWhenABrokerDoesNotAcknowledgeInTime) {
  auto options = KafkaEngine::options();
  options.delivery_timeout = 500ms;
  engine().stop();
  engine().start(options);
  ASSERT_TRUE(append(record("a", "1")));
  broker("halt");
  const auto late = append(record("a", "2"));
  broker("continue");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::Unavailable);
  EXPECT_THAT(late.error().message(), HasSubstr(options.bootstrap));
  EXPECT_TRUE(append(record("a", "3")));
}

}  // namespace
}  // namespace myelin::bus
