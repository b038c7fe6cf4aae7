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
    {&kApiVersions, make_api_versions, kSame},
    {&kOffsetForLeaderEpoch, make_offset_for_leader_epoch, kSame},
    {&kDescribeCluster, make_describe_cluster, kSame},
});

}  // namespace

std::span<const ApiEntry> all_entries() { return kEntries; }

const ApiEntry* find_entry(std::int16_t key) {
  const auto found = std::ranges::find(kEntries, key, [](const auto& e) { return e.api->key; });
  return found == kEntries.end() ? nullptr : &*found;
}

}  // namespace myelin::kafka
