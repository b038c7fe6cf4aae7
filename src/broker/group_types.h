// The words of consumer groups: what is asked of the coordinator, and what it answers.
//
// Plain values. Protocol metadata, assignments and an offset's metadata are bytes of the clients'
// own. Topics go by their full name, as on Kafka. Where an answer has an error of its own, it is
// about the whole request; errors of single members or partitions stand beside them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong.h"
#include "broker/types.h"

namespace myelin::broker {

// Rises with each rebalance that a group completes.
using Generation = Strong<struct GenerationTag, std::int32_t>;
inline constexpr Generation kNoGeneration{-1};
inline constexpr Offset kNoOffset{-1};

enum class GroupState : std::uint8_t {
  Empty,                // No members; may hold offsets.
  PreparingRebalance,   // Waits for the members to join.
  CompletingRebalance,  // Waits for the leader's assignment.
  Stable,
  Dead,  // Being deleted.
};
std::string_view to_string(GroupState state);  // Kafka's names.

enum class GroupError : std::uint8_t {
  None,
  CoordinatorLoading,       // Not all records are read yet.
  CoordinatorNotAvailable,  // Stopped, out of room, or the store does not take more: try again.
  NotCoordinator,           // Stopped while the request waited: look for the coordinator again.
  InvalidGroupId,
  InvalidRequest,  // Longer or more than the settings allow.
  InvalidSessionTimeout,
  InconsistentGroupProtocol,
  MemberIdRequired,
  UnknownMemberId,
  FencedInstanceId,
  IllegalGeneration,
  RebalanceInProgress,
  GroupMaxSizeReached,
  OffsetMetadataTooLarge,
  InvalidCommitOffsetSize,  // More than the store takes at once.
  GroupIdNotFound,
  NonEmptyGroup,
  GroupSubscribedToTopic,
  UnknownServerError,
};
std::string_view to_string(GroupError error);

struct GroupProtocol {
  std::string name{};
  std::string metadata{};
  friend bool operator==(const GroupProtocol&, const GroupProtocol&) = default;
};

// One join that waits.
using JoinTicket = std::uint64_t;

struct JoinRequest {
  std::string group_id{};
  std::string member_id{};  // Empty: a new member.
  std::optional<std::string> instance_id{};
  std::string client_id{};
  std::string client_host{};
  std::string protocol_type{};
  std::vector<GroupProtocol> protocols{};  // The most wanted first.
  std::chrono::milliseconds session_timeout{};
  std::chrono::milliseconds rebalance_timeout{};
  bool knows_member_id_required = false;  // A new dynamic member is told its id and joins again.
  bool knows_skip_assignment = false;     // A leader may be told that the assignment stays.
  JoinTicket ticket = 0;                  // The coordinator's.
};

struct JoinedMember {
  std::string member_id{};
  std::optional<std::string> instance_id{};
  std::string metadata{};
};

struct JoinReply {
  GroupError error = GroupError::None;
  Generation generation = kNoGeneration;
  std::optional<std::string> protocol_type{};
  std::optional<std::string> protocol{};
  std::string leader{};
  std::string member_id{};
  bool skip_assignment = false;
  std::vector<JoinedMember> members{};  // The leader's alone.
};

struct MemberAssignment {
  std::string member_id{};
  std::string assignment{};
};

struct SyncRequest {
  std::string group_id{};
  Generation generation = kNoGeneration;
  std::string member_id{};
  std::optional<std::string> instance_id{};
  std::optional<std::string> protocol_type{};
  std::optional<std::string> protocol{};
  std::vector<MemberAssignment> assignments{};  // The leader's.
};

struct SyncReply {
  GroupError error = GroupError::None;
  std::optional<std::string> protocol_type{};
  std::optional<std::string> protocol{};
  std::string assignment{};
};

struct HeartbeatRequest {
  std::string group_id{};
  Generation generation = kNoGeneration;
  std::string member_id{};
  std::optional<std::string> instance_id{};
};

struct LeavingMember {
  std::string member_id{};  // May be empty where the instance id is not.
  std::optional<std::string> instance_id{};
  GroupError error = GroupError::None;  // The answer's.
};
struct LeaveRequest {
  std::string group_id{};
  std::vector<LeavingMember> members{};
};
struct LeaveReply {
  GroupError error = GroupError::None;
  std::vector<LeavingMember> members{};
};

struct OffsetToCommit {
  PartitionIndex partition{};
  Offset offset{};
  std::int32_t leader_epoch = -1;
  std::string metadata{};
};
struct TopicToCommit {
  std::string topic{};
  TopicId id{};  // Nil: unknown.
  std::vector<OffsetToCommit> partitions{};
};
struct CommitRequest {
  std::string group_id{};
  Generation generation = kNoGeneration;
  std::string member_id{};  // Empty, with no generation: not a member.
  std::optional<std::string> instance_id{};
  std::optional<std::chrono::milliseconds> retention{};  // As requests of versions 2 to 4 may say.
  std::vector<TopicToCommit> topics{};
};

struct PartitionResult {
  PartitionIndex partition{};
  GroupError error = GroupError::None;
};
struct TopicResult {
  std::string topic{};
  std::vector<PartitionResult> partitions{};
};
struct CommitReply {
  GroupError error = GroupError::None;
  std::vector<TopicResult> topics{};  // As in the request; empty where the whole is refused.
};

struct TopicPartitions {
  std::string topic{};
  TopicId id{};  // Nil: any. Offsets of another topic of that name are not given.
  std::vector<PartitionIndex> partitions{};
};
struct FetchRequest {
  std::string group_id{};
  std::optional<std::vector<TopicPartitions>> topics{};  // Absent: all that there are.
};
struct FetchedOffset {
  PartitionIndex partition{};
  Offset offset = kNoOffset;
  std::int32_t leader_epoch = -1;
  std::string metadata{};
};
struct FetchedTopic {
  std::string topic{};
  TopicId id{};
  std::vector<FetchedOffset> partitions{};
};
struct FetchReply {
  GroupError error = GroupError::None;
  std::vector<FetchedTopic> topics{};
};

struct DeleteOffsetsRequest {
  std::string group_id{};
  std::vector<TopicPartitions> topics{};
};
struct DeleteOffsetsReply {
  GroupError error = GroupError::None;
  std::vector<TopicResult> topics{};
};

struct DescribedMember {
  std::string member_id{};
  std::optional<std::string> instance_id{};
  std::string client_id{};
  std::string client_host{};
  std::string metadata{};  // Of the group's protocol; empty unless the group is stable.
  std::string assignment{};
};
struct GroupDescription {
  GroupError error = GroupError::None;
  GroupState state = GroupState::Dead;
  std::string protocol_type{};
  std::string protocol{};  // Empty unless the group is stable.
  Generation generation = kNoGeneration;
  std::vector<DescribedMember> members{};
};

struct ListedGroup {
  std::string group_id{};
  std::string protocol_type{};
  GroupState state = GroupState::Empty;
};
struct ListRequest {
  std::vector<std::string> states{};  // In any case of letters; none: all.
  std::vector<std::string> types{};   // All groups here are "classic".
};
struct ListReply {
  GroupError error = GroupError::None;
  std::vector<ListedGroup> groups{};  // By group id.
};

// Each is called once, with no lock held.
using JoinCallback = std::move_only_function<void(JoinReply)>;
using SyncCallback = std::move_only_function<void(SyncReply)>;
using CommitCallback = std::move_only_function<void(CommitReply)>;
using DeleteOffsetsCallback = std::move_only_function<void(DeleteOffsetsReply)>;
using GroupErrorCallback = std::move_only_function<void(GroupError)>;

}  // namespace myelin::broker
