// Topics and their settings, as administrators see them.
#include <gmock/gmock.h>

#include <limits>

#include "servers/kafka/kafka_test_support.h"

namespace myelin::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int8_t kTopic = 2;
constexpr std::int8_t kBroker = 4;

class AdminTest : public testing::KafkaTest {
 protected:
  using Wanted = CreateTopicsRequest::Topic;
  using Created = CreateTopicsResponse::Topic;

  static Wanted topic(std::string_view name, std::int32_t partitions = 1,
                      std::int16_t replicas = 1) {
    Wanted wanted;
    wanted.name = name;
    wanted.num_partitions = partitions;
    wanted.replication_factor = replicas;
    return wanted;
  }
  static Created create(testing::KafkaClient& client, const Wanted& wanted,
                        bool validate_only = false) {
    CreateTopicsRequest request;
    request.topics.add(client.arena(), wanted);
    request.validate_only = validate_only;
    const auto response = client.ask<CreateTopicsResponse>(request, 7);
    return response.topics.empty() ? Created() : response.topics[0];
  }
  std::int16_t error_of(const Wanted& wanted) {
    auto client = connect();
    return create(client, wanted).error_code;
  }
  static DescribeConfigsResponse::Resource describe(testing::KafkaClient& client,
                                                    std::string_view name,
                                                    std::int8_t type = kTopic) {
    DescribeConfigsRequest request;
    auto& resource = request.resources.add(client.arena());
    resource.resource_type = type;
    resource.resource_name = name;
    return client.ask<DescribeConfigsResponse>(request, 4).results[0];
  }
  static std::string value_of(const DescribeConfigsResponse::Resource& resource,
                              std::string_view name) {
    for (const auto& config : resource.configs) {
      if (config.name == name) return std::string(config.value.value_or("null"));
    }
    return "missing";
  }
  struct Change {
    std::string_view name;
    std::int8_t operation = 0;
    std::optional<std::string_view> value = std::nullopt;
  };
  static std::int16_t change(testing::KafkaClient& client, std::string_view name,
                             const std::vector<Change>& changes) {
    IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.add(client.arena());
    resource.resource_type = kTopic;
    resource.resource_name = name;
    for (const auto& one : changes) {
      resource.configs.add(
          client.arena(),
          {.name = one.name, .config_operation = one.operation, .value = one.value});
    }
    return client.ask<IncrementalAlterConfigsResponse>(request, 1).responses[0].error_code;
  }
};

TEST_F(AdminTest, MakesATopicAndTellsWhatItIs) {
  start();
  auto client = connect();
  auto wanted = topic("labs", 3);
  wanted.configs.add(client.arena(), {.name = "retention.ms", .value = "1000"});
  const auto made = create(client, wanted);
  EXPECT_EQ(made.error_code, 0);
  EXPECT_EQ(made.num_partitions, 3);
  EXPECT_EQ(made.replication_factor, 1);
  EXPECT_FALSE(made.topic_id.is_nil());
  EXPECT_EQ(value_of(describe(client, "labs"), "retention.ms"), "1000");
}

TEST_F(AdminTest, MakesNothingWhereItIsOnlyToCheck) {
  start();
  auto client = connect();
  EXPECT_EQ(create(client, topic("labs"), true).error_code, 0);
  EXPECT_EQ(broker_.get().find(broker::TopicName{{}, "labs"}), nullptr);
}

TEST_F(AdminTest, RefusesTopicsThatCannotBeWithKafkasCodes) {
  start();
  make_topic("there");
  EXPECT_EQ(error_of(topic("there")), code(KafkaError::TopicAlreadyExists));
  EXPECT_EQ(error_of(topic("no spaces")), code(KafkaError::InvalidTopic));
  EXPECT_EQ(error_of(topic("__mine")), code(KafkaError::InvalidTopic));
  EXPECT_EQ(error_of(topic("labs", 0)), code(KafkaError::InvalidPartitions));
  EXPECT_EQ(error_of(topic("labs", 1, 3)), code(KafkaError::InvalidReplicationFactor));
  auto wrong = topic("labs");
  Arena arena;
  wrong.configs.add(arena, {.name = "retention.ms", .value = "soon"});
  EXPECT_EQ(error_of(wrong), code(KafkaError::InvalidConfig));
  auto unknown = topic("labs");
  unknown.configs.add(arena, {.name = "no.such.setting", .value = "1"});
  EXPECT_EQ(error_of(unknown), code(KafkaError::InvalidConfig));
}

