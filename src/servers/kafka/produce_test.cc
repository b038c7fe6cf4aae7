#include <gmock/gmock.h>

#include "formats/kafka/compression.h"
#include "servers/kafka/kafka_test_support.h"

namespace myelin::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ProduceTest : public testing::KafkaTest {
 protected:
  void configure(const std::string& topic, const broker::ConfigChanges& changes) {
    make_topic(topic);
    const auto done = broker_.get().configure({{}, topic}, changes);
    ASSERT_TRUE(done) << done.error().message();
  }
};

TEST_F(ProduceTest, StoresAndGivesBackInEveryVersion) {
  start();
  auto client = connect();
  const auto bytes = batch({"a", "b"});
  for (std::int16_t version = 3; version <= 12; ++version) {
    make_topic("t" + std::to_string(version));
    const auto answer = produce(client, "t" + std::to_string(version), bytes, version);
    EXPECT_EQ(answer.error_code, 0) << version;
    EXPECT_EQ(answer.base_offset, 0) << version;
  }
  for (std::int16_t version = 4; version <= 12; ++version) {
    const auto found = fetch(client, "t3", {}, version);
    EXPECT_THAT(values(found.records), ElementsAre("0:a", "1:b")) << version;
  }
}

TEST_F(ProduceTest, TakesTopicsByTheirId) {
  start();
  const auto topic = make_topic("labs");
  auto client = connect();
  const auto bytes = batch({"a"});
  auto request = produce_request(client, "", bytes);
  request.topic_data[0].topic_id = topic->id();
  const auto response = client.ask<ProduceResponse>(request, 13);
  EXPECT_EQ(response.responses[0].partition_responses[0].error_code, 0);
  EXPECT_EQ(response.responses[0].topic_id, topic->id());
  request.topic_data[0].topic_id = ids_.next();
  EXPECT_EQ(client.ask<ProduceResponse>(request, 13).responses[0].partition_responses[0].error_code,
            code(KafkaError::UnknownTopicId));
}

TEST_F(ProduceTest, SaysWhichBatchIsWrongAndStoresTheOthers) {
  start();
  make_topic("labs");
  auto client = connect();
  auto corrupt = batch({"a"});
  corrupt.back() ^= 1;
  const auto sound = batch({"b"});
  auto request = produce_request(client, "labs", corrupt);
  make_topic("more");
  auto& other = request.topic_data.add(client.arena());
  other.name = "more";
  auto& partition = other.partition_data.add(client.arena());
  partition.records.is_null = false;
  partition.records.pieces.add(client.arena(), sound);
  const auto response = client.ask<ProduceResponse>(request, 9);
  EXPECT_EQ(response.responses[0].partition_responses[0].error_code,
            code(KafkaError::CorruptMessage));
  EXPECT_EQ(response.responses[1].partition_responses[0].error_code, 0);
  EXPECT_THAT(values(fetch(client, "more", {}).records), ElementsAre("0:b"));
}

TEST_F(ProduceTest, RefusesWhatKafkaRefusesWithItsCodes) {
  start();
  make_topic("labs");
  auto client = connect();
  const auto sound = batch({"a"});
  const auto error = [&](std::string_view topic, std::string_view records) {
    return produce(client, topic, records).error_code;
  };
  EXPECT_EQ(error("nowhere", sound), code(KafkaError::UnknownTopicOrPartition));
  EXPECT_EQ(error("__myelin_metadata", sound), code(KafkaError::InvalidTopic));
  EXPECT_EQ(error("labs", {}), code(KafkaError::InvalidRecord));
  EXPECT_EQ(error("labs", sound + sound), code(KafkaError::InvalidRecord));
  auto old = sound;
  old[16] = 1;
  EXPECT_EQ(error("labs", old), code(KafkaError::InvalidRecord));
  EXPECT_EQ(error("labs", batch({std::string(2'000'000, 'x')})), code(KafkaError::MessageTooLarge));
  EXPECT_EQ(error("labs", sound.substr(0, 40)), code(KafkaError::InvalidRecord));
}

