#include <gmock/gmock.h>

#include "servers/kafka/kafka_test_support.h"

namespace myelin::kafka {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

class DescribeTest : public testing::KafkaTest {
 protected:
  void SetUp() override {
    start();
    make_topic("labs");
  }
};

std::vector<std::string> names_of(const DescribeLogDirsResponse& response) {
  std::vector<std::string> names;
  for (const auto& topic : response.results[0].topics) names.emplace_back(topic.name);
  return names;
}

TEST_F(DescribeTest, TellsWhatAPartitionTakesOfTheDisk) {
  auto client = connect();
  EXPECT_EQ(produce(client, "labs", batch({std::string(5000, 'x')})).error_code, 0);
  broker_.settle();
  DescribeLogDirsRequest request;
  auto& asked = request.topics.emplace().add(client.arena());
  asked.topic = "labs";
  asked.partitions.add(client.arena(), 0);
  const auto response = client.ask<DescribeLogDirsResponse>(request, 4);
  ASSERT_EQ(response.results.size(), 1u);
  const auto& dir = response.results[0];
  EXPECT_EQ(dir.error_code, 0);
  EXPECT_EQ(dir.log_dir, "/data");
  ASSERT_EQ(dir.topics.size(), 1u);
  ASSERT_EQ(dir.topics[0].partitions.size(), 1u);
  EXPECT_GT(dir.topics[0].partitions[0].partition_size, 5000);
}

TEST_F(DescribeTest, OfAllTopicsLogDirsLeaveNoneOut) {
  make_topic("more");
  auto client = connect();
  const auto response = client.ask<DescribeLogDirsResponse>(DescribeLogDirsRequest(), 4);
  EXPECT_THAT(names_of(response), Contains("labs"));
  EXPECT_THAT(names_of(response), Contains("more"));
}

TEST_F(DescribeTest, LogDirsPassOverTopicsThatAreNot) {
  auto client = connect();
  DescribeLogDirsRequest request;
  auto& asked = request.topics.emplace().add(client.arena());
  asked.topic = "nowhere";
  asked.partitions.add(client.arena(), 0);
  const auto response = client.ask<DescribeLogDirsResponse>(request, 4);
  EXPECT_THAT(names_of(response), Not(Contains("nowhere")));
}

TEST_F(DescribeTest, TheQuorumIsThisServerAlone) {
  auto client = connect();
  DescribeQuorumRequest request;
  for (const std::string_view name : {"__cluster_metadata", "labs"}) {
    auto& topic = request.topics.add(client.arena());
    topic.topic_name = name;
    topic.partitions.add(client.arena()).partition_index = 0;
  }
  const auto response = client.ask<DescribeQuorumResponse>(request, 2);
  ASSERT_EQ(response.topics.size(), 2u);
  const auto& quorum = response.topics[0].partitions[0];
  const auto node = server_->settings().node_id;
  EXPECT_EQ(quorum.error_code, 0);
  EXPECT_EQ(quorum.leader_id, node);
  EXPECT_EQ(quorum.leader_epoch, server_->leader_epoch());
  ASSERT_EQ(quorum.current_voters.size(), 1u);
  EXPECT_EQ(quorum.current_voters[0].replica_id, node);
  EXPECT_EQ(quorum.high_watermark, quorum.current_voters[0].log_end_offset);
  EXPECT_EQ(response.topics[1].partitions[0].error_code, code(KafkaError::UnknownTopicOrPartition));
  ASSERT_EQ(response.nodes.size(), 1u);
  EXPECT_EQ(response.nodes[0].listeners[0].port, server_->port());
}

TEST_F(DescribeTest, ListsWhatHasSettings) {
  constexpr std::int8_t kTopic = 2;
  constexpr std::int8_t kBroker = 4;
  auto client = connect();
  const auto listed = [&](const std::vector<std::int8_t>& types) {
    ListConfigResourcesRequest request;
    for (const auto type : types) request.resource_types.add(client.arena(), type);
    const auto response = client.ask<ListConfigResourcesResponse>(request, 1);
    std::vector<std::string> found;
    for (const auto& resource : response.config_resources) {
      if (!resource.resource_name.starts_with("__"))
        found.push_back(std::to_string(resource.resource_type) + ":" +
                        std::string(resource.resource_name));
    }
    return found;
  };
  EXPECT_THAT(listed({kTopic}), ElementsAre("2:labs"));
  EXPECT_THAT(listed({kBroker}), ElementsAre("4:1"));
  EXPECT_THAT(listed({}), ElementsAre("2:labs", "4:1"));
}

TEST_F(DescribeTest, FetchesTopicsByTheirIdInEveryVersionThatDoes) {
  const auto topic = broker_.get().find({{}, "labs"});
  auto client = connect();
  EXPECT_EQ(produce(client, "labs", batch({"a"})).error_code, 0);
  for (std::int16_t version = 13; version <= kFetch.max; ++version) {
    auto request = fetch_request(client, "", {});
    auto& asked = request.topics.add(client.arena());
    asked.topic_id = topic->id();
    asked.partitions.add(client.arena()).partition_max_bytes = 1 << 20;
    const auto response = client.ask<FetchResponse>(request, version);
    ASSERT_EQ(response.responses.size(), 1u) << version;
    EXPECT_EQ(response.responses[0].topic_id, topic->id()) << version;
    EXPECT_THAT(values(response.responses[0].partitions[0].records), ElementsAre("0:a")) << version;
    request.topics[0].topic_id = ids_.next();
    const auto unknown = client.ask<FetchResponse>(request, version);
    EXPECT_EQ(unknown.responses[0].partitions[0].error_code, code(KafkaError::UnknownTopicId))
        << version;
  }
}

}  // namespace
}  // namespace myelin::kafka