TEST_F(AdminTest, MakesDoWithOneReplicaWhereItIsToldTo) {
  ServerSettings settings;
  settings.replication_factor = "clamp";
  start(settings);
  EXPECT_EQ(error_of(topic("labs", 1, 3)), 0);
}

TEST_F(AdminTest, RefusesATopicThatIsNamedTwice) {
  start();
  auto client = connect();
  CreateTopicsRequest request;
  request.topics.add(client.arena(), topic("labs"));
  request.topics.add(client.arena(), topic("labs"));
  const auto response = client.ask<CreateTopicsResponse>(request, 7);
  EXPECT_EQ(response.topics[0].error_code, code(KafkaError::InvalidRequest));
}

TEST_F(AdminTest, TakesAnAssignmentToItselfAlone) {
  start();
  Arena arena;
  auto wanted = topic("labs", -1, -1);
  auto& assignment = wanted.assignments.add(arena);
  assignment.broker_ids.add(arena, 7);
  EXPECT_EQ(error_of(wanted), code(KafkaError::InvalidReplicaAssignment));
  assignment.broker_ids[0] = 1;
  EXPECT_EQ(error_of(wanted), 0);
}

TEST_F(AdminTest, DeletesTopicsByNameAndById) {
  start();
  make_topic("a");
  const auto by_id = make_topic("b");
  auto client = connect();
  DeleteTopicsRequest request;
  request.topics.add(client.arena()).name = "a";
  request.topics.add(client.arena()).topic_id = by_id->id();
  request.topics.add(client.arena()).name = "c";
  const auto response = client.ask<DeleteTopicsResponse>(request, 6);
  std::vector<std::int16_t> errors;
  for (const auto& topic : response.responses) errors.push_back(topic.error_code);
  EXPECT_THAT(errors, ElementsAre(0, 0, code(KafkaError::UnknownTopicOrPartition)));
  EXPECT_EQ(response.responses[1].name, "b");
}

TEST_F(AdminTest, AddsPartitionsThatMayBeWrittenAtOnce) {
  start();
  make_topic("labs");
  auto client = connect();
  const auto grow = [&](std::int32_t count) {
    CreatePartitionsRequest request;
    auto& topic = request.topics.add(client.arena());
    topic.name = "labs";
    topic.count = count;
    return client.ask<CreatePartitionsResponse>(request, 3).results[0].error_code;
  };
  EXPECT_EQ(grow(3), 0);
  EXPECT_EQ(grow(3), code(KafkaError::InvalidPartitions));
  const auto bytes = batch({"a"});
  auto request = produce_request(client, "labs", bytes);
  request.topic_data[0].partition_data[0].index = 2;
  EXPECT_EQ(client.ask<ProduceResponse>(request, 9).responses[0].partition_responses[0].error_code,
            0);
}

TEST_F(AdminTest, DeletesRecordsBelowAnOffset) {
  start();
  make_topic("labs");
  auto client = connect();
  for (const auto* value : {"a", "b", "c"}) produce(client, "labs", batch({value}));
  const auto delete_before = [&](std::int64_t offset) {
    DeleteRecordsRequest request;
    auto& topic = request.topics.add(client.arena());
    topic.name = "labs";
    topic.partitions.add(client.arena()).offset = offset;
    return client.ask<DeleteRecordsResponse>(request, 2).topics[0].partitions[0];
  };
  EXPECT_EQ(delete_before(2).low_watermark, 2);
  EXPECT_EQ(delete_before(9).error_code, code(KafkaError::OffsetOutOfRange));
  EXPECT_EQ(fetch(client, "labs", {.offset = 1}).error_code, code(KafkaError::OffsetOutOfRange));
  EXPECT_THAT(values(fetch(client, "labs", {.offset = 2}).records), ElementsAre("2:c"));
  EXPECT_EQ(delete_before(-1).low_watermark, 3);
}

TEST_F(AdminTest, ListsSettingsWithTheirDefaults) {
  start();
  make_topic("labs");
  auto client = connect();
  const auto found = describe(client, "labs");
  EXPECT_EQ(found.error_code, 0);
  EXPECT_GT(found.configs.size(), 25u);
  EXPECT_EQ(value_of(found, "cleanup.policy"), "delete");
  EXPECT_EQ(value_of(found, "max.message.bytes"), "1048588");
  EXPECT_EQ(describe(client, "nowhere").error_code, code(KafkaError::UnknownTopicOrPartition));
  EXPECT_EQ(value_of(describe(client, "1", kBroker), "node.id"), "1");
  EXPECT_EQ(describe(client, "9", kBroker).error_code, code(KafkaError::InvalidRequest));
}