std::string zstd(std::string_view plain) {
  auto info = *parse_batch_header(plain);
  info.attributes = static_cast<std::int16_t>(Compression::Zstd);
  auto bytes = std::string(plain.substr(0, kBatchHeaderBytes)) +
               compress(Compression::Zstd, plain.substr(kBatchHeaderBytes)).value();
  write_batch_header(bytes, info);
  return bytes;
}

// As many partitions of one topic as there are batches.
ProduceRequest request_of(testing::KafkaClient& client, std::string_view topic,
                          const std::vector<std::string>& batches) {
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 10'000;
  auto& data = request.topic_data.add(client.arena());
  data.name = topic;
  for (const auto& bytes : batches) {
    auto& partition = data.partition_data.add(client.arena());
    partition.index = static_cast<std::int32_t>(data.partition_data.size() - 1);
    partition.records.is_null = false;
    partition.records.pieces.add(client.arena(), bytes);
  }
  return request;
}

TEST_F(ProduceTest, TakesARequestOfMoreBytesThanOneWriteOfTheLog) {
  start();
  constexpr std::int32_t kParts = 9;
  const auto write_bytes = broker_.get().append_bytes_max();
  ASSERT_TRUE(broker_.get().create_topic({{}, "wide"}, kParts, {}));
  auto client = connect();
  std::vector<std::string> batches;
  for (char name = 'a'; name < 'a' + kParts; ++name)
    batches.push_back(batch({std::string(write_bytes / 4, name)}));
  const auto response = client.ask<ProduceResponse>(request_of(client, "wide", batches), 9);
  ASSERT_EQ(response.responses[0].partition_responses.size(), kParts);
  for (std::int32_t i = 0; i < kParts; ++i) {
    const auto& answer = response.responses[0].partition_responses[static_cast<std::size_t>(i)];
    EXPECT_EQ(answer.index, i);
    EXPECT_EQ(answer.error_code, 0) << i;
    EXPECT_EQ(answer.base_offset, 0) << i;
    const auto topic = broker_.get().find({{}, "wide"});
    EXPECT_EQ(topic->partition(broker::PartitionIndex(i)).high_watermark().value, 1) << i;
  }
}

TEST_F(ProduceTest, RefusesOnlyTheBatchThatNoWriteOfTheLogTakes) {
  start();
  ASSERT_TRUE(broker_.get().create_topic({{}, "wide"}, 3, {}));
  auto client = connect();
  const auto response = client.ask<ProduceResponse>(
      request_of(client, "wide",
                 {batch({"a"}), batch({std::string(broker_.get().append_bytes_max(), 'x')}),
                  batch({"c"})}),
      9);
  const auto& parts = response.responses[0].partition_responses;
  EXPECT_EQ(parts[0].error_code, 0);
  EXPECT_EQ(parts[1].error_code, code(KafkaError::MessageTooLarge));
  EXPECT_EQ(parts[2].error_code, 0);
}

TEST_F(ProduceTest, CountsBatchesAsTheyAreStoredWhereTheTopicUnpacksThem) {
  start();
  const auto write_bytes = broker_.get().append_bytes_max();
  ASSERT_TRUE(broker_.get().create_topic({{}, "plain"}, 5, {{"compression.type", "uncompressed"}}));
  auto client = connect();
  const auto small = zstd(batch({std::string(write_bytes / 2, 'x')}));
  ASSERT_LT(small.size(), 1000u);
  const auto response = client.ask<ProduceResponse>(
      request_of(client, "plain", std::vector<std::string>(5, small)), 9);
  for (const auto& answer : response.responses[0].partition_responses)
    EXPECT_EQ(answer.error_code, 0) << answer.index;
}

