// Retention: which records of a partition have had their time. Pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "log/commit.h"
#include "log/policy.h"

namespace myelin::log {

enum class RemovalReason : std::uint8_t { RetentionTime, RetentionBytes };
std::string_view to_string(RemovalReason reason);

// Records that are about to go, as an audit tells it.
struct RemovedRecords {
  TopicPtr topic;
  PartitionIndex partition;
  Offset from;
  Offset to;  // The first that is kept.
  std::uint64_t bytes = 0;
  std::int64_t last_received_ms = 0;  // Of the newest that goes.
  RemovalReason reason = RemovalReason::RetentionTime;
};

struct Retained {
  Offset start;
  RemovalReason reason = RemovalReason::RetentionTime;
  std::uint64_t bytes = 0;  // That go.
  std::int64_t last_received_ms = 0;
};

// The new start, or nothing when everything is kept. Whole segments go, by the time at which their
// records were received and never by what clients claim. By size the segment that is written to
// stays; by time it goes too when all of it is old enough.
std::optional<Retained> retain(const Partition::StoredView& view, const TopicPolicy& policy,
                               std::int64_t now_ms);

}  // namespace myelin::log
