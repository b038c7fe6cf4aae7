// The records of __consumer_offsets that concern classic consumer groups, and the subscription that
// consumers put into a group's protocol.
//
// A key begins with its type: 0 and 1 are a committed offset, 2 is a group's metadata; others
// belong to protocols that come after and are read as OtherGroupKey. A value begins with its
// version. All versions up to 4 are read; what is written is what Kafka 4.3 writes: key types 1 and
// 2, offsets in version 4 (in version 1 where a commit brought its own expiry), metadata in
// version 3.
//
// Pure functions; views are copied. Sizes and counts that the bytes claim are held against the
// bytes that are there. Anything malformed is InvalidInput.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"

namespace myelin::kafka {

struct OffsetCommitKey {
  std::string group{};
  std::string topic{};
  std::int32_t partition = 0;
  friend bool operator==(const OffsetCommitKey&, const OffsetCommitKey&) = default;
};

struct GroupMetadataKey {
  std::string group{};
  friend bool operator==(const GroupMetadataKey&, const GroupMetadataKey&) = default;
};

struct OtherGroupKey {
  std::int16_t type = 0;
  friend bool operator==(const OtherGroupKey&, const OtherGroupKey&) = default;
};

using GroupRecordKey = std::variant<OffsetCommitKey, GroupMetadataKey, OtherGroupKey>;

struct OffsetCommitValue {
  std::int64_t offset = 0;
  std::int32_t leader_epoch = -1;  // -1: unknown.
  std::string metadata{};
  std::int64_t commit_timestamp = 0;
  std::int64_t expire_timestamp = -1;  // -1: by the server's retention.
  Uuid topic_id{};                     // Nil: unknown.
  friend bool operator==(const OffsetCommitValue&, const OffsetCommitValue&) = default;
};

struct GroupMemberMetadata {
  std::string member_id{};
  std::optional<std::string> instance_id{};
  std::string client_id{};
  std::string client_host{};
  std::int32_t rebalance_timeout_ms = -1;  // -1: the session's.
  std::int32_t session_timeout_ms = 0;
  std::string subscription{};
  std::string assignment{};
  friend bool operator==(const GroupMemberMetadata&, const GroupMemberMetadata&) = default;
};

struct GroupMetadataValue {
  std::string protocol_type{};
  std::int32_t generation = 0;
  std::optional<std::string> protocol{};
  std::optional<std::string> leader{};
  std::int64_t state_timestamp = -1;  // Of the last change of state; -1: unknown.
  std::vector<GroupMemberMetadata> members{};
  friend bool operator==(const GroupMetadataValue&, const GroupMetadataValue&) = default;
};

Result<GroupRecordKey> parse_group_record_key(std::string_view key);
Result<OffsetCommitValue> parse_offset_commit_value(std::string_view value);
Result<GroupMetadataValue> parse_group_metadata_value(std::string_view value);

// No name is longer than 32,767 bytes, nor is an offset's metadata.
std::string encode_offset_commit_key(std::string_view group, std::string_view topic,
                                     std::int32_t partition);
std::string encode_offset_commit_value(const OffsetCommitValue& value);
std::string encode_group_metadata_key(std::string_view group);
std::string encode_group_metadata_value(const GroupMetadataValue& value);

struct OwnedPartitions {
  std::string topic{};
  std::vector<std::int32_t> partitions{};
  friend bool operator==(const OwnedPartitions&, const OwnedPartitions&) = default;
};

// What a consumer says of itself to the leader of its group (protocol type "consumer").
struct ConsumerSubscription {
  std::int16_t version = 0;
  std::vector<std::string> topics{};
  std::optional<std::string> user_data{};
  std::vector<OwnedPartitions> owned{};  // From version 1.
  std::int32_t generation = -1;          // From version 2.
  std::optional<std::string> rack{};     // From version 3.
};

// Versions after 3 are read as 3: later ones only add at the end.
Result<ConsumerSubscription> parse_consumer_subscription(std::string_view bytes);

// The topics alone, which stand at the front of every version: whatever follows is not looked at.
Result<std::vector<std::string>> parse_subscribed_topics(std::string_view bytes);

}  // namespace myelin::kafka
