// What the tests of the Kafka door share: a server over a broker on a disk in memory, and a client
// that speaks the codec's messages.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "broker/broker_on_sim_disk.h"
#include "formats/kafka/batch_test_support.h"
#include "formats/kafka_protocol/apis.h"
#include "formats/kafka_protocol/codec.h"
#include "formats/kafka_protocol/error.h"
#include "io/test_support.h"
#include "servers/kafka/kafka_server.h"

namespace myelin::kafka::testing {

class KeptAudit final : public security::AuditSink {
 public:
  io::Task<Status> record(security::AuditEvent event) override {
    MutexLock lock(mutex_);
    events_.push_back(std::move(event));
    co_return Status();
  }
  std::vector<security::AuditEvent> events() const {
    MutexLock lock(mutex_);
    return events_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<security::AuditEvent> events_ MYELIN_GUARDED_BY(mutex_);
};

// Goes on by itself, and further when a test says so.
class ShiftedClock final : public Clock {
 public:
  Timestamp now() const override { return system_.now() + ahead_.load(); }
  SteadyTime steady() const override { return system_.steady() + ahead_.load(); }
  void advance(std::chrono::milliseconds by) { ahead_ = ahead_.load() + by; }

 private:
  SystemClock system_;
  std::atomic<std::chrono::milliseconds> ahead_{std::chrono::milliseconds(0)};
};

// One connection. Answers are views into it, valid until the next one.
class KafkaClient {
 public:
  explicit KafkaClient(std::uint16_t port) : client_(port) {}

  template <class Request>
  void send(const Request& request, std::int16_t version) {
    client_.send(framed(request, version));
  }
  // Its bytes, to be sent together with others.
  template <class Request>
  std::string framed(const Request& request, std::int16_t version) {
    std::string header;
    encode_request_header({.api_key = Request::kApi.key,
                           .api_version = version,
                           .correlation_id = next_++,
                           .client_id = "test"},
                          Request::kApi, header);
    Output body;
    encode(request, version, body);
    return framed(header + body.to_string());
  }
  static std::string framed(std::string_view bytes) {
    std::string frame(4, '\0');
    store_be(frame.data(), static_cast<std::int32_t>(bytes.size()));
    frame += bytes;
    return frame;
  }
  void send_frame(std::string_view bytes) { client_.send(framed(bytes)); }

  // Empty when the server has closed the connection.
  std::string read_frame() {
    const auto length = client_.read_bytes(4);
    if (length.size() < 4) return {};
    return client_.read_bytes(static_cast<std::size_t>(load_be<std::int32_t>(length.data())));
  }
  template <class Response>
  Response receive(std::int16_t version) {
    frames_.push_back(read_frame());
    std::size_t header = 0;
    const auto id = decode_response_header(frames_.back(), Response::kApi, version, header);
    if (!id) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    EXPECT_EQ(*id, answered_++);
    const std::string_view body = std::string_view(frames_.back()).substr(header);
    const auto response = decode<Response>(body, version, arena_);
    if (!response) {
      ADD_FAILURE() << response.error().message();
      return {};
    }
    return *response;
  }
  template <class Response, class Request>
  Response ask(const Request& request, std::int16_t version) {
    send(request, version);
    return receive<Response>(version);
  }
  bool is_closed() { return read_frame().empty(); }
  void skip_answer() { ++answered_; }

  Arena& arena() { return arena_; }
  io::testing::Client& socket() { return client_; }

 private:
  io::testing::Client client_;
  Arena arena_;
  std::deque<std::string> frames_;
  std::int32_t next_ = 0;
  std::int32_t answered_ = 0;
};

class KafkaTest : public io::testing::IoTest {
 protected:
  // Before anything else in a test.
  void start(ServerSettings settings = {}, broker::Settings broker_settings = {}) {
    settings.listener.port = 0;
    broker_settings.groups.initial_rebalance_delay = std::chrono::milliseconds(0);
    broker_.open(std::move(broker_settings));
    auto made = KafkaServer::make({.runtime = runtime_,
                                   .broker = broker_.get(),
                                   .authorizer = authorizer_,
                                   .audit = audit_,
                                   .ids = ids_,
                                   .logger = log_.logger(),
                                   .registry = registry_,
                                   .clock = clock_},
                                  settings);
    ASSERT_TRUE(made) << made.error().message();
    server_ = std::move(*made);
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message();
  }
  void TearDown() override {
    if (server_) EXPECT_TRUE(server_->stop(std::chrono::seconds(10)));
    server_.reset();
    broker_.close();
  }

