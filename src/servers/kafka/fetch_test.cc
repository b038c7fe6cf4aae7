#include <gmock/gmock.h>

#include "servers/kafka/kafka_test_support.h"

namespace myelin::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FetchTest : public testing::KafkaTest {
 protected:
  void SetUp() override {
    start();
    make_topic("labs");
  }
};

TEST_F(FetchTest, GivesTheWholeBatchForAnOffsetInsideIt) {
  auto client = connect();
  produce(client, "labs", batch({"a", "b", "c"}));
  EXPECT_THAT(values(fetch(client, "labs", {.offset = 1}).records),
              ElementsAre("0:a", "1:b", "2:c"));
}

TEST_F(FetchTest, GivesTheFirstBatchHoweverLargeItIs) {
  auto client = connect();
  produce(client, "labs", batch({std::string(10'000, 'a')}));
  produce(client, "labs", batch({"b"}));
  const auto found = fetch(client, "labs", {.max_bytes = 100});
  EXPECT_EQ(values(found.records).size(), 1u);
}

TEST_F(FetchTest, StopsAtTheBytesAskedFor) {
  auto client = connect();
  for (int i = 0; i < 10; ++i) produce(client, "labs", batch({std::string(1'000, 'a')}));
  broker_.settle();  // An answer ends where the segments do.
  EXPECT_EQ(values(fetch(client, "labs", {.max_bytes = 3'500}).records).size(), 3u);
}

TEST_F(FetchTest, ReadsWhatIsInSegmentsToo) {
  auto client = connect();
  produce(client, "labs", batch({"a"}));
  broker_.settle();
  produce(client, "labs", batch({"b"}));
  std::vector<std::string> all;
  for (std::int64_t offset = 0; offset < 2;) {
    for (auto& value : values(fetch(client, "labs", {.offset = offset}).records)) {
      all.push_back(std::move(value));
      ++offset;
    }
  }
  EXPECT_THAT(all, ElementsAre("0:a", "1:b"));
}

TEST_F(FetchTest, TellsOffsetsThatAreNotThere) {
  auto client = connect();
  produce(client, "labs", batch({"a"}));
  EXPECT_EQ(fetch(client, "labs", {.offset = 2}).error_code, code(KafkaError::OffsetOutOfRange));
  EXPECT_EQ(fetch(client, "labs", {.offset = -5}).error_code, code(KafkaError::OffsetOutOfRange));
  EXPECT_EQ(fetch(client, "labs", {.offset = 1}).error_code, 0);
}

TEST_F(FetchTest, TellsAClientThatBelievesInAnotherEpoch) {
  auto client = connect();
  const auto ours = server_->leader_epoch();
  EXPECT_EQ(fetch(client, "labs", {.leader_epoch = ours}).error_code, 0);
  EXPECT_EQ(fetch(client, "labs", {.leader_epoch = ours + 1}).error_code,
            code(KafkaError::UnknownLeaderEpoch));
  if (ours > 0) {
    EXPECT_EQ(fetch(client, "labs", {.leader_epoch = ours - 1}).error_code,
              code(KafkaError::FencedLeaderEpoch));
  }
}

TEST_F(FetchTest, WaitsForRecordsAndComesBackWithThem) {
  auto reader = connect();
  reader.send(fetch_request(reader, "labs", {.max_wait_ms = 15'000}), 12);
  auto writer = connect();
  produce(writer, "labs", batch({"a"}));
  const auto response = reader.receive<FetchResponse>(12);
  EXPECT_THAT(values(response.responses[0].partitions[0].records), ElementsAre("0:a"));
}

TEST_F(FetchTest, WaitsForAsManyBytesAsAreAskedFor) {
  auto reader = connect();
  reader.send(fetch_request(reader, "labs", {.max_wait_ms = 15'000, .min_bytes = 150}), 12);
  auto writer = connect();
  produce(writer, "labs", batch({"a"}));
  produce(writer, "labs", batch({"b"}));
  produce(writer, "labs", batch({"c"}));
  const auto response = reader.receive<FetchResponse>(12);
  EXPECT_GE(values(response.responses[0].partitions[0].records).size(), 2u);
}

TEST_F(FetchTest, DoesNotWaitForMoreThanItsAnswerMayHold) {
  auto client = connect();
  produce(client, "labs", batch({std::string(300, 'a')}));
  const auto began = clock_.steady();
  const auto found =
      fetch(client, "labs", {.max_wait_ms = 60'000, .min_bytes = 1 << 20, .max_bytes = 200});
  EXPECT_EQ(values(found.records).size(), 1u);
  EXPECT_LT(clock_.steady() - began, std::chrono::seconds(50));
}

TEST_F(FetchTest, TellsDamageAndGivesWhatIsBehindIt) {
  auto client = connect();
  for (const auto* value : {"a", "b", "c"}) produce(client, "labs", batch({value}));
  broker_.settle();
  const auto size = batch({"a"}).size();
  broker_.flip("/data/topics/labs-0/00000000000000000000.log", size + 70);
  EXPECT_EQ(values(fetch(client, "labs", {}).records), std::vector<std::string>{"0:a"});
  EXPECT_EQ(fetch(client, "labs", {.offset = 1}).error_code, code(KafkaError::CorruptMessage));
  EXPECT_EQ(values(fetch(client, "labs", {.offset = 2}).records), std::vector<std::string>{"2:c"});
}

TEST_F(FetchTest, ComesBackEmptyWhenTheTimeIsOver) {
  auto client = connect();
  const auto found = fetch(client, "labs", {.max_wait_ms = 20});
  EXPECT_EQ(found.error_code, 0);
  EXPECT_THAT(values(found.records), IsEmpty());
  EXPECT_EQ(found.high_watermark, 0);
}

TEST_F(FetchTest, OfASessionTellsOnlyWhatIsNew) {
  make_topic("more");
  auto client = connect();
  auto request = fetch_request(client, "labs", {.session_epoch = 0});
  auto& other = request.topics.add(client.arena());
  other.topic = "more";
  other.partitions.add(client.arena()).partition_max_bytes = 1 << 20;
  const auto first = client.ask<FetchResponse>(request, 12);
  ASSERT_NE(first.session_id, 0);
  EXPECT_EQ(first.responses.size(), 2u);

  produce(client, "more", batch({"a"}));
  const auto session = first.session_id;
  const auto second = client.ask<FetchResponse>(
      fetch_request(client, "", {.session_id = session, .session_epoch = 1}), 12);
  ASSERT_EQ(second.responses.size(), 1u);
  EXPECT_EQ(second.responses[0].topic, "more");
  EXPECT_THAT(values(second.responses[0].partitions[0].records), ElementsAre("0:a"));

  const auto third = client.ask<FetchResponse>(
      fetch_request(client, "labs", {.session_id = session, .session_epoch = 2}), 12);
  EXPECT_EQ(third.error_code, 0);
}

TEST_F(FetchTest, OfASessionForgetsWhatIsNotWantedAnyMore) {
  auto client = connect();
  const auto first =
      client.ask<FetchResponse>(fetch_request(client, "labs", {.session_epoch = 0}), 12);
  auto request = fetch_request(client, "", {.session_id = first.session_id, .session_epoch = 1});
  auto& forgotten = request.forgotten_topics_data.add(client.arena());
  forgotten.topic = "labs";
  forgotten.partitions.add(client.arena(), 0);
  client.ask<FetchResponse>(request, 12);
  produce(client, "labs", batch({"a"}));
  const auto last = client.ask<FetchResponse>(
      fetch_request(client, "", {.session_id = first.session_id, .session_epoch = 2}), 12);
  EXPECT_TRUE(last.responses.empty());
}

TEST_F(FetchTest, TellsOfSessionsThatAreNotThere) {
  auto client = connect();
  EXPECT_EQ(client
                .ask<FetchResponse>(
                    fetch_request(client, "labs", {.session_id = 77, .session_epoch = 1}), 12)
                .error_code,
            code(KafkaError::FetchSessionIdNotFound));
  const auto first =
      client.ask<FetchResponse>(fetch_request(client, "labs", {.session_epoch = 0}), 12);
  EXPECT_EQ(
      client
          .ask<FetchResponse>(
              fetch_request(client, "labs", {.session_id = first.session_id, .session_epoch = 5}),
              12)
          .error_code,
      code(KafkaError::InvalidFetchSessionEpoch));
}

TEST_F(FetchTest, TakesTurnsBetweenPartitionsThatAreAlwaysFull) {
  make_topic("more");
  auto client = connect();
  for (int i = 0; i < 3; ++i) {
    produce(client, "labs", batch({std::string(2'000, 'a')}));
    produce(client, "more", batch({std::string(2'000, 'b')}));
  }
  auto request = fetch_request(client, "labs", {.max_bytes = 2'200, .session_epoch = 0});
  auto& other = request.topics.add(client.arena());
  other.topic = "more";
  other.partitions.add(client.arena()).partition_max_bytes = 2'200;
  const auto first = client.ask<FetchResponse>(request, 12);
  const auto second = client.ask<FetchResponse>(
      fetch_request(client, "",
                    {.max_bytes = 2'200, .session_id = first.session_id, .session_epoch = 1}),
      12);
  ASSERT_FALSE(second.responses.empty());
  EXPECT_EQ(second.responses[0].topic, "more");
}

TEST_F(FetchTest, FindsOffsetsByTime) {
  auto client = connect();
  for (const std::int64_t time : {1'000, 3'000, 2'000}) {
    RecordBatchBuilder builder;
    EXPECT_TRUE(builder.add(time, "key", "a"));
    produce(client, "labs", builder.finish());
  }
  const auto look_up = [&](std::int64_t timestamp) {
    ListOffsetsRequest request;
    auto& topic = request.topics.add(client.arena());
    topic.name = "labs";
    topic.partitions.add(client.arena()).timestamp = timestamp;
    return client.ask<ListOffsetsResponse>(request, 7).topics[0].partitions[0].offset;
  };
  EXPECT_EQ(look_up(-1), 3);
  EXPECT_EQ(look_up(-2), 0);
  EXPECT_EQ(look_up(-3), 1);
  EXPECT_EQ(look_up(1'000), 0);
  EXPECT_EQ(look_up(1'001), 1);
  EXPECT_EQ(look_up(9'000), -1);
}

TEST_F(FetchTest, IsInTheAuditOnceATopicAndConnection) {
  {
    auto client = connect();
    produce(client, "labs", batch({"a"}));
    produce(client, "labs", batch({"b"}));
    fetch(client, "labs", {});
    fetch(client, "labs", {});
  }
  const auto actions = [&] {
    std::vector<security::AuditAction> actions;
    for (const auto& event : audit_.events()) actions.push_back(event.action);
    return actions;
  };
  ASSERT_TRUE(io::testing::eventually([&] { return actions().size() == 3; }));
  EXPECT_THAT(actions(),
              ElementsAre(security::AuditAction::TopicWritten, security::AuditAction::TopicRead,
                          security::AuditAction::ConnectionEnded));
}

TEST_F(FetchTest, TellsWhereAnEpochEnds) {
  auto client = connect();
  produce(client, "labs", batch({"a", "b"}));
  OffsetForLeaderEpochRequest request;
  auto& topic = request.topics.add(client.arena());
  topic.topic = "labs";
  topic.partitions.add(client.arena()).leader_epoch = server_->leader_epoch();
  const auto answer = client.ask<OffsetForLeaderEpochResponse>(request, 4).topics[0].partitions[0];
  EXPECT_EQ(answer.error_code, 0);
  EXPECT_EQ(answer.end_offset, 2);
}

}  // namespace
}  // namespace myelin::kafka