TEST_F(AdminTest, ChangesSomeSettingsAndLeavesTheOthers) {
  start();
  make_topic("labs");
  auto client = connect();
  EXPECT_EQ(change(client, "labs", {{"retention.ms", 0, "5000"}, {"segment.ms", 0, "7000"}}), 0);
  EXPECT_EQ(change(client, "labs", {{"segment.ms", 1}, {"cleanup.policy", 2, "compact"}}), 0);
  const auto found = describe(client, "labs");
  EXPECT_EQ(value_of(found, "retention.ms"), "5000");
  EXPECT_EQ(value_of(found, "segment.ms"), "604800000");
  EXPECT_EQ(value_of(found, "cleanup.policy"), "delete,compact");
  EXPECT_EQ(change(client, "labs", {{"cleanup.policy", 3, "delete"}}), 0);
  EXPECT_EQ(value_of(describe(client, "labs"), "cleanup.policy"), "compact");
}

TEST_F(AdminTest, RefusesSettingsThatCannotBe) {
  start();
  make_topic("labs");
  auto client = connect();
  EXPECT_EQ(change(client, "labs", {{"no.such", 0, "1"}}), code(KafkaError::InvalidConfig));
  EXPECT_EQ(change(client, "labs", {{"retention.ms", 0}}), code(KafkaError::InvalidRequest));
  EXPECT_EQ(change(client, "labs", {{"retention.ms", 2, "1"}}), code(KafkaError::InvalidConfig));
  EXPECT_EQ(change(client, "labs", {{"retention.ms", 9, "1"}}), code(KafkaError::InvalidRequest));
  EXPECT_EQ(change(client, "nowhere", {{"retention.ms", 0, "1"}}),
            code(KafkaError::UnknownTopicOrPartition));
}

TEST_F(AdminTest, ReplacesAllSettingsWhereThatIsAsked) {
  start();
  make_topic("labs");
  auto client = connect();
  EXPECT_EQ(change(client, "labs", {{"retention.ms", 0, "5000"}}), 0);
  AlterConfigsRequest request;
  auto& resource = request.resources.add(client.arena());
  resource.resource_type = kTopic;
  resource.resource_name = "labs";
  resource.configs.add(client.arena(), {.name = "segment.ms", .value = "7000"});
  EXPECT_EQ(client.ask<AlterConfigsResponse>(request, 2).responses[0].error_code, 0);
  const auto found = describe(client, "labs");
  EXPECT_EQ(value_of(found, "retention.ms"), "-1");
  EXPECT_EQ(value_of(found, "segment.ms"), "7000");
}

TEST_F(AdminTest, PutsEachChangeIntoTheAuditBeforeItIsMade) {
  start();
  auto client = connect();
  create(client, topic("labs"));
  change(client, "labs", {{"retention.ms", 0, "5000"}});
  DeleteTopicsRequest request;
  request.topics.add(client.arena()).name = "labs";
  client.ask<DeleteTopicsResponse>(request, 6);
  std::vector<security::AuditAction> actions;
  for (const auto& event : audit_.events()) actions.push_back(event.action);
  EXPECT_THAT(actions, ElementsAre(security::AuditAction::TopicCreated,
                                   security::AuditAction::TopicConfigured,
                                   security::AuditAction::TopicDeleted));
}

TEST_F(AdminTest, PutsATopicThatIsMadeWhenItIsAskedForIntoTheAudit) {
  start();
  auto client = connect();
  MetadataRequest request;
  request.topics.emplace().add(client.arena()).name = "labs";
  request.allow_auto_topic_creation = true;
  EXPECT_EQ(client.ask<MetadataResponse>(request, 9).topics[0].error_code, 0);
  EXPECT_EQ(client.ask<MetadataResponse>(request, 9).topics[0].error_code, 0);
  const auto events = audit_.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].action, security::AuditAction::TopicCreated);
}

