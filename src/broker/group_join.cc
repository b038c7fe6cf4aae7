#include <algorithm>

#include "broker/group.h"

namespace myelin::broker {
namespace {

// A name that stands twice is the first of the two.
void drop_repeated(std::vector<GroupProtocol>& protocols) {
  for (auto at = protocols.begin(); at != protocols.end();) {
    const bool repeated =
        std::ranges::find(protocols.begin(), at, at->name, &GroupProtocol::name) != at;
    at = repeated ? protocols.erase(at) : at + 1;
  }
}

}  // namespace

void Group::join(JoinRequest request, std::string fresh_member_id, JoinCallback callback,
                 const GroupNow& now, GroupEffects& effects) {
  const auto refuse = [&](GroupError error, std::string member_id) {
    effects.reply(std::move(callback),
                  JoinReply{.error = error, .member_id = std::move(member_id)});
  };
  drop_repeated(request.protocols);
  if (state_ == GroupState::Dead) {
    return refuse(GroupError::CoordinatorNotAvailable, request.member_id);
  }
  if (!accepts(request)) {
    remove_member(request.member_id, effects);
    refuse(GroupError::GroupMaxSizeReached, "");
    return complete_if_joined(now, effects);
  }
  if (!supports(request)) {
    return refuse(GroupError::InconsistentGroupProtocol, request.member_id);
  }
  if (request.member_id.empty()) {
    join_new(std::move(request), std::move(fresh_member_id), std::move(callback), now, effects);
  } else {
    join_known(std::move(request), std::move(callback), now, effects);
  }
}

bool Group::accepts(const JoinRequest& request) const {
  auto member = members_.find(request.member_id);
  if (request.member_id.empty() && request.instance_id) {
    // Who comes back takes the place that it had.
    const auto known = statics_.find(*request.instance_id);
    if (known != statics_.end()) member = members_.find(known->second);
  }
  const bool is_member = member != members_.end();
  switch (state_) {
    case GroupState::Empty:
    case GroupState::Dead: return true;
    // Those who wait are counted, not those who are members: where the limit was lowered, the last
    // to come back are left out.
    case GroupState::PreparingRebalance:
      return (is_member && member->second.join) || joins_waiting_ < settings_.members_max;
    case GroupState::CompletingRebalance:
    case GroupState::Stable: return is_member || members_.size() < settings_.members_max;
  }
  return false;
}

bool Group::supports(const JoinRequest& request) const {
  if (state_ == GroupState::Empty) {
    return !request.protocol_type.empty() && !request.protocols.empty();
  }
  if (protocol_type_ != request.protocol_type) return false;
  return std::ranges::any_of(request.protocols, [&](const GroupProtocol& protocol) {
    const auto count = protocol_counts_.find(protocol.name);
    return (count == protocol_counts_.end() ? 0 : count->second) == members_.size();
  });
}

void Group::join_new(JoinRequest request, std::string fresh_member_id, JoinCallback callback,
                     const GroupNow& now, GroupEffects& effects) {
  if (request.instance_id) {
    const auto known = statics_.find(*request.instance_id);
    if (known == statics_.end()) {
      return add_member(std::move(fresh_member_id), std::move(request), std::move(callback), now,
                        effects);
    }
    const std::string old_id = known->second;
    return replace_static(old_id, fresh_member_id, std::move(request), std::move(callback), now,
                          effects);
  }
  if (!request.knows_member_id_required) {
    return add_member(std::move(fresh_member_id), std::move(request), std::move(callback), now,
                      effects);
  }
  if (pending_.size() >= settings_.members_max) {
    return effects.reply(std::move(callback), JoinReply{.error = GroupError::GroupMaxSizeReached});
  }
  pending_[fresh_member_id] = now.steady + request.session_timeout;
  wake_at(now.steady + request.session_timeout);
  effects.reply(std::move(callback), JoinReply{.error = GroupError::MemberIdRequired,
                                               .member_id = std::move(fresh_member_id)});
}

void Group::join_known(JoinRequest request, JoinCallback callback, const GroupNow& now,
                       GroupEffects& effects) {
  const std::string member_id = request.member_id;
  if (pending_.contains(member_id) && !request.instance_id) {
    return add_member(member_id, std::move(request), std::move(callback), now, effects);
  }
  const GroupError error = check_member(member_id, request.instance_id);
  if (error != GroupError::None) {
    return effects.reply(std::move(callback), JoinReply{.error = error, .member_id = member_id});
  }
  Member& member = members_.find(member_id)->second;
  const bool same = member.protocols == request.protocols;
  // The answer of the same generation may have been lost; or a follower asks again. A leader that
  // joins a stable group wants a new assignment, for reasons that are its own.
  const bool nothing_new =
      same && (state_ == GroupState::CompletingRebalance ||
               (state_ == GroupState::Stable && member_id != leader_ && !member.join));
  if (nothing_new) return effects.reply(std::move(callback), joined(member_id));
  update_member(member, request, std::move(callback), effects);
  rebalance_or_complete(now, effects);
}

void Group::add_member(std::string member_id, JoinRequest request, JoinCallback callback,
                       const GroupNow& now, GroupEffects& effects) {
  pending_.erase(member_id);
  if (initial_) initial_->member_added = true;
  if (members_.empty()) protocol_type_ = request.protocol_type;
  if (leader_.empty()) leader_ = member_id;
  if (request.instance_id) statics_[*request.instance_id] = member_id;
  Member member;
  member.instance_id = std::move(request.instance_id);
  member.client_id = std::move(request.client_id);
  member.client_host = std::move(request.client_host);
  member.rebalance_timeout = request.rebalance_timeout;
  member.session_timeout = request.session_timeout;
  member.protocols = std::move(request.protocols);
  member.join = std::move(callback);
  member.join_ticket = request.ticket;
  // It cannot send heartbeats before it is answered. It may be gone and never know: whoever is
  // still there then will ask again.
  member.session_ends = now.steady + settings_.new_member_join_timeout;
  wake_at(member.session_ends);
  ++joins_waiting_;
  count_protocols(member, 1);
  members_.emplace(std::move(member_id), std::move(member));
  rebalance_or_complete(now, effects);
}

void Group::update_member(Member& member, JoinRequest& request, JoinCallback callback,
                          GroupEffects& effects) {
  // A second request of one member takes the place of the first.
  answer_join(member, {.error = GroupError::RebalanceInProgress, .member_id = request.member_id},
              effects);
  count_protocols(member, -1);
  member.protocols = std::move(request.protocols);
  count_protocols(member, 1);
  member.rebalance_timeout = request.rebalance_timeout;
  member.session_timeout = request.session_timeout;
  member.join = std::move(callback);
  member.join_ticket = request.ticket;
  ++joins_waiting_;
}

// Apache Kafka keeps such a member until its session ends, gives it partitions if the others come
// first, and begins again: consumers that come and go faster than that never get any.
void Group::give_up_join(JoinTicket ticket, const GroupNow& now, GroupEffects& effects) {
  const auto found = std::ranges::find_if(members_, [ticket](const auto& member) {
    return member.second.join && member.second.join_ticket == ticket;
  });
  if (found == members_.end()) return;
  auto& member = found->second;
  member.join = nullptr;
  --joins_waiting_;
  if (!member.is_new) return keep_session(member, now);
  remove_member(found, effects);
  if (state_ == GroupState::PreparingRebalance && all_joined() && (!initial_ || members_.empty()))
    complete_join(now, effects);
}

JoinReply Group::joined(const std::string& member_id) const {
  JoinReply reply{.generation = generation_,
                  .protocol_type = protocol_type_,
                  .protocol = protocol_,
                  .leader = leader_,
                  .member_id = member_id};
  if (member_id != leader_ || !protocol_) return reply;
  for (const auto& [id, member] : members_) {
    reply.members.push_back({id, member.instance_id, member.metadata(*protocol_)});
  }
  return reply;
}

Group::Members::iterator Group::rename_member(const std::string& old_id,
                                              const std::string& new_id) {
  auto node = members_.extract(old_id);
  node.key() = new_id;
  if (leader_ == old_id) leader_ = new_id;
  statics_[*node.mapped().instance_id] = new_id;
  return members_.insert(std::move(node)).position;
}

void Group::replace_static(const std::string& old_id, const std::string& new_id,
                           JoinRequest request, JoinCallback callback, const GroupNow& now,
                           GroupEffects& effects) {
  Replacement replacement{.old_id = old_id,
                          .new_id = new_id,
                          .old_leader = leader_,
                          .knows_skip_assignment = request.knows_skip_assignment};
  Member& member = rename_member(old_id, new_id)->second;
  answer_join(member, {.error = GroupError::FencedInstanceId, .member_id = old_id}, effects);
  answer_sync(member, {.error = GroupError::FencedInstanceId}, effects);
  member.is_new = false;
  replacement.old_protocols = member.protocols;
  replacement.old_rebalance_timeout = member.rebalance_timeout;
  replacement.old_session_timeout = member.session_timeout;
  update_member(member, request, std::move(callback), effects);
  keep_session(member, now);
  // The leader of a generation that is being assigned may know the old id already, and would assign
  // to that.
  if (state_ != GroupState::Stable || select_protocol() != protocol_) {
    return rebalance_or_complete(now, effects);
  }
  write(
      metadata(),
      [this, replacement = std::move(replacement)](const GroupStored& stored) mutable {
        replacement_stored(std::move(replacement), stored);
      },
      effects);
}

void Group::replacement_stored(Replacement replacement, const GroupStored& stored) {
  const auto& [status, now, effects] = stored;
  const auto found = members_.find(replacement.new_id);
  // Where a rebalance has begun meanwhile, it answers; where the member was replaced again or is
  // gone, it was answered.
  if (state_ != GroupState::Stable || found == members_.end() || !found->second.join) return;
  Member& member = found->second;
  if (status) {
    JoinReply reply = joined(replacement.new_id);
    if (replacement.knows_skip_assignment) {
      reply.skip_assignment = leader_ == replacement.new_id;
    } else {
      // To be told that another leads keeps it from assigning: the group goes on as it was.
      reply.leader = replacement.old_leader;
      reply.members.clear();
    }
    answer_join(member, std::move(reply), effects);
    return keep_session(member, now);
  }
  answer_join(member, {.error = group_error_of(status), .generation = generation_}, effects);
  count_protocols(member, -1);
  member.protocols = std::move(replacement.old_protocols);
  count_protocols(member, 1);
  member.rebalance_timeout = replacement.old_rebalance_timeout;
  member.session_timeout = replacement.old_session_timeout;
  keep_session(rename_member(replacement.new_id, replacement.old_id)->second, now);
}

}  // namespace myelin::broker
