// Client: one librdkafka instance, quiet: what it would print becomes the reason of our errors.
//
// One thread uses it; librdkafka's own threads only leave a reason behind. What fails says which
// broker was asked. `property debug` lets librdkafka's log lines through to stderr.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/kafka/cluster.h"
#include "cli/kafka/connection.h"
#include "cli/kafka/handles.h"
#include "cli/kafka/position.h"

namespace myelin::cli::kafka {

class Client {
 public:
  using RebalanceCallback = void (*)(rd_kafka_t*, rd_kafka_resp_err_t,
                                     rd_kafka_topic_partition_list_t*, void*);
  struct Consuming {
    std::vector<Property> properties;  // They win over the connection's.
    RebalanceCallback on_rebalance = nullptr;
    void* opaque = nullptr;  // Of the callback; see opaque_of().
  };

  // For administration. InvalidInput names the property that librdkafka does not take.
  static Result<std::unique_ptr<Client>> open(const Connection& connection);
  static Result<std::unique_ptr<Client>> open_consumer(const Connection& connection,
                                                       const Consuming& consuming);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* handle() const { return handle_.get(); }
  const std::string& brokers() const { return connection_.bootstrap; }
  std::chrono::milliseconds timeout() const { return connection_.timeout; }
  int timeout_ms() const { return static_cast<int>(connection_.timeout.count()); }

  // Consuming::opaque, from inside a callback.
  static void* opaque_of(rd_kafka_t* handle);

  // From now on rd_kafka_consumer_poll() serves all, errors too.
  void start_consuming();

  // All topics that may be seen, without offsets. Gives up early when no broker takes a connection.
  Result<ClusterView> look();
  // Whether a broker answers just now.
  bool answers(std::chrono::milliseconds within);
  // Asks the leaders for first and end offsets; partitions that do not answer stay without.
  Status add_offsets(std::vector<TopicView>& topics);
  // The offset of a place in a partition whose offsets were added; a time beyond the last record is
  // the end. An offset is taken as it is.
  Result<std::int64_t> locate(const TopicView& topic, const PartitionView& partition,
                              const Position& position);

  // "127.0.0.1:9092 cannot be reached: Connection refused", "… does not answer: …".
  Error unreachable();
  // "127.0.0.1:9092: WHAT: reason". The reason is the broker's where it gives one.
  Error refusal(std::string_view what, rd_kafka_resp_err_t code, const char* reason = nullptr);

  // Since the last call of forget_trouble().
  bool all_brokers_down() const;
  std::string trouble() const;
  void forget_trouble();

 private:
  explicit Client(const Connection& connection) : connection_(connection) {}

  Status start(rd_kafka_type_t type, const Consuming& consuming);
  Status set(rd_kafka_conf_t* conf, const Property& property) const;
  Result<ClusterView> ask_for_topics(std::chrono::milliseconds within);
  Status ask_offsets(std::vector<TopicView>& topics, std::int64_t which);
  static void on_error(rd_kafka_t* handle, int code, const char* reason, void* opaque);

  struct Trouble {
    std::string reason;
    bool all_down = false;
    bool hopeless = false;  // Waiting cannot help: a password, a certificate.
  };

  const Connection connection_;
  mutable Mutex mutex_;
  Trouble trouble_ MYELIN_GUARDED_BY(mutex_);
  void* opaque_ = nullptr;
  bool consuming_ = false;
  KafkaHandle handle_;  // Its threads end before the rest goes.
};

// What of librdkafka's sentence says why: without the broker's name and how long it was tried.
std::string tidy_reason(std::string_view reason);

// By librdkafka's code, so that callers can decide.
ErrorCode to_error_code(rd_kafka_resp_err_t code);

}  // namespace myelin::cli::kafka
