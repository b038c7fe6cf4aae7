// Which partition a key belongs to: as Kafka's own clients say (murmur2), so that records of ours
// and of theirs with one key meet in one partition.
#pragma once

#include <string_view>

#include "bus/types.h"

namespace myelin::bus {

PartitionIndex partition_of_key(std::string_view key, std::int32_t partition_count);

}  // namespace myelin::bus
