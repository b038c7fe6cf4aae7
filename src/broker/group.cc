#include "broker/group.h"

#include <algorithm>

#include "base/check.h"

namespace myelin::broker {
namespace {

constexpr std::string_view kConsumerProtocolType = "consumer";

std::chrono::milliseconds milliseconds_of(std::int32_t count) {
  return std::chrono::milliseconds(count);
}

}  // namespace

Group::Group(std::string id, const GroupSettings& settings)
    : id_(std::move(id)), settings_(settings) {}

const std::string& Group::Member::metadata(std::string_view protocol) const {
  static const std::string none;
  const auto found = std::ranges::find(protocols, protocol, &GroupProtocol::name);
  return found == protocols.end() ? none : found->metadata;
}

GroupError Group::heartbeat(const HeartbeatRequest& request, const GroupNow& now) {
  if (state_ == GroupState::Dead) return GroupError::CoordinatorNotAvailable;
  const GroupError error = check_member(request.member_id, request.instance_id);
  if (error != GroupError::None) return error;
  if (request.generation != generation_) return GroupError::IllegalGeneration;
  keep_session(members_.find(request.member_id)->second, now);
  return state_ == GroupState::PreparingRebalance ? GroupError::RebalanceInProgress
                                                  : GroupError::None;
}

LeaveReply Group::leave(const LeaveRequest& request, const GroupNow& now, GroupEffects& effects) {
  if (state_ == GroupState::Dead) return {GroupError::CoordinatorNotAvailable, {}};
  LeaveReply reply{GroupError::None, request.members};
  const std::size_t before = members_.size();
  for (LeavingMember& member : reply.members) member.error = leave_one(member, effects);
  if (members_.size() != before) {
    rebalance_or_complete(now, effects);
  } else {
    complete_if_joined(now, effects);  // Pending members may have been waited for.
  }
  return reply;
}

GroupError Group::leave_one(const LeavingMember& leaving, GroupEffects& effects) {
  std::string member_id = leaving.member_id;
  if (member_id.empty()) {
    const auto known = leaving.instance_id ? statics_.find(*leaving.instance_id) : statics_.end();
    if (known == statics_.end()) return GroupError::UnknownMemberId;
    member_id = known->second;
  } else if (!pending_.contains(member_id)) {
    const GroupError error = check_member(member_id, leaving.instance_id);
    if (error != GroupError::None) return error;
  }
  remove_member(member_id, effects);
  return GroupError::None;
}

void Group::tick(const GroupNow& now, GroupEffects& effects) {
  if (state_ != GroupState::Dead) {
    expire_sessions(now, effects);
    if (join_deadline_ <= now.steady) join_deadline_passed(now, effects);
    if (sync_deadline_ <= now.steady) sync_deadline_passed(now, effects);
  }
  find_due();
}

void Group::find_due() {
  due_ = std::min(join_deadline_, sync_deadline_);
  for (const auto& [id, member] : members_) wake_at(member.session_ends);
  for (const auto& [id, until] : pending_) wake_at(until);
}

GroupError Group::admit_commit(const CommitRequest& request, const GroupNow& now) {
  if (state_ == GroupState::Dead) return GroupError::CoordinatorNotAvailable;
  const bool has_generation = request.generation.value >= 0;
  if (!has_generation && state_ == GroupState::Empty) return GroupError::None;
  if (!has_generation && request.member_id.empty() && !request.instance_id) {
    return GroupError::UnknownMemberId;
  }
  const GroupError error = check_member(request.member_id, request.instance_id);
  if (error != GroupError::None) return error;
  if (request.generation != generation_) return GroupError::IllegalGeneration;
  if (state_ == GroupState::CompletingRebalance) return GroupError::RebalanceInProgress;
  keep_session(members_.find(request.member_id)->second, now);
  return GroupError::None;
}

GroupError Group::admit_delete_offsets() const {
  if (state_ == GroupState::Dead) return GroupError::GroupIdNotFound;
  const bool says_topics = protocol_type_ == kConsumerProtocolType;
  return state_ == GroupState::Empty || says_topics ? GroupError::None : GroupError::NonEmptyGroup;
}

GroupError Group::admit_delete() const {
  if (state_ == GroupState::Dead) return GroupError::GroupIdNotFound;
  return state_ == GroupState::Empty ? GroupError::None : GroupError::NonEmptyGroup;
}

bool Group::is_subscribed_to(std::string_view topic) const {
  if (!subscribed_) return protocol_type_ == kConsumerProtocolType;
  return subscribed_->contains(std::string(topic));
}

Group::OffsetsAge Group::offsets_age() const {
  if (state_ == GroupState::Dead) return OffsetsAge::No;
  if (!protocol_type_) return OffsetsAge::SinceCommit;
  if (state_ == GroupState::Empty) {
    return state_since_ ? OffsetsAge::SinceEmpty : OffsetsAge::SinceCommit;
  }
  const bool says_topics = protocol_type_ == kConsumerProtocolType && subscribed_;
  return state_ == GroupState::Stable && says_topics ? OffsetsAge::SinceCommit : OffsetsAge::No;
}

void Group::begin_deletion() {
  MYELIN_CHECK(state_ == GroupState::Empty, "only an empty group is deleted");
  pending_.clear();
  state_ = GroupState::Dead;
  find_due();
}

void Group::cancel_deletion() {
  if (state_ == GroupState::Dead) state_ = GroupState::Empty;
}

GroupRecord Group::tombstone() const {
  return {kafka::encode_group_metadata_key(id_), std::nullopt};
}

void Group::restore(const kafka::GroupMetadataValue& stored) {
  stored_ = true;
  generation_ = Generation(stored.generation);
  if (!stored.protocol_type.empty()) protocol_type_ = stored.protocol_type;
  protocol_ = stored.protocol;
  if (stored.state_timestamp >= 0) {
    constexpr std::int64_t kYear9999 = 253'402'300'799'999;
    state_since_ = timestamp_from_ms(std::min(stored.state_timestamp, kYear9999));
  }
  for (const auto& from : stored.members) {
    if (from.member_id.empty() || members_.contains(from.member_id)) continue;
    if (from.instance_id && statics_.contains(*from.instance_id)) continue;
    Member member;
    member.instance_id = from.instance_id;
    member.client_id = from.client_id;
    member.client_host = from.client_host;
    member.session_timeout = milliseconds_of(from.session_timeout_ms);
    member.rebalance_timeout = from.rebalance_timeout_ms == -1
                                   ? member.session_timeout
                                   : milliseconds_of(from.rebalance_timeout_ms);
    member.protocols = {{protocol_.value_or(""), from.subscription}};
    member.assignment = from.assignment;
    member.is_new = false;
    count_protocols(member, 1);
    if (from.instance_id) statics_.emplace(*from.instance_id, from.member_id);
    members_.emplace(from.member_id, std::move(member));
  }
  state_ = members_.empty() ? GroupState::Empty : GroupState::Stable;
  if (!members_.empty()) {
    leader_ = stored.leader.value_or("");
    if (!members_.contains(leader_)) leader_ = members_.begin()->first;
  }
  subscribed_ = read_subscriptions();
}

void Group::loaded(const GroupNow& now, GroupEffects& effects) {
  for (auto& [id, member] : members_) keep_session(member, now);
  if (members_.size() > settings_.members_max) rebalance(now, effects);
}

void Group::shut_down(GroupEffects& effects) {
  for (auto& [id, member] : members_) {
    answer_join(member, {.error = GroupError::NotCoordinator, .member_id = id}, effects);
    answer_sync(member, {.error = GroupError::NotCoordinator}, effects);
  }
  state_ = GroupState::Dead;
}

GroupDescription Group::describe() const {
  GroupDescription description{
      .state = state_, .protocol_type = protocol_type_.value_or(""), .generation = generation_};
  const bool stable = state_ == GroupState::Stable;
  if (stable) description.protocol = protocol_.value_or("");
  for (const auto& [id, member] : members_) {
    description.members.push_back({id, member.instance_id, member.client_id, member.client_host,
                                   stable ? member.metadata(description.protocol) : "",
                                   member.assignment});
  }
  return description;
}

GroupError Group::check_member(const std::string& member_id,
                               const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    const auto known = statics_.find(*instance_id);
    if (known == statics_.end()) return GroupError::UnknownMemberId;
    if (known->second != member_id) return GroupError::FencedInstanceId;
  }
  return members_.contains(member_id) ? GroupError::None : GroupError::UnknownMemberId;
}