TEST_F(ProduceTest, RefusesABatchOfATransaction) {
  start();
  make_topic("labs");
  auto client = connect();
  const BatchFields fields{
      .attributes = kTransactional, .producer_id = 7, .producer_epoch = 0, .base_sequence = 0};
  EXPECT_EQ(produce(client, "labs", batch({"a"}, fields)).error_code,
            code(KafkaError::TransactionalIdAuthorizationFailed));
  EXPECT_THAT(values(fetch(client, "labs", {}).records), ElementsAre());
}

TEST_F(ProduceTest, RefusesAcksThatAreNone) {
  start();
  make_topic("labs");
  auto client = connect();
  const auto bytes = batch({"a"});
  const auto response = client.ask<ProduceResponse>(produce_request(client, "labs", bytes, 2), 9);
  EXPECT_EQ(response.responses[0].partition_responses[0].error_code,
            code(KafkaError::InvalidRequiredAcks));
}

TEST_F(ProduceTest, NamesTheRecordsWithoutAKeyInACompactedTopic) {
  start();
  configure("keyed", {{"cleanup.policy", "compact"}});
  auto client = connect();
  RecordBatchBuilder builder;
  EXPECT_TRUE(builder.add(to_ms(clock_.now()), "key", "a"));
  EXPECT_TRUE(builder.add(to_ms(clock_.now()), std::nullopt, "b"));
  const auto answer = produce(client, "keyed", builder.finish());
  EXPECT_EQ(answer.error_code, code(KafkaError::InvalidRecord));
  ASSERT_EQ(answer.record_errors.size(), 1u);
  EXPECT_EQ(answer.record_errors[0].batch_index, 1);
  EXPECT_THAT(std::string(*answer.error_message), HasSubstr("without a key"));
}

TEST_F(ProduceTest, RefusesRecordsFromTheFarFuture) {
  start();
  make_topic("labs");
  auto client = connect();
  RecordBatchBuilder builder;
  EXPECT_TRUE(builder.add(to_ms(clock_.now()) + 7'200'000, "key", "a"));
  EXPECT_EQ(produce(client, "labs", builder.finish()).error_code,
            code(KafkaError::InvalidTimestamp));
}

TEST_F(ProduceTest, RefusesAProducerIdWithoutEpochOrSequence) {
  start();
  make_topic("labs");
  auto client = connect();
  for (const auto& fields : {BatchFields{.producer_id = 7, .producer_epoch = 0},
                             BatchFields{.producer_id = 7, .base_sequence = 0}}) {
    const auto answer = produce(client, "labs", batch({"a"}, fields));
    EXPECT_EQ(answer.error_code, code(KafkaError::InvalidRecord));
    EXPECT_THAT(std::string(*answer.error_message), HasSubstr("producer id"));
  }
}

