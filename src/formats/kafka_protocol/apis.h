// All of Kafka's APIs that this codec knows.
#pragma once

#include "formats/kafka_protocol/alter_configs.h"
#include "formats/kafka_protocol/alter_partition_reassignments.h"
#include "formats/kafka_protocol/api_versions.h"
#include "formats/kafka_protocol/create_acls.h"
#include "formats/kafka_protocol/create_partitions.h"
#include "formats/kafka_protocol/create_topics.h"
#include "formats/kafka_protocol/delete_acls.h"
#include "formats/kafka_protocol/delete_groups.h"
#include "formats/kafka_protocol/delete_records.h"
#include "formats/kafka_protocol/delete_topics.h"
#include "formats/kafka_protocol/describe_acls.h"
#include "formats/kafka_protocol/describe_cluster.h"
#include "formats/kafka_protocol/describe_configs.h"
#include "formats/kafka_protocol/describe_groups.h"
#include "formats/kafka_protocol/describe_log_dirs.h"
#include "formats/kafka_protocol/describe_producers.h"
#include "formats/kafka_protocol/describe_quorum.h"
#include "formats/kafka_protocol/describe_topic_partitions.h"
#include "formats/kafka_protocol/elect_leaders.h"
#include "formats/kafka_protocol/fetch.h"
#include "formats/kafka_protocol/find_coordinator.h"
#include "formats/kafka_protocol/heartbeat.h"
#include "formats/kafka_protocol/incremental_alter_configs.h"
#include "formats/kafka_protocol/init_producer_id.h"
#include "formats/kafka_protocol/join_group.h"
#include "formats/kafka_protocol/leave_group.h"
#include "formats/kafka_protocol/list_config_resources.h"
#include "formats/kafka_protocol/list_groups.h"
#include "formats/kafka_protocol/list_offsets.h"
#include "formats/kafka_protocol/list_partition_reassignments.h"
#include "formats/kafka_protocol/metadata.h"
#include "formats/kafka_protocol/offset_commit.h"
#include "formats/kafka_protocol/offset_delete.h"
#include "formats/kafka_protocol/offset_fetch.h"
#include "formats/kafka_protocol/offset_for_leader_epoch.h"
#include "formats/kafka_protocol/produce.h"
#include "formats/kafka_protocol/sasl_authenticate.h"
#include "formats/kafka_protocol/sasl_handshake.h"
#include "formats/kafka_protocol/sync_group.h"

// X(Produce) X(Fetch)…, by key: the names of requests and responses without their ending.
#define MYELIN_KAFKA_APIS(X)     \
  X(Produce)                     \
  X(Fetch)                       \
  X(ListOffsets)                 \
  X(Metadata)                    \
  X(OffsetCommit)                \
  X(OffsetFetch)                 \
  X(FindCoordinator)             \
  X(JoinGroup)                   \
  X(Heartbeat)                   \
  X(LeaveGroup)                  \
  X(SyncGroup)                   \
  X(DescribeGroups)              \
  X(ListGroups)                  \
  X(SaslHandshake)               \
  X(ApiVersions)                 \
  X(CreateTopics)                \
  X(DeleteTopics)                \
  X(DeleteRecords)               \
  X(InitProducerId)              \
  X(OffsetForLeaderEpoch)        \
  X(DescribeAcls)                \
  X(CreateAcls)                  \
  X(DeleteAcls)                  \
  X(DescribeConfigs)             \
  X(AlterConfigs)                \
  X(DescribeLogDirs)             \
  X(SaslAuthenticate)            \
  X(CreatePartitions)            \
  X(DeleteGroups)                \
  X(ElectLeaders)                \
  X(IncrementalAlterConfigs)     \
  X(AlterPartitionReassignments) \
  X(ListPartitionReassignments)  \
  X(OffsetDelete)                \
  X(DescribeQuorum)              \
  X(DescribeCluster)             \
  X(DescribeProducers)           \
  X(ListConfigResources)         \
  X(DescribeTopicPartitions)

namespace myelin::kafka {

// Null for a key that is not known here.
const Api* find_api(std::int16_t key);

}  // namespace myelin::kafka
