// Consumer: reads partitions to their goal and hands each record to a Printer.
//
// Without a group it assigns the partitions itself, from offsets that were looked up once; with one
// it subscribes, and an offset is stored for committing only when its record was written. One
// thread; stop() may be asked by any means that `stop_asked` looks at.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "cli/kafka/client.h"
#include "cli/kafka/consume_options.h"
#include "cli/kafka/printer.h"

namespace myelin::cli::kafka {

class Consumer {
 public:
  Consumer(const ConsumeOptions& options, Printer& printer, std::function<bool()> stop_asked);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Blocks until the goal is reached or a stop was asked for. InvalidInput where librdkafka does
  // not take a setting, before a broker was asked for anything.
  Status open();
  Status run();

 private:
  // A partition being read.
  struct Reading {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t end = -1;          // Stop before this offset; -1: go on.
    std::int64_t next_stored = -1;  // Behind what was printed and not yet stored; -1: nothing.
    bool done = false;
  };

  Status begin();
  Status assign(std::vector<TopicView>& topics);
  Result<std::int64_t> start_of(const TopicView& topic, const PartitionView& partition);
  Status subscribe();
  Status loop();
  Status take(const rd_kafka_message_t& message);
  Status take_event(const rd_kafka_message_t& message);
  Status flush();
  Status look_after_broker();
  Status finish();

  static void on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t* partitions, void* opaque);
  void rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t& partitions);
  void gain(const rd_kafka_topic_partition_list_t& partitions);
  void lose(const rd_kafka_topic_partition_list_t& partitions);

  Reading* find_reading(std::string_view topic, std::int32_t partition);
  bool groups() const { return !options_.group.empty(); }
  bool goal_reached() const;

  const ConsumeOptions& options_;
  Printer& printer_;
  const std::function<bool()> stop_asked_;
  std::unique_ptr<Client> client_;
  std::vector<Reading> readings_;
  std::size_t last_read_ = 0;  // Where find_reading() found the last one.
  bool assigned_ = false;      // Partitions were dealt out once.
  Status rebalance_status_;    // What went wrong inside a callback.
  std::optional<std::chrono::steady_clock::time_point> away_since_;
  std::chrono::steady_clock::time_point next_look_;
};

}  // namespace myelin::cli::kafka