TEST_F(ProduceTest, PutsItsOwnTimeWhereTheTopicSaysSo) {
  start();
  configure("timed", {{"message.timestamp.type", "LogAppendTime"}});
  auto client = connect();
  RecordBatchBuilder builder;
  EXPECT_TRUE(builder.add(1'000, "key", "a"));
  const auto answer = produce(client, "timed", builder.finish());
  EXPECT_EQ(answer.error_code, 0);
  EXPECT_GT(answer.log_append_time_ms, 1'000'000'000'000);
  const auto found = fetch(client, "timed", {});
  const auto info = parse_batch_header(found.records.pieces[0]);
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->has_log_append_time());
  EXPECT_EQ(info->max_timestamp, answer.log_append_time_ms);
  EXPECT_TRUE(verify_batch(found.records.pieces[0]));
}

TEST_F(ProduceTest, TakesALargeCompressedBatch) {
  start();
  make_topic("labs");
  auto client = connect();
  std::string noise;  // Compressed it stays as long as what is read on another thread.
  for (std::uint32_t i = 0, x = 1; i < 100'000; ++i, x = x * 1664525 + 1013904223)
    noise.push_back(static_cast<char>(x >> 24));
  EXPECT_EQ(produce(client, "labs", zstd(batch({noise}))).error_code, 0);
}

TEST_F(ProduceTest, PacksBatchesAsTheTopicSays) {
  start();
  configure("packed", {{"compression.type", "zstd"}});
  auto client = connect();
  EXPECT_EQ(produce(client, "packed", batch({std::string(500, 'a')})).error_code, 0);
  const auto found = fetch(client, "packed", {});
  const auto info = parse_batch_header(found.records.pieces[0]);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->attributes & kCompressionMask, static_cast<int>(Compression::Zstd));
  EXPECT_LT(info->size_bytes, 200u);
  EXPECT_TRUE(verify_batch(found.records.pieces[0]));
}

TEST_F(ProduceTest, StoresABatchThatIsSentAgainOnce) {
  start();
  make_topic("labs");
  auto client = connect();
  const auto id = client.ask<InitProducerIdResponse>(InitProducerIdRequest(), 4).producer_id;
  const BatchFields first{.producer_id = id, .producer_epoch = 0, .base_sequence = 0};
  EXPECT_EQ(produce(client, "labs", batch({"a", "b"}, first)).base_offset, 0);
  EXPECT_EQ(produce(client, "labs", batch({"a", "b"}, first)).base_offset, 0);
  const BatchFields gap{.producer_id = id, .producer_epoch = 0, .base_sequence = 5};
  EXPECT_EQ(produce(client, "labs", batch({"c"}, gap)).error_code,
            code(KafkaError::OutOfOrderSequenceNumber));
  EXPECT_THAT(values(fetch(client, "labs", {}).records), ElementsAre("0:a", "1:b"));
}

TEST_F(ProduceTest, OnAFullDiskRefusesWritesAndServesReadsUntilThereIsRoom) {
  start();
  make_topic("labs");
  auto client = connect();
  EXPECT_EQ(produce(client, "labs", batch({"a"})).error_code, 0);
  broker_.fill_disk();
  EXPECT_EQ(produce(client, "labs", batch({"b"})).error_code, code(KafkaError::KafkaStorageError));
  EXPECT_THAT(values(fetch(client, "labs", {}).records), ElementsAre("0:a"));
  broker_.empty_disk();
  EXPECT_EQ(produce(client, "labs", batch({"c"})).error_code, 0);
  EXPECT_THAT(values(fetch(client, "labs", {.offset = 1}).records), ElementsAre("1:c"));
}

TEST_F(ProduceTest, DoesNotAnswerWhereNoAnswerIsWanted) {
  start();
  make_topic("labs");
  auto client = connect();
  const auto bytes = batch({"a"});
  client.send(produce_request(client, "labs", bytes, 0), 9);
  client.skip_answer();
  client.ask<MetadataResponse>(MetadataRequest(), 9);
  EXPECT_TRUE(io::testing::eventually(
      [&] { return values(fetch(client, "labs", {}).records).size() == 1; }));
}

TEST_F(ProduceTest, ClosesTheConnectionWhereNoAnswerIsWantedAndRecordsAreWrong) {
  start();
  auto client = connect();
  const auto bytes = batch({"a"});
  client.send(produce_request(client, "nowhere", bytes, 0), 9);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(ProduceTest, AnswersWhatCameBeforeARequestForWhichItCloses) {
  start();
  make_topic("labs");
  auto client = connect();
  const auto bytes = batch({"a"});
  client.socket().send(client.framed(produce_request(client, "labs", bytes), 9) +
                       client.framed(MetadataRequest(), 9) +
                       client.framed(produce_request(client, "nowhere", bytes, 0), 9));
  const auto response = client.receive<ProduceResponse>(9);
  EXPECT_EQ(response.responses[0].partition_responses[0].error_code, 0);
  client.receive<MetadataResponse>(9);
  EXPECT_TRUE(client.is_closed());
}

}  // namespace
}  // namespace myelin::kafka
