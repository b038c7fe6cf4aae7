// What the Kafka engine promises beyond contract_test.cc. Without a cluster only those run that
// want none.
#include "bus/kafka.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "bus/bus_test_support.h"
#include "bus/kafka_engine.h"
#include "bus/partitioner.h"

namespace myelin::bus {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class KafkaBusTest : public BusTest<KafkaEngine> {
 protected:
  void restart(const KafkaBusOptions& options) {
    engine().stop();
    engine().start(options);
  }
};

TEST_F(KafkaBusTest, RefusesAWriteSetOfManyRecordsAndSaysWhy) {
  const auto refused = append({record("a", "1"), record("a", "2")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(refused.error().message(), HasSubstr("a write set of 2 records"));
  EXPECT_EQ(append(std::vector<Record>()).error().code(), ErrorCode::InvalidInput);
}

TEST_F(KafkaBusTest, NamesTopicsByTenantAndTheDefaultTenantsBare) {
  const auto bare = "bare-" + engine().tenant();
  auto of_nobody = record("a", "1");
  of_nobody.topic = {{}, bare};
  ASSERT_TRUE(append(of_nobody));
  ASSERT_TRUE(append(record("a", "1")));
  EXPECT_TRUE(engine().topics().contains(bare));
  EXPECT_TRUE(engine().topics().contains(engine().tenant() + "..a"));
}

TEST_F(KafkaBusTest, PutsAKeyInThePartitionOfKafkasOwnClients) {
  auto options = KafkaEngine::options();
  options.partitions = 7;
  restart(options);
  for (int i = 0; i < 20; ++i) {
    auto keyed = record("a", "x");
    keyed.key = fmt::format("key-{}", i);
    const auto at = append(keyed);
    ASSERT_TRUE(at) << at.error().message();
    EXPECT_EQ(at->front().partition, partition_of_key(*keyed.key, 7)) << *keyed.key;
  }
}

TEST_F(KafkaBusTest, KeepsTheOrderOfRecordsThatWaitForTheirTopic) {
  std::vector<Receipt> receipts;
  for (int i = 0; i < 100; ++i) {
    auto receipt = bus().append(context, {{record("a", fmt::format("{}", i))}});
    ASSERT_TRUE(receipt);
    receipts.push_back(*receipt);
  }
  for (int i = 0; i < 100; ++i) {
    const auto at = durable(receipts[static_cast<std::size_t>(i)]);
    ASSERT_TRUE(at) << at.error().message();
    EXPECT_EQ(at->front().offset.value, i);
  }
}

TEST_F(KafkaBusTest, GivesOffsetsAsKafkaHasThemAndNothingOfAbortedTransactions) {
  ASSERT_TRUE(append(record("a", "0")));
  using End = KafkaEngine::End;
  for (const auto& [value, end] :
       {std::pair("1", End::Commit), std::pair("aborted", End::Abort), std::pair("5", End::Commit)})
    engine().append_in_transaction("a", value, end);
  auto subscription = subscribe({"*"}, FromEarliest{});
  ASSERT_TRUE(subscription) << refusal;
  const auto seen = drain(*subscription, 3);
  EXPECT_THAT(values(seen), ElementsAre("0", "1", "5"));
  auto resumed = subscribe({"*"}, FromCursor{seen.at(1).cursor});
  ASSERT_TRUE(resumed) << refusal;
  EXPECT_THAT(values(drain(*resumed, 1)), ElementsAre("5"));
  auto behind = subscribe({"*"}, FromCursor{seen.at(2).cursor});
  ASSERT_TRUE(behind) << refusal;
  ASSERT_TRUE(append(record("a", "7")));
  EXPECT_THAT(values(drain(*behind, 1)), ElementsAre("7"));
  const auto batches = read({topic("a"), PartitionIndex(0)}, Offset(2));
  ASSERT_TRUE(batches) << batches.error().message();
  EXPECT_EQ(batches->front().ref.base_offset, Offset(5));
}

TEST_F(KafkaBusTest, RefusesMorePartitionsThanACursorHolds) {
  auto options = KafkaEngine::options();
  options.partitions = 101;
  restart(options);
  ASSERT_TRUE(append(record("a", "x")));
  auto running = subscribe({"*"}, FromNow{});
  ASSERT_TRUE(running) << refusal;
  ASSERT_TRUE(append(record("b", "x")));
  EXPECT_FALSE(subscribe({"*"}, FromNow{}));
  EXPECT_THAT(refusal, HasSubstr("match 202 partitions"));
  const auto next = outcome_of(engine().runtime(), running->next(20s));
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code(), ErrorCode::Exhausted);
}

TEST_F(KafkaBusTest, RefusesTopicsBeyondTheLimitAndServesTheRest) {
  ASSERT_TRUE(append(record("a", "1")));
  auto options = KafkaEngine::options();
  options.topics_max = 1;
  restart(options);
  ASSERT_TRUE(describe("a"));
  const auto refused = append(record("b", "1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Exhausted);
  EXPECT_EQ(bus().topics().ensure(context, topic("b")).error().code(), ErrorCode::Exhausted);
  EXPECT_TRUE(append(record("a", "2")));
}

TEST_F(KafkaBusTest, RefusesSubscriptionsBeyondTheLimitUntilOneGoes) {
  auto options = KafkaEngine::options();
  options.subscriptions_max = 1;
  restart(options);
  auto one = subscribe({"*"}, FromNow{});
  ASSERT_TRUE(one) << refusal;
  EXPECT_FALSE(subscribe({"*"}, FromNow{}));
  EXPECT_THAT(refusal, HasSubstr("1 subscriptions to Kafka are open"));
  one.reset();
  EXPECT_TRUE(subscribe({"*"}, FromNow{})) << refusal;
}

TEST_F(KafkaBusTest, RefusesARecordOverTheLimit) {
  auto options = KafkaEngine::options();
  options.record_bytes_max = 10'000;
  restart(options);
  ASSERT_TRUE(append(record("a", "x")));
  const auto refused = append(record("a", std::string(20'000, 'x')));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(refused.error().message(), HasSubstr("..a"));
}

TEST_F(KafkaBusTest, ReadsOnePartitionManyTimesAtOnce) {
  ASSERT_TRUE(append(record("a", "1")));
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([this] {
      for (int k = 0; k < 5; ++k) {
        const auto batches = read({topic("a"), PartitionIndex(0)}, Offset(0));
        ASSERT_TRUE(batches) << batches.error().message();
        EXPECT_EQ(batches->size(), 1u);
      }
    });
  }
  for (auto& reader : readers) reader.join();
}

TEST_F(KafkaBusTest, TakesFewThreadsForASubscription) {
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  };
  ASSERT_TRUE(append(record("a", "1")));
  const auto before = threads();
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  for (int i = 0; i < 10; ++i) {
    subscriptions.push_back(subscribe({"*"}, FromEarliest{}));
    ASSERT_TRUE(subscriptions.back()) << refusal;
    EXPECT_THAT(values(drain(*subscriptions.back(), 1)), ElementsAre("1"));
  }
  // librdkafka's own: main, one a broker, one for what has no broker yet.
  EXPECT_LE(threads() - before, 10 * 4);
}

// Without a cluster: nobody listens at this address.
class KafkaBusAlone : public ::testing::Test {
 protected:
  static constexpr const char* kNobody = "127.0.0.1:1";

  KafkaBusAlone() { options_.bootstrap = kNobody; }
  ~KafkaBusAlone() override {
    bus_.reset();
    runtime_.stop(20s);
  }
  void start() { bus_ = std::move(*make_kafka_bus(runtime_, clock_, options_)); }
  Result<Receipt> append(std::string value = "x") {
    Record record;
    record.topic.name = "a";
    record.value = std::move(value);
    return bus_->append({}, {{record}});
  }
  Error outcome(const Receipt& receipt) { return outcome_of(runtime_, receipt.durable()).error(); }

  SystemClock clock_;
  Logger logger_{{.level = LogLevel::Error}, clock_, STDERR_FILENO};
  io::Runtime runtime_{logger_, {.threads = 2, .blocking_threads = 2}};
  KafkaBusOptions options_{.bootstrap = {},
                           .delivery_timeout = 1000ms,
                           .request_timeout = 300ms,
                           .topics_refresh = 50ms};
  std::unique_ptr<Bus> bus_;
};

TEST_F(KafkaBusAlone, SaysUnavailableAndWhereAndNoSecret) {
  options_.properties = {{"security.protocol", "sasl_plaintext"},
                         {"sasl.mechanism", "PLAIN"},
                         {"sasl.username", "somebody"},
                         {"sasl.password", "geheim"}};
  start();
  const auto receipt = append();
  ASSERT_TRUE(receipt);
  const auto error = outcome(*receipt);
  EXPECT_EQ(error.code(), ErrorCode::Unavailable);
  EXPECT_THAT(error.message(),
              AllOf(HasSubstr(kNobody), Not(HasSubstr("geheim")), Not(HasSubstr("somebody"))));
  const auto described = outcome_of(runtime_, bus_->topics().describe({}, {{}, "a"}));
  ASSERT_FALSE(described);
  EXPECT_EQ(described.error().code(), ErrorCode::Unavailable);
  EXPECT_THAT(described.error().message(), HasSubstr(kNobody));
  const auto subscribed = outcome_of(runtime_, bus_->subscribe({}, {.patterns = {"*"}}));
  ASSERT_FALSE(subscribed);
  EXPECT_EQ(subscribed.error().code(), ErrorCode::Unavailable);
}

TEST_F(KafkaBusAlone, SaysExhaustedWhenTooMuchWaits) {
  options_.request_timeout = 20s;
  options_.queue_bytes_max = 100'000;
  start();
  std::size_t taken = 0;
  while (taken < 1000 && append(std::string(1000, 'x'))) ++taken;
  EXPECT_GT(taken, 50u);
  EXPECT_LE(taken, 100u);
  EXPECT_EQ(append(std::string(1000, 'x')).error().code(), ErrorCode::Exhausted);
}

TEST_F(KafkaBusAlone, SaysCanceledOfWhatWaitsWhenItStops) {
  options_.request_timeout = 20s;
  start();
  const auto receipt = append();
  ASSERT_TRUE(receipt);
  bus_.reset();
  EXPECT_EQ(outcome(*receipt).code(), ErrorCode::Canceled);
}

TEST_F(KafkaBusAlone, NamesASettingThatLibrdkafkaDoesNotTakeAndNotItsValue) {
  for (const auto* name : {"ssl.ca.locatio", "sasl.mechanism", "security.protocol"}) {
    options_.properties = {{name, "geheim"}};
    const auto made = make_kafka_bus(runtime_, clock_, options_);
    if (std::string_view(name) == "sasl.mechanism")
      continue;  // Any text is taken until it is used.
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code(), ErrorCode::InvalidInput);
    EXPECT_THAT(made.error().message(), AllOf(HasSubstr(name), Not(HasSubstr("geheim"))));
  }
}

}  // namespace
}  // namespace myelin::bus
