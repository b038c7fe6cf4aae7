#include "servers/kafka/catalogue.h"

#include <algorithm>
#include <array>

#include "formats/kafka_protocol/apis.h"
#include "servers/kafka/handlers.h"

namespace myelin::kafka {
namespace {

// By key. Produce is advertised from 0 and answered from 3, as Kafka does: librdkafka before 2.11
// packs nothing for a broker that does not know 0 (KAFKA-18659).
constexpr std::int16_t kSame = kNever;
constexpr auto kEntries = std::to_array<ApiEntry>({
    {&kProduce, make_produce, 0},
    {&kFetch, make_fetch, kSame},
    {&kListOffsets, make_list_offsets, kSame},
    {&kMetadata, make_metadata, kSame},
    {&kOffsetCommit, make_offset_commit, kSame},
    {&kOffsetFetch, make_offset_fetch, kSame},
    {&kFindCoordinator, make_find_coordinator, kSame},
    {&kJoinGroup, make_join_group, kSame},
    {&kHeartbeat, make_heartbeat, kSame},
    {&kLeaveGroup, make_leave_group, kSame},
    {&kSyncGroup, make_sync_group, kSame},
    {&kDescribeGroups, make_describe_groups, kSame},
    {&kListGroups, make_list_groups, kSame},
    {&kSaslHandshake, make_sasl_handshake, kSame},
    {&kApiVersions, make_api_versions, kSame},
    {&kCreateTopics, make_create_topics, kSame},
    {&kDeleteTopics, make_delete_topics, kSame},
    {&kDeleteRecords, make_delete_records, kSame},
    {&kInitProducerId, make_init_producer_id, kSame},
    {&kOffsetForLeaderEpoch, make_offset_for_leader_epoch, kSame},
    {&kDescribeAcls, make_describe_acls, kSame},
    {&kCreateAcls, make_create_acls, kSame},
    {&kDeleteAcls, make_delete_acls, kSame},
    {&kDescribeConfigs, make_describe_configs, kSame},
    {&kAlterConfigs, make_alter_configs, kSame},
    {&kDescribeLogDirs, make_describe_log_dirs, kSame},
    {&kSaslAuthenticate, make_sasl_authenticate, kSame},
    {&kCreatePartitions, make_create_partitions, kSame},
    {&kDeleteGroups, make_delete_groups, kSame},
    {&kElectLeaders, make_elect_leaders, kSame},
    {&kIncrementalAlterConfigs, make_incremental_alter_configs, kSame},
    {&kAlterPartitionReassignments, make_alter_partition_reassignments, kSame},
    {&kListPartitionReassignments, make_list_partition_reassignments, kSame},
    {&kOffsetDelete, make_offset_delete, kSame},
    {&kDescribeQuorum, make_describe_quorum, kSame},
    {&kDescribeCluster, make_describe_cluster, kSame},
    {&kDescribeProducers, make_describe_producers, kSame},
    {&kListConfigResources, make_list_config_resources, kSame},
    {&kDescribeTopicPartitions, make_describe_topic_partitions, kSame},
});

}  // namespace

std::span<const ApiEntry> all_entries() { return kEntries; }

const ApiEntry* find_entry(std::int16_t key) {
  const auto found = std::ranges::find(kEntries, key, [](const auto& e) { return e.api->key; });
  return found == kEntries.end() ? nullptr : &*found;
}

}  // namespace myelin::kafka