  KafkaClient connect() { return KafkaClient(server_->port()); }
  broker::TopicPtr make_topic(const std::string& name) {
    return broker_.get().ensure({{}, name}).value();
  }

  // A batch of keyed records of now.
  std::string batch(const std::vector<std::string>& values, const BatchFields& fields = {}) {
    RecordBatchBuilder builder;
    for (const auto& value : values) EXPECT_TRUE(builder.add(to_ms(clock_.now()), "key", value));
    return builder.finish(fields);
  }

  static ProduceRequest produce_request(KafkaClient& client, std::string_view topic,
                                        std::string_view records, std::int16_t acks = -1) {
    ProduceRequest request;
    request.acks = acks;
    request.timeout_ms = 10'000;
    auto& data = request.topic_data.add(client.arena());
    data.name = topic;
    auto& partition = data.partition_data.add(client.arena());
    partition.records.is_null = false;
    partition.records.pieces.add(client.arena(), records);
    return request;
  }
  ProduceResponse::Topic::Partition produce(KafkaClient& client, std::string_view topic,
                                            std::string_view records, std::int16_t version = 9) {
    const auto response =
        client.ask<ProduceResponse>(produce_request(client, topic, records), version);
    return response.responses.empty() ? ProduceResponse::Topic::Partition{}
                                      : response.responses[0].partition_responses[0];
  }

  // To the group "readers".
  static JoinGroupRequest join_request(KafkaClient& client, std::string_view member = {}) {
    JoinGroupRequest request;
    request.group_id = "readers";
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 10'000;
    request.member_id = member;
    request.protocol_type = "consumer";
    request.protocols.add(client.arena(), {.name = "range", .metadata = {"m"}});
    return request;
  }

  struct FetchOptions {
    std::int64_t offset = 0;
    std::int32_t max_wait_ms = 0;
    std::int32_t min_bytes = 1;
    std::int32_t max_bytes = 1 << 20;
    std::int32_t leader_epoch = -1;
    std::int32_t session_id = 0;
    std::int32_t session_epoch = -1;
  };
  static FetchRequest fetch_request(KafkaClient& client, std::string_view topic,
                                    const FetchOptions& options) {
    FetchRequest request;
    request.max_wait_ms = options.max_wait_ms;
    request.min_bytes = options.min_bytes;
    request.max_bytes = options.max_bytes;
    request.session_id = options.session_id;
    request.session_epoch = options.session_epoch;
    if (topic.empty()) return request;
    auto& asked = request.topics.add(client.arena());
    asked.topic = topic;
    auto& partition = asked.partitions.add(client.arena());
    partition.fetch_offset = options.offset;
    partition.partition_max_bytes = options.max_bytes;
    partition.current_leader_epoch = options.leader_epoch;
    return request;
  }
  static FetchResponse::Topic::Partition fetch(KafkaClient& client, std::string_view topic,
                                               const FetchOptions& options,
                                               std::int16_t version = 12) {
    const auto response = client.ask<FetchResponse>(fetch_request(client, topic, options), version);
    return response.responses.empty() ? FetchResponse::Topic::Partition{}
                                      : response.responses[0].partitions[0];
  }
  // The values of the records, with the offset before each.
  static std::vector<std::string> values(const Records& records) {
    std::vector<std::string> values;
    if (records.pieces.empty()) return values;
    for (auto bytes = records.pieces[0]; !bytes.empty();) {
      const auto info = parse_batch_header(bytes);
      if (!info) break;
      auto reader = RecordReader::open(bytes.substr(0, info->size_bytes));
      if (!reader) break;
      for (auto record = reader->next(); record && *record; record = reader->next()) {
        values.push_back(std::to_string(info->base_offset + (*record)->offset_delta) + ":" +
                         std::string((*record)->value.value_or("")));
      }
      bytes.remove_prefix(info->size_bytes);
    }
    return values;
  }

  // Here rather than in a test's body, which is over before the server has stopped.
  ShiftedClock clock_;
  SystemRandom random_;
  UuidGenerator ids_{clock_, random_};
  metrics::Registry registry_;
  security::LocalAuthorizer authorizer_;
  KeptAudit audit_;
  broker::BrokerOnSimDisk broker_{clock_};
  std::unique_ptr<KafkaServer> server_;
};

}  // namespace myelin::kafka::testing
