// For tests: the Kafka engine on the cluster that MYELIN_KAFKA_BOOTSTRAP names, and a client that
// does to it what others do. tests/clients/bus_kafka_test.py starts the cluster.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "base/logging.h"
#include "bus/bus_test_support.h"
#include "bus/kafka.h"
#include "bus/kafka_cluster.h"
#include "bus/kafka_cursor.h"
#include "bus/kafka_handles.h"

namespace myelin::bus {

class KafkaEngine {
 public:
  KafkaEngine()
      : logger_({.level = LogLevel::Error}, clock_, STDERR_FILENO),
        runtime_(logger_, {.threads = 2, .blocking_threads = 2}),
        // Each test has its own, and a cluster may see many runs.
        tenant_("t" + std::to_string(to_ms(clock_.now())) + "-" + std::to_string(::getpid()) + "-" +
                std::to_string(++engines_)) {
    start();
    others_ = std::move(*cluster_.open(RD_KAFKA_PRODUCER, {}));
  }
  ~KafkaEngine() {
    stop();
    runtime_.stop(std::chrono::seconds(20));
  }
  static const char* why_not() {
    return std::getenv("MYELIN_KAFKA_BOOTSTRAP") == nullptr
               ? "MYELIN_KAFKA_BOOTSTRAP names no Kafka (tests/clients/run has one)"
               : nullptr;
  }
  static KafkaBusOptions options() {
    const auto* bootstrap = std::getenv("MYELIN_KAFKA_BOOTSTRAP");
    return {.bootstrap = bootstrap == nullptr ? "" : bootstrap,
            .partitions = 1,
            .request_timeout = std::chrono::seconds(20),  // A busy machine is no failure.
            .topics_refresh = std::chrono::milliseconds(200)};
  }
  void start(const KafkaBusOptions& options = KafkaEngine::options()) {
    bus_ = std::move(*make_kafka_bus(runtime_, clock_, options));
  }
  void stop() { bus_.reset(); }
  std::string tenant() const { return tenant_; }
  static std::string foreign_cursor() {
    return format_kafka_cursor("another-cluster", {{{"a", 0}, 1}});
  }
  static std::string foreign() { return "another cluster"; }

  // Kafka has nothing that happens later.
  void settle() {}
  void remove_topic(const std::string& topic) {
    const auto name = full(topic);
    std::unique_ptr<rd_kafka_DeleteTopic_t, FreedBy<rd_kafka_DeleteTopic_destroy>> one(
        rd_kafka_DeleteTopic_new(name.c_str()));
    auto* raw = one.get();
    rd_kafka_DeleteTopics(others_.get(), &raw, 1, nullptr, queue());
    wait();
    until([&] { return !describe(topic); });
  }
  void grow_topic(const std::string& topic, std::int32_t partitions) {
    std::array<char, 256> reason{};
    const auto name = full(topic);
    std::unique_ptr<rd_kafka_NewPartitions_t, FreedBy<rd_kafka_NewPartitions_destroy>> one(
        rd_kafka_NewPartitions_new(name.c_str(), static_cast<std::size_t>(partitions),
                                   reason.data(), reason.size()));
    auto* raw = one.get();
    rd_kafka_CreatePartitions(others_.get(), &raw, 1, nullptr, queue());
    wait();
    until([&] {
      const auto described = describe(topic);
      return described && described->partitions.size() == static_cast<std::size_t>(partitions);
    });
  }
  void remove_records(const std::string& topic, Offset before) {
    const KafkaPartitions list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), full(topic).c_str(), 0)->offset = before.value;
    std::unique_ptr<rd_kafka_DeleteRecords_t, FreedBy<rd_kafka_DeleteRecords_destroy>> one(
        rd_kafka_DeleteRecords_new(list.get()));
    auto* raw = one.get();
    rd_kafka_DeleteRecords(others_.get(), &raw, 1, nullptr, queue());
    wait();
    until([&] {
      const auto described = describe(topic);
      return described && described->partitions.at(0).start == before;
    });
  }
  enum class End : std::uint8_t { Commit, Abort };
  // Each value in a transaction of its own, which takes one offset more for its marker.
  void append_in_transaction(const std::string& topic, const std::string& value, End end) {
    std::array<char, 256> reason{};
    if (!transactions_) {
      KafkaConf conf(rd_kafka_conf_new());
      const auto set = [&](const char* name, const std::string& text) {
        rd_kafka_conf_set(conf.get(), name, text.c_str(), reason.data(), reason.size());
      };
      set("bootstrap.servers", options().bootstrap);
      set("transactional.id", tenant_);
      transactions_.reset(
          rd_kafka_new(RD_KAFKA_PRODUCER, conf.release(), reason.data(), reason.size()));
      check(rd_kafka_init_transactions(transactions_.get(), 30'000));
    }
    check(rd_kafka_begin_transaction(transactions_.get()));
    const KafkaTopic to(rd_kafka_topic_new(transactions_.get(), full(topic).c_str(), nullptr));
    ASSERT_EQ(rd_kafka_produce(to.get(), 0, RD_KAFKA_MSG_F_COPY, const_cast<char*>(value.data()),
                               value.size(), nullptr, 0, nullptr),
              0);
    if (end == End::Abort) rd_kafka_flush(transactions_.get(), 30'000);
    check(end == End::Commit ? rd_kafka_commit_transaction(transactions_.get(), 30'000)
                             : rd_kafka_abort_transaction(transactions_.get(), 30'000));
  }
  // As the cluster has them.
  std::map<std::string, std::int32_t> topics() { return *cluster_.ask_topics(others_.get()); }

  Bus& bus() { return *bus_; }
  io::Runtime& runtime() { return runtime_; }
  Clock& clock() { return clock_; }

 private:
  std::string full(const std::string& topic) const { return TopicName{tenant_, topic}.full(); }
  Result<TopicDescription> describe(const std::string& topic) {
    return outcome_of(runtime_, bus().topics().describe({}, {tenant_, topic}));
  }
  rd_kafka_queue_t* queue() {
    if (!queue_) queue_.reset(rd_kafka_queue_new(others_.get()));
    return queue_.get();
  }
  void wait() {
    const KafkaEvent event(rd_kafka_queue_poll(queue(), 30'000));
    ASSERT_TRUE(event);
    ASSERT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  static void check(rd_kafka_error_t* error) {
    const KafkaError owned(error);
    ASSERT_EQ(error, nullptr) << rd_kafka_error_string(error);
  }
  template <class Condition>
  static void until(Condition condition) {
    for (int i = 0; i < 3000 && !condition(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(condition());
  }

  static inline std::atomic<int> engines_ = 0;

  SystemClock clock_;
  Logger logger_;
  io::Runtime runtime_;
  const std::string tenant_;
  KafkaCluster cluster_{options()};
  std::unique_ptr<Bus> bus_;
  KafkaHandle others_;
  KafkaQueue queue_;
  KafkaHandle transactions_;
};

}  // namespace myelin::bus