void Group::remove_member(const std::string& member_id, GroupEffects& effects) {
  pending_.erase(member_id);
  const auto member = members_.find(member_id);
  if (member != members_.end()) remove_member(member, effects);
}

void Group::remove_member(Members::iterator member, GroupEffects& effects) {
  answer_join(member->second, {.error = GroupError::UnknownMemberId}, effects);
  answer_sync(member->second, {.error = GroupError::UnknownMemberId}, effects);
  synced(member->second);
  count_protocols(member->second, -1);
  if (member->second.instance_id) statics_.erase(*member->second.instance_id);
  const bool led = leader_ == member->first;
  members_.erase(member);
  if (led) leader_ = members_.empty() ? std::string() : members_.begin()->first;
}

void Group::count_protocols(const Member& member, int by) {
  for (const GroupProtocol& protocol : member.protocols) {
    std::size_t& count = protocol_counts_[protocol.name];
    count = by > 0 ? count + 1 : count - 1;
    if (count == 0) protocol_counts_.erase(protocol.name);
  }
}

std::string Group::select_protocol() const {
  std::map<std::string, std::size_t> votes;
  for (const auto& [id, member] : members_) {
    const auto wanted = std::ranges::find_if(member.protocols, [&](const GroupProtocol& protocol) {
      return protocol_counts_.at(protocol.name) == members_.size();
    });
    if (wanted != member.protocols.end()) ++votes[wanted->name];
  }
  const auto most =
      std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
  return most == votes.end() ? std::string() : most->first;
}