TEST_F(AdminTest, PagesThroughPartitions) {
  start();
  auto client = connect();
  create(client, topic("a", 3));
  create(client, topic("b", 2));
  DescribeTopicPartitionsRequest request;
  request.topics.add(client.arena()).name = "a";
  request.topics.add(client.arena()).name = "b";
  request.response_partition_limit = 2;
  std::vector<std::string> seen;
  for (int pages = 0; pages < 5; ++pages) {
    const auto response = client.ask<DescribeTopicPartitionsResponse>(request, 0);
    for (const auto& topic : response.topics) {
      for (const auto& partition : topic.partitions)
        seen.push_back(std::string(*topic.name) + std::to_string(partition.partition_index));
    }
    if (!response.next_cursor) break;
    request.cursor = {.topic_name = response.next_cursor->topic_name,
                      .partition_index = response.next_cursor->partition_index};
  }
  EXPECT_THAT(seen, ElementsAre("a0", "a1", "a2", "b0", "b1"));
}

TEST_F(AdminTest, SaysThatAccessListsAndSaslAreNotEnabled) {
  start();
  auto client = connect();
  EXPECT_EQ(client.ask<DescribeAclsResponse>(DescribeAclsRequest(), 3).error_code,
            code(KafkaError::SecurityDisabled));
  EXPECT_EQ(client.ask<SaslHandshakeResponse>(SaslHandshakeRequest(), 1).error_code,
            code(KafkaError::IllegalSaslState));
}

TEST_F(AdminTest, TellsTheProducersOfAPartition) {
  start();
  make_topic("labs");
  auto client = connect();
  produce(client, "labs",
          batch({"a", "b"}, {.producer_id = 77, .producer_epoch = 0, .base_sequence = 0}));
  DescribeProducersRequest request;
  auto& topic = request.topics.add(client.arena());
  topic.name = "labs";
  topic.partition_indexes.add(client.arena(), 0);
  const auto partition = client.ask<DescribeProducersResponse>(request, 0).topics[0].partitions[0];
  ASSERT_EQ(partition.active_producers.size(), 1u);
  EXPECT_EQ(partition.active_producers[0].producer_id, 77);
  EXPECT_EQ(partition.active_producers[0].last_sequence, 1);
}

// Groups.

// All that Kafka knows for a cluster, as it tells where there is no authorizer.
TEST_F(AdminTest, TellsWhatAClientMayDoOnTheClusterIfItAsks) {
  start();
  auto client = connect();
  DescribeClusterRequest cluster;
  EXPECT_EQ(client.ask<DescribeClusterResponse>(cluster, 2).cluster_authorized_operations,
            std::numeric_limits<std::int32_t>::min());
  cluster.include_cluster_authorized_operations = true;
  EXPECT_EQ(client.ask<DescribeClusterResponse>(cluster, 2).cluster_authorized_operations,
            1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12);
}

class GroupTest : public AdminTest {
 protected:
  void SetUp() override {
    start();
    make_topic("labs");
  }
  // Joins and takes the whole assignment.
  static std::string join_alone(testing::KafkaClient& client, std::int32_t& generation) {
    const auto told = client.ask<JoinGroupResponse>(join_request(client), 9);
    EXPECT_EQ(told.error_code, code(KafkaError::MemberIdRequired));
    const std::string member(told.member_id);
    const auto joined = client.ask<JoinGroupResponse>(join_request(client, member), 9);
    EXPECT_EQ(joined.error_code, 0);
    EXPECT_EQ(joined.leader, member);
    generation = joined.generation_id;
    SyncGroupRequest sync;
    sync.group_id = "readers";
    sync.generation_id = generation;
    sync.member_id = member;
    sync.protocol_type = "consumer";
    sync.protocol_name = "range";
    sync.assignments.add(client.arena(), {.member_id = member, .assignment = {"all"}});
    EXPECT_EQ(client.ask<SyncGroupResponse>(sync, 5).assignment.view, "all");
    return member;
  }
  static OffsetCommitRequest commit_request(testing::KafkaClient& client, std::string_view member,
                                            std::int32_t generation, std::int64_t offset) {
    OffsetCommitRequest request;
    request.group_id = "readers";
    request.member_id = member;
    request.generation_id_or_member_epoch = generation;
    auto& topic = request.topics.add(client.arena());
    topic.name = "labs";
    auto& partition = topic.partitions.add(client.arena());
    partition.committed_offset = offset;
    partition.committed_metadata = "noted";
    return request;
  }
};

