// What a cluster says of its topics, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace myelin::cli::kafka {

struct PartitionView {
  std::int32_t id = 0;
  std::int32_t leader = -1;  // -1: none just now.
  std::vector<std::int32_t> replicas = {};
  std::vector<std::int32_t> in_sync = {};
  // The first record's offset and the next one's, where a leader told them.
  std::optional<std::int64_t> first = {};
  std::optional<std::int64_t> end = {};

  std::optional<std::int64_t> span() const {
    return first && end ? std::optional(*end - *first) : std::nullopt;
  }
};

struct TopicView {
  std::string name;
  std::vector<PartitionView> partitions = {};  // By id.

  std::size_t replication() const {
    return partitions.empty() ? 0 : partitions.front().replicas.size();
  }
  // Nothing where one partition's is not known.
  std::optional<std::int64_t> span() const;
  const PartitionView* find_partition(std::int32_t id) const;
};

struct ClusterView {
  std::vector<TopicView> topics;  // By name.

  const TopicView* find_topic(std::string_view name) const;
  // The topics in the order of `names`, each once; NotFound with what may have been meant.
  Result<std::vector<TopicView>> select(const std::vector<std::string>& names) const;
};

// Kafka keeps offsets and transactions in topics of its own.
bool is_internal(std::string_view topic);

struct TopicSetting {
  std::string name;
  std::optional<std::string> value = {};  // Nothing where the broker keeps it secret.
  std::string source = {};                // "topic", "broker", "default", …
  bool own = false;                       // Set on this topic.
  bool at_default = false;
  bool secret = false;
  bool read_only = false;
};

}  // namespace myelin::cli::kafka
