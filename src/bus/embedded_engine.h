// For tests: the embedded engine on a simulated disk.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "base/logging.h"
#include "broker/broker_on_sim_disk.h"
#include "bus/embedded.h"
#include "formats/kafka/record_batch.h"

namespace myelin::bus {

class EmbeddedEngine {
 public:
  EmbeddedEngine()
      : logger_({.level = LogLevel::Error}, clock_, STDERR_FILENO),
        runtime_(logger_, {.threads = 2, .blocking_threads = 2}) {
    start();
  }
  ~EmbeddedEngine() {
    stop();
    runtime_.stop(std::chrono::seconds(5));
  }
  static const char* why_not() { return nullptr; }
  void start() {
    broker_.open({.topics_max = 20});
    bus_ = make_embedded_bus(runtime_, broker_.get(), clock_);
  }
  void stop() {
    bus_.reset();
    broker_.close();
  }
  static std::string tenant() { return {}; }
  static std::string foreign_cursor() { return "00000000-0000-4000-8000-000000000000-1-0"; }
  static std::string foreign() { return "another data directory"; }

  void settle() { broker_.settle(); }
  void fill_disk() { broker_.fill_disk(); }
  void remove_topic(const std::string& topic) {
    ASSERT_TRUE(broker_.get().remove({{}, topic}));
    settle();
  }
  void grow_topic(const std::string& topic, std::int32_t partitions) {
    ASSERT_TRUE(broker_.get().add_partitions({{}, topic}, partitions));
  }
  void remove_records(const std::string& topic, Offset before) {
    ASSERT_TRUE(broker_.get().delete_records({{}, topic}, PartitionIndex(0), before));
    settle();
  }
  // The batch with that offset, which is stored.
  void damage(const std::string& topic, Offset offset) {
    auto& partition = broker_.get().find({{}, topic})->partition(PartitionIndex(0));
    const auto found = partition.read_stored(log::Seek::to(offset), 1);
    ASSERT_TRUE(found && !found->empty());
    broker_.flip("/data/topics/" + topic + "-0/00000000000000000000.log",
                 found->front().position + kafka::kBatchHeaderBytes);
  }

  Bus& bus() { return *bus_; }
  io::Runtime& runtime() { return runtime_; }

 private:
  SystemClock clock_;
  Logger logger_;
  io::Runtime runtime_;
  broker::BrokerOnSimDisk broker_{clock_};
  std::unique_ptr<Bus> bus_;
};

}  // namespace myelin::bus
