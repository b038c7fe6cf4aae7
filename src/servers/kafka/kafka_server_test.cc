// What every client meets: framing, versions, order, limits.
#include <gmock/gmock.h>

#include "servers/kafka/kafka_test_support.h"

namespace myelin::kafka {
namespace {

using ::testing::ElementsAre;

class KafkaServerTest : public testing::KafkaTest {};

TEST_F(KafkaServerTest, TellsANewerClientItsVersionsInTheOldestForm) {
  start();
  auto client = connect();
  client.send(ApiVersionsRequest(), 4);
  client.receive<ApiVersionsResponse>(4);
  std::string request;
  encode_request_header({.api_key = kApiVersions.key,
                         .api_version = 99,
                         .correlation_id = 1,
                         .client_id = std::nullopt},
                        kApiVersions, request);
  client.send_frame(request);
  const auto response = client.receive<ApiVersionsResponse>(0);
  EXPECT_EQ(response.error_code, code(KafkaError::UnsupportedVersion));
  EXPECT_GT(response.api_keys.size(), 20u);
}

TEST_F(KafkaServerTest, SaysThatItKnowsProduceFromVersionZero) {
  start();
  auto client = connect();
  const auto response = client.ask<ApiVersionsResponse>(ApiVersionsRequest(), 0);
  ASSERT_FALSE(response.api_keys.empty());
  EXPECT_EQ(response.api_keys[0].api_key, kProduce.key);
  EXPECT_EQ(response.api_keys[0].min_version, 0);
  EXPECT_EQ(response.api_keys[0].max_version, kProduce.max);
}

TEST_F(KafkaServerTest, RefusesAClientNameThatMayNotStandInALog) {
  start();
  auto client = connect();
  ApiVersionsRequest request;
  request.client_software_name = "bad name\n";
  request.client_software_version = "1";
  EXPECT_EQ(client.ask<ApiVersionsResponse>(request, 3).error_code,
            code(KafkaError::InvalidRequest));
}

TEST_F(KafkaServerTest, ClosesAClientThatSpeaksTlsAndSaysSo) {
  start();
  for (const std::string_view begin : {"\x16\x03\x01\x02", "\x15\x03\x03\x01"}) {
    auto client = connect();
    client.socket().send(begin);
    EXPECT_TRUE(client.is_closed());
  }
  const auto said = log_.text();
  const std::string_view reason = "a client that speaks TLS, on the port without it";
  const auto first = said.find(reason);
  EXPECT_NE(said.find(reason, first + 1), std::string::npos) << said;
}

TEST_F(KafkaServerTest, ClosesAConnectionThatAsksForWhatIsNotKnown) {
  start();
  const std::string unknown_key("\x7f\x00\x00\x00\x00\x00\x00\x01\xff\xff", 10);
  const std::string unknown_version("\x00\x00\x00\x63\x00\x00\x00\x01\xff\xff", 10);
  const std::string cut_off("\x00\x03\x00\x09\x00\x00\x00\x01\xff\xff", 10);
  for (const auto& request : {unknown_key, unknown_version, cut_off}) {
    auto client = connect();
    client.send_frame(request);
    EXPECT_TRUE(client.is_closed());
  }
}

TEST_F(KafkaServerTest, ClosesAConnectionWhoseRequestIsTooLargeBeforeItIsRead) {
  ServerSettings settings;
  settings.request_bytes_max = 1_MiB;
  start(settings);
  for (const std::string& length : {std::string("\x7f\xff\xff\xff", 4), std::string(4, '\0'),
                                    std::string("\xff\xff\xff\xff", 4)}) {
    auto client = connect();
    client.socket().send(length);
    EXPECT_TRUE(client.is_closed());
  }
}

TEST_F(KafkaServerTest, AnswersPipelinedRequestsInTheirOrder) {
  start();
  make_topic("labs");
  auto client = connect();
  std::vector<std::string> batches;
  for (int i = 0; i < 50; ++i) batches.push_back(batch({std::to_string(i)}));
  for (const auto& bytes : batches) {
    client.send(produce_request(client, "labs", bytes), 9);
    client.send(MetadataRequest(), 9);
  }
  for (int i = 0; i < 50; ++i) {
    const auto response = client.receive<ProduceResponse>(9);
    EXPECT_EQ(response.responses[0].partition_responses[0].base_offset, i);
    client.receive<MetadataResponse>(9);
  }
}

TEST_F(KafkaServerTest, ReadsRequestsHoweverTheyAreCut) {
  start();
  make_topic("labs");
  const auto bytes = batch({"a", "b"});
  for (const std::size_t portion : {1u, 3u, 7u}) {
    auto client = connect();
    std::string request;
    encode_request_header(
        {.api_key = 0, .api_version = 9, .correlation_id = 0, .client_id = "test"}, kProduce,
        request);
    Output body;
    encode(produce_request(client, "labs", bytes), 9, body);
    request += body.to_string();
    std::string frame(4, '\0');
    store_be(frame.data(), static_cast<std::int32_t>(request.size()));
    frame += request;
    for (std::size_t at = 0; at < frame.size(); at += portion)
      client.socket().send(std::string_view(frame).substr(at, portion));
    const auto response = client.receive<ProduceResponse>(9);
    EXPECT_EQ(response.responses[0].partition_responses[0].error_code, 0);
  }
}

TEST_F(KafkaServerTest, WaitsWithRequestsThatTakeMoreMemoryThanThereIs) {
  ServerSettings settings;
  settings.request_memory = 1_MiB;
  start(settings);
  make_topic("labs");
  const auto large = batch({std::string(300'000, 'x')});
  std::deque<testing::KafkaClient> clients;
  for (int i = 0; i < 16; ++i) clients.emplace_back(server_->port());
  for (auto& client : clients) client.send(produce_request(client, "labs", large), 9);
  for (auto& client : clients) {
    const auto response = client.receive<ProduceResponse>(9);
    EXPECT_EQ(response.responses[0].partition_responses[0].error_code, 0);
  }
  EXPECT_TRUE(io::testing::eventually([&] { return server_->request_memory_bytes() == 0; }));
}

TEST_F(KafkaServerTest, MakesATopicThatMetadataAsksForOnlyWhenThatIsWanted) {
  start();
  auto client = connect();
  MetadataRequest request;
  request.topics.emplace().add(client.arena()).name = "labs";
  request.allow_auto_topic_creation = false;
  EXPECT_EQ(client.ask<MetadataResponse>(request, 9).topics[0].error_code,
            code(KafkaError::UnknownTopicOrPartition));
  request.allow_auto_topic_creation = true;
  const auto made = client.ask<MetadataResponse>(request, 12);
  EXPECT_EQ(made.topics[0].error_code, 0);
  MetadataRequest by_id;
  by_id.topics.emplace().add(client.arena()).topic_id = made.topics[0].topic_id;
  EXPECT_EQ(client.ask<MetadataResponse>(by_id, 12).topics[0].name, "labs");
}

TEST_F(KafkaServerTest, NamesTopicsThatCannotBe) {
  start();
  auto client = connect();
  MetadataRequest request;
  auto& topics = request.topics.emplace();
  topics.add(client.arena()).name = "no spaces";
  topics.add(client.arena()).name = "__mine";
  topics.add(client.arena()).topic_id = ids_.next();
  const auto response = client.ask<MetadataResponse>(request, 12);
  std::vector<std::int16_t> errors;
  for (const auto& topic : response.topics) errors.push_back(topic.error_code);
  EXPECT_THAT(errors,
              ElementsAre(code(KafkaError::InvalidTopic), code(KafkaError::UnknownTopicOrPartition),
                          code(KafkaError::UnknownTopicId)));
}

TEST_F(KafkaServerTest, ListsAllTopicsInEveryVersion) {
  start();
  make_topic("labs");
  auto client = connect();
  for (auto version = kMetadata.min; version <= kMetadata.max; ++version) {
    const auto response = client.ask<MetadataResponse>(MetadataRequest(), version);
    ASSERT_EQ(response.brokers.size(), 1u) << version;
    EXPECT_EQ(response.brokers[0].host, "127.0.0.1");
    EXPECT_EQ(response.brokers[0].port, server_->port());
    EXPECT_EQ(response.topics.size(), 2u) << version;  // And the server's own.
  }
}

TEST_F(KafkaServerTest, GivesEachProducerAnIdOfItsOwn) {
  start();
  auto client = connect();
  const auto first = client.ask<InitProducerIdResponse>(InitProducerIdRequest(), 4);
  const auto second = client.ask<InitProducerIdResponse>(InitProducerIdRequest(), 4);
  EXPECT_EQ(first.error_code, 0);
  EXPECT_EQ(first.producer_epoch, 0);
  EXPECT_NE(first.producer_id, second.producer_id);
}

}  // namespace
}  // namespace myelin::kafka