std::chrono::milliseconds Group::rebalance_timeout() const {
  std::chrono::milliseconds longest{0};
  for (const auto& [id, member] : members_) {
    longest = std::max(longest, member.rebalance_timeout);
  }
  return longest;
}

std::optional<std::set<std::string>> Group::read_subscriptions() const {
  if (protocol_type_ != kConsumerProtocolType) return std::nullopt;
  std::set<std::string> topics;
  if (members_.empty()) return topics;
  if (!protocol_) return std::nullopt;
  for (const auto& [id, member] : members_) {
    auto subscribed = kafka::parse_subscribed_topics(member.metadata(*protocol_));
    if (!subscribed) return std::nullopt;
    topics.insert(std::make_move_iterator(subscribed->begin()),
                  std::make_move_iterator(subscribed->end()));
  }
  return topics;
}

void Group::enter(GroupState state, const GroupNow& now) {
  state_ = state;
  state_since_ = now.wall;
}

void Group::keep_session(Member& member, const GroupNow& now) {
  member.session_ends = now.steady + member.session_timeout;
  wake_at(member.session_ends);
}

bool Group::answer_join(Member& member, JoinReply reply, GroupEffects& effects) {
  if (!member.join) return false;
  effects.reply(std::exchange(member.join, nullptr), std::move(reply));
  --joins_waiting_;
  return true;
}

bool Group::answer_sync(Member& member, SyncReply reply, GroupEffects& effects) {
  if (!member.sync) return false;
  effects.reply(std::exchange(member.sync, nullptr), std::move(reply));
  return true;
}

void Group::synced(Member& member) {
  if (!std::exchange(member.owes_sync, false)) return;
  if (--syncs_owed_ == 0) sync_deadline_ = kNever;
}

kafka::GroupMetadataValue Group::metadata() const {
  kafka::GroupMetadataValue value{.protocol_type = protocol_type_.value_or(""),
                                  .generation = generation_.value,
                                  .protocol = protocol_,
                                  .leader = leader_.empty() ? std::nullopt : std::optional(leader_),
                                  .state_timestamp = state_since_ ? to_ms(*state_since_) : -1,
                                  .members = {}};
  for (const auto& [id, member] : members_) {
    value.members.push_back(
        {.member_id = id,
         .instance_id = member.instance_id,
         .client_id = member.client_id,
         .client_host = member.client_host,
         .rebalance_timeout_ms = static_cast<std::int32_t>(member.rebalance_timeout.count()),
         .session_timeout_ms = static_cast<std::int32_t>(member.session_timeout.count()),
         .subscription = member.metadata(protocol_.value_or("")),
         .assignment = member.assignment});
  }
  return value;
}

void Group::write(const kafka::GroupMetadataValue& value, GroupEffects::Stored then,
                  GroupEffects& effects) {
  std::vector<GroupRecord> records;
  records.push_back(
      {kafka::encode_group_metadata_key(id_), kafka::encode_group_metadata_value(value)});
  effects.writes.push_back(
      {std::move(records), [this, then = std::move(then)](const GroupStored& stored) mutable {
         stored_ |= stored.status.has_value();
         then(stored);
       }});
}

}  // namespace myelin::broker
