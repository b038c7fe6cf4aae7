#include <algorithm>
#include <limits>

#include "broker/group.h"

namespace myelin::broker {
namespace {

// Nobody came back, and those who are missing are static members: their sessions end it. Until
// then we look no more often than this, whatever timeout a member asked for.
constexpr std::chrono::milliseconds kLookAgainMin{100};

}  // namespace

void Group::rebalance_or_complete(const GroupNow& now, GroupEffects& effects) {
  if (state_ == GroupState::PreparingRebalance) return complete_if_joined(now, effects);
  if (state_ != GroupState::Dead) rebalance(now, effects);
}

void Group::rebalance(const GroupNow& now, GroupEffects& effects) {
  if (state_ == GroupState::CompletingRebalance) {
    fail_syncs(GroupError::RebalanceInProgress, now, effects);
  }
  for (auto& [id, member] : members_) synced(member);
  const bool initial = state_ == GroupState::Empty;
  enter(GroupState::PreparingRebalance, now);
  if (initial) {
    const auto delay = settings_.initial_rebalance_delay;
    const auto left = std::max(rebalance_timeout() - delay, std::chrono::milliseconds(0));
    initial_ = {.delay = delay, .left = left};
    join_deadline_ = now.steady + delay;
  } else if (all_joined()) {
    return complete_join(now, effects);
  } else {
    join_deadline_ = now.steady + rebalance_timeout();
  }
  wake_at(join_deadline_);
}

void Group::complete_if_joined(const GroupNow& now, GroupEffects& effects) {
  if (state_ != GroupState::PreparingRebalance || initial_) return;
  if (all_joined()) complete_join(now, effects);
}

void Group::join_deadline_passed(const GroupNow& now, GroupEffects& effects) {
  if (!initial_ || !initial_->member_added || initial_->left.count() == 0) {
    return complete_join(now, effects);
  }
  const auto delay = std::min(settings_.initial_rebalance_delay, initial_->left);
  const auto left = std::max(initial_->left - initial_->delay, std::chrono::milliseconds(0));
  initial_ = {.delay = delay, .left = left};
  join_deadline_ = now.steady + delay;
  wake_at(join_deadline_);
}

void Group::complete_join(const GroupNow& now, GroupEffects& effects) {
  join_deadline_ = kNever;
  initial_.reset();
  for (auto member = members_.begin(); member != members_.end();) {
    const auto missing = member++;
    if (!missing->second.join && !missing->second.instance_id) remove_member(missing, effects);
  }
  if (!members_.empty() && !elect_leader()) {
    join_deadline_ = now.steady + std::max(rebalance_timeout(), kLookAgainMin);
    return wake_at(join_deadline_);
  }
  begin_generation(now);
  if (members_.empty()) {
    // Whoever comes next begins after what is stored, or after the generation before it, which has
    // no members left either.
    return write(metadata(), [](const GroupStored&) {}, effects);
  }
  for (auto& [id, member] : members_) {
    member.owes_sync = true;
    ++syncs_owed_;
    member.is_new = false;
    answer_join(member, joined(id), effects);
    keep_session(member, now);
  }
  sync_deadline_ = now.steady + rebalance_timeout();
  wake_at(sync_deadline_);
}

void Group::begin_generation(const GroupNow& now) {
  constexpr auto kLast = std::numeric_limits<std::int32_t>::max();
  const bool wraps = generation_.value < 0 || generation_.value == kLast;
  generation_ = wraps ? Generation(0) : generation_ + 1;
  protocol_ = members_.empty() ? std::nullopt : std::optional(select_protocol());
  subscribed_ = read_subscriptions();
  enter(members_.empty() ? GroupState::Empty : GroupState::CompletingRebalance, now);
}

bool Group::elect_leader() {
  const auto leader = members_.find(leader_);
  if (leader != members_.end() && leader->second.join) return true;
  const auto joined = std::ranges::find_if(
      members_, [](const auto& member) { return static_cast<bool>(member.second.join); });
  if (joined == members_.end()) return false;
  leader_ = joined->first;
  return true;
}

void Group::sync(const SyncRequest& request, SyncCallback callback, const GroupNow& now,
                 GroupEffects& effects) {
  const auto refuse = [&](GroupError error) {
    effects.reply(std::move(callback), SyncReply{.error = error});
  };
  if (state_ == GroupState::Dead) return refuse(GroupError::CoordinatorNotAvailable);
  const GroupError error = check_member(request.member_id, request.instance_id);
  if (error != GroupError::None) return refuse(error);
  if (request.generation != generation_) return refuse(GroupError::IllegalGeneration);
  if ((request.protocol_type && request.protocol_type != protocol_type_) ||
      (request.protocol && request.protocol != protocol_)) {
    return refuse(GroupError::InconsistentGroupProtocol);
  }
  if (state_ == GroupState::PreparingRebalance) return refuse(GroupError::RebalanceInProgress);

  Member& member = members_.find(request.member_id)->second;
  synced(member);
  if (state_ == GroupState::Stable) {
    keep_session(member, now);
    return effects.reply(std::move(callback), SyncReply{.protocol_type = protocol_type_,
                                                        .protocol = protocol_,
                                                        .assignment = member.assignment});
  }
  // A second request of one member takes the place of the first.
  answer_sync(member, {.error = GroupError::RebalanceInProgress}, effects);
  member.sync = std::move(callback);
  if (request.member_id == leader_ && assigning_ != generation_) {
    store_assignment(request.assignments, effects);
  }
}

void Group::store_assignment(const std::vector<MemberAssignment>& assignments,
                             GroupEffects& effects) {
  std::map<std::string, std::string> by_member;
  for (const auto& [id, member] : members_) by_member[id];
  for (const MemberAssignment& given : assignments) {
    const auto member = by_member.find(given.member_id);
    if (member != by_member.end()) member->second = given.assignment;
  }
  kafka::GroupMetadataValue value = metadata();
  for (auto& member : value.members) member.assignment = by_member[member.member_id];
  assigning_ = generation_;
  write(
      value,
      [this, generation = generation_,
       by_member = std::move(by_member)](const GroupStored& stored) mutable {
        assigned(generation, std::move(by_member), stored);
      },
      effects);
}

void Group::assigned(Generation generation, std::map<std::string, std::string> assignments,
                     const GroupStored& stored) {
  const auto& [status, now, effects] = stored;
  if (assigning_ == generation) assigning_.reset();
  // The next rebalance may have begun meanwhile: its members have been told.
  if (state_ != GroupState::CompletingRebalance || generation != generation_) return;
  if (!status) {
    fail_syncs(group_error_of(status), now, effects);
    return rebalance(now, effects);
  }
  enter(GroupState::Stable, now);
  for (auto& [id, member] : members_) {
    member.assignment = std::move(assignments[id]);
    SyncReply reply{
        .protocol_type = protocol_type_, .protocol = protocol_, .assignment = member.assignment};
    if (answer_sync(member, std::move(reply), effects)) keep_session(member, now);
  }
}

void Group::fail_syncs(GroupError error, const GroupNow& now, GroupEffects& effects) {
  for (auto& [id, member] : members_) {
    member.assignment.clear();
    if (answer_sync(member, {.error = error}, effects)) keep_session(member, now);
  }
}

void Group::sync_deadline_passed(const GroupNow& now, GroupEffects& effects) {
  sync_deadline_ = kNever;
  for (auto member = members_.begin(); member != members_.end();) {
    const auto late = member++;
    if (late->second.owes_sync) remove_member(late, effects);
  }
  rebalance_or_complete(now, effects);
}

void Group::expire_sessions(const GroupNow& now, GroupEffects& effects) {
  const std::size_t before = members_.size();
  for (auto member = members_.begin(); member != members_.end();) {
    const auto expired = member++;
    Member& state = expired->second;
    if (state.session_ends > now.steady) continue;
    // Those who wait for an answer of ours are alive, unless it is their first: they do not know
    // who they are, and may have gone and come again.
    if (!state.is_new && (state.join || state.sync)) {
      state.session_ends = kNever;
    } else {
      remove_member(expired, effects);
    }
  }
  std::erase_if(pending_, [&](const auto& member) { return member.second <= now.steady; });
  if (state_ == GroupState::PreparingRebalance) {
    if (all_joined() && (!initial_ || members_.empty())) complete_join(now, effects);
  } else if (members_.size() != before) {
    rebalance(now, effects);
  }
}

}  // namespace myelin::broker