TEST_F(GroupTest, MembersJoinCommitAndFindTheirPlaceAgain) {
  auto client = connect();
  std::int32_t generation = -1;
  const auto member = join_alone(client, generation);
  HeartbeatRequest heartbeat;
  heartbeat.group_id = "readers";
  heartbeat.member_id = member;
  heartbeat.generation_id = generation;
  EXPECT_EQ(client.ask<HeartbeatResponse>(heartbeat, 4).error_code, 0);
  for (std::int16_t version = 2; version <= 9; ++version) {
    const auto committed = client.ask<OffsetCommitResponse>(
        commit_request(client, member, generation, 40 + version), version);
    EXPECT_EQ(committed.topics[0].partitions[0].error_code, 0);
  }
  OffsetFetchRequest fetch;
  fetch.groups.add(client.arena()).group_id = "readers";
  const auto found = client.ask<OffsetFetchResponse>(fetch, 9);
  ASSERT_EQ(found.groups[0].topics.size(), 1u);
  EXPECT_EQ(found.groups[0].topics[0].partitions[0].committed_offset, 49);
  EXPECT_EQ(found.groups[0].topics[0].partitions[0].metadata, "noted");
}

TEST_F(GroupTest, TellsWhichPartitionsCannotBeCommitted) {
  auto client = connect();
  auto request = commit_request(client, "", -1, 1);
  auto& unknown = request.topics.add(client.arena());
  unknown.name = "nowhere";
  unknown.partitions.add(client.arena());
  const auto response = client.ask<OffsetCommitResponse>(request, 9);
  EXPECT_EQ(response.topics[0].partitions[0].error_code, 0);
  EXPECT_EQ(response.topics[1].partitions[0].error_code, code(KafkaError::UnknownTopicOrPartition));
}

TEST_F(GroupTest, AreDescribedListedAndDeleted) {
  auto client = connect();
  std::int32_t generation = -1;
  const auto member = join_alone(client, generation);
  DescribeGroupsRequest describe;
  describe.groups.add(client.arena(), "readers");
  const auto described = client.ask<DescribeGroupsResponse>(describe, 5).groups[0];
  EXPECT_EQ(described.group_state, "Stable");
  ASSERT_EQ(described.members.size(), 1u);
  EXPECT_EQ(described.members[0].client_host, "/127.0.0.1");
  const auto listed = client.ask<ListGroupsResponse>(ListGroupsRequest(), 5);
  ASSERT_EQ(listed.groups.size(), 1u);
  EXPECT_EQ(listed.groups[0].group_type, "classic");

  DeleteGroupsRequest remove;
  remove.groups_names.add(client.arena(), "readers");
  EXPECT_EQ(client.ask<DeleteGroupsResponse>(remove, 2).results[0].error_code,
            code(KafkaError::NonEmptyGroup));
  LeaveGroupRequest leave;
  leave.group_id = "readers";
  leave.members.add(client.arena()).member_id = member;
  EXPECT_EQ(client.ask<LeaveGroupResponse>(leave, 5).error_code, 0);
  EXPECT_EQ(client.ask<DeleteGroupsResponse>(remove, 2).results[0].error_code, 0);
  EXPECT_EQ(client.ask<DeleteGroupsResponse>(remove, 2).results[0].error_code,
            code(KafkaError::GroupIdNotFound));
}

TEST_F(GroupTest, AreSeenAsTheyAreWhenAskedWhateverTheTimerHasDone) {
  auto client = connect();
  std::int32_t generation = -1;
  join_alone(client, generation);
  clock_.advance(std::chrono::seconds(11));
  DeleteGroupsRequest remove;
  remove.groups_names.add(client.arena(), "readers");
  EXPECT_EQ(client.ask<DeleteGroupsResponse>(remove, 2).results[0].error_code, 0);
}

TEST_F(GroupTest, AreFoundAtThisBroker) {
  auto client = connect();
  FindCoordinatorRequest one;
  one.key = "readers";
  EXPECT_EQ(client.ask<FindCoordinatorResponse>(one, 3).port, server_->port());
  FindCoordinatorRequest many;
  many.coordinator_keys.add(client.arena(), "a");
  many.coordinator_keys.add(client.arena(), "b");
  EXPECT_EQ(client.ask<FindCoordinatorResponse>(many, 4).coordinators.size(), 2u);
}

}  // namespace
}  // namespace myelin::kafka
