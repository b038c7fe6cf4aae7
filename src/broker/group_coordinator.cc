#include "broker/group_coordinator.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace myelin::broker {
namespace {

// Between two of these, whoever waits for the lock may have it.
constexpr int kTicksAtOnce = 64;
// No time that is set is due at once: a tick always comes to an end.
constexpr std::chrono::milliseconds kSoonest{1};

std::string lower(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lowered;
}

bool names(const std::vector<std::string>& filter, std::string_view what) {
  return filter.empty() || std::ranges::any_of(filter, [&](const std::string& name) {
           return lower(name) == lower(what);
         });
}

}  // namespace

GroupCoordinator::GroupCoordinator(const GroupSettings& settings, const Clock& clock,
                                   Random& random, GroupStore& store)
    : settings_(settings), clock_(clock), store_(store), ids_(clock, random) {}

Status GroupCoordinator::load(std::string_view key, std::optional<std::string_view> value) {
  MYELIN_TRY(what, kafka::parse_group_record_key(key));
  MutexLock lock(mutex_);
  if (const auto* offset = std::get_if<kafka::OffsetCommitKey>(&what)) {
    const OffsetPlace place{offset->topic, PartitionIndex(offset->partition)};
    if (value) {
      MYELIN_TRY(commit, kafka::parse_offset_commit_value(*value));
      make(offset->group).offsets.put(place, committed_offset(std::move(commit)));
    } else if (Entry* entry = find(offset->group)) {
      entry->offsets.erase(place);
    }
  } else if (const auto* group = std::get_if<kafka::GroupMetadataKey>(&what)) {
    std::optional<kafka::GroupMetadataValue> metadata;
    if (value) {
      MYELIN_TRY(parsed, kafka::parse_group_metadata_value(*value));
      metadata = std::move(parsed);
    }
    Entry& entry = make(group->group);
    entry.group.emplace(group->group, settings_);
    if (metadata) entry.group->restore(*metadata);
  }
  return {};
}

void GroupCoordinator::loaded() {
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    phase_ = Phase::Running;
    const GroupNow at = now();
    std::vector<Entry*> entries;
    for (auto& [id, entry] : groups_) entries.push_back(&entry);
    for (Entry* entry : entries) {
      entry->group->loaded(at, effects);
      // What went while we were down goes at the first look.
      entry->retention_due = at.steady + settings_.offsets_retention_check_interval;
      settle(*entry, at, effects);
    }
  }
  carry_out(std::move(effects));
}

void GroupCoordinator::stop() {
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    phase_ = Phase::Stopped;
    for (auto& [id, entry] : groups_) {
      entry.group->shut_down(effects);
      entry.scheduled = kNever;
    }
    due_.clear();
  }
  carry_out(std::move(effects));
}

JoinTicket GroupCoordinator::join(JoinRequest request, JoinCallback callback) {
  GroupError error = check(request);
  JoinTicket ticket = 0;
  std::string fresh_id = request.member_id.empty() ? fresh_member_id(request) : std::string();
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    ticket = request.ticket = ++last_ticket_;
    if (error == GroupError::None) error = refusal();
    Entry* entry = nullptr;
    if (error == GroupError::None) {
      entry = find(request.group_id);
      if (entry == nullptr && !request.member_id.empty()) {
        error = GroupError::UnknownMemberId;
      } else if (entry == nullptr) {
        entry = find_or_make(request.group_id);
        if (entry == nullptr) error = GroupError::CoordinatorNotAvailable;
      }
    }
    if (error != GroupError::None) {
      effects.reply(std::move(callback), JoinReply{.error = error, .member_id = request.member_id});
    } else {
      const GroupNow at = now();
      entry->group->join(std::move(request), std::move(fresh_id), std::move(callback), at, effects);
      settle(*entry, at, effects);
    }
  }
  carry_out(std::move(effects));
  return ticket;
}

void GroupCoordinator::give_up_join(const std::string& group_id, JoinTicket ticket) {
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    Entry* entry = refusal() == GroupError::None ? find(group_id) : nullptr;
    if (entry == nullptr) return;
    const GroupNow at = now();
    entry->group->give_up_join(ticket, at, effects);
    settle(*entry, at, effects);
  }
  carry_out(std::move(effects));
}

void GroupCoordinator::sync(const SyncRequest& request, SyncCallback callback) {
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    GroupError error = is_group_id(request.group_id) ? refusal() : GroupError::InvalidGroupId;
    Entry* entry = error == GroupError::None ? find(request.group_id) : nullptr;
    if (error == GroupError::None && entry == nullptr) error = GroupError::UnknownMemberId;
    if (error != GroupError::None) {
      effects.reply(std::move(callback), SyncReply{.error = error});
    } else {
      const GroupNow at = now();
      entry->group->sync(request, std::move(callback), at, effects);
      settle(*entry, at, effects);
    }
  }
  carry_out(std::move(effects));
}

GroupError GroupCoordinator::heartbeat(const HeartbeatRequest& request) {
  if (!is_group_id(request.group_id)) return GroupError::InvalidGroupId;
  GroupEffects effects;
  GroupError error = GroupError::None;
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::Loading) return GroupError::None;
    error = refusal();
    Entry* entry = error == GroupError::None ? find(request.group_id) : nullptr;
    if (entry == nullptr) return error == GroupError::None ? GroupError::UnknownMemberId : error;
    const GroupNow at = now();
    error = entry->group->heartbeat(request, at);
    // As a rule a heartbeat puts things off, and what is due is looked at when it would have been.
    if (entry->group->due() >= entry->scheduled) return error;
    settle(*entry, at, effects);
  }
  carry_out(std::move(effects));
  return error;
}

LeaveReply GroupCoordinator::leave(const LeaveRequest& request) {
  if (!is_group_id(request.group_id)) return {GroupError::InvalidGroupId, {}};
  LeaveReply reply;
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    reply.error = refusal();
    if (reply.error != GroupError::None) return reply;
    if (Entry* entry = find(request.group_id)) {
      const GroupNow at = now();
      reply = entry->group->leave(request, at, effects);
      settle(*entry, at, effects);
    } else {
      reply.members = request.members;
      for (LeavingMember& member : reply.members) member.error = GroupError::UnknownMemberId;
    }
  }
  carry_out(std::move(effects));
  return reply;
}

GroupDescription GroupCoordinator::describe(const std::string& group_id) const {
  MutexLock lock(mutex_);
  const GroupError error = refusal();
  if (error != GroupError::None) return {.error = error};
  const Entry* entry = find(group_id);
  if (entry == nullptr) return {.error = GroupError::GroupIdNotFound};
  return entry->group->describe();
}

ListReply GroupCoordinator::list(const ListRequest& request) const {
  ListReply reply;
  {
    MutexLock lock(mutex_);
    reply.error = refusal();
    if (reply.error != GroupError::None || !names(request.types, "classic")) return reply;
    for (const auto& [id, entry] : groups_) {
      const GroupState state = entry.group->state();
      if (state != GroupState::Dead && names(request.states, to_string(state))) {
        reply.groups.push_back(entry.group->listed());
      }
    }
  }
  std::ranges::sort(reply.groups, {}, &ListedGroup::group_id);
  return reply;
}

void GroupCoordinator::tick() {
  const GroupNow at = now();
  bool more = true;
  while (more) {
    GroupEffects effects;
    {
      MutexLock lock(mutex_);
      more = phase_ == Phase::Running && tick_some(at, effects);
    }
    carry_out(std::move(effects));
  }
}

bool GroupCoordinator::tick_some(const GroupNow& now, GroupEffects& effects) {
  for (int i = 0; i < kTicksAtOnce; ++i) {
    if (due_.empty() || std::get<SteadyTime>(*due_.begin()) > now.steady) return false;
    Entry& entry = *std::get<Entry*>(*due_.begin());
    entry.group->tick(now, effects);
    if (entry.retention_due <= now.steady) expire_offsets(entry, now, effects);
    settle(entry, now, effects);
  }
  return true;
}

SteadyTime GroupCoordinator::next_due() const {
  MutexLock lock(mutex_);
  return due_.empty() ? kNever : std::get<SteadyTime>(*due_.begin());
}

GroupCoordinator::Counts GroupCoordinator::counts() const {
  MutexLock lock(mutex_);
  Counts counts{.groups = groups_.size(), .writes_in_flight = writes_.size()};
  for (const auto& [id, entry] : groups_) {
    counts.members += entry.group->member_count();
    counts.offsets += entry.offsets.size();
  }
  return counts;
}

GroupError GroupCoordinator::check(const JoinRequest& request) const {
  if (!is_group_id(request.group_id)) return GroupError::InvalidGroupId;
  if (request.session_timeout < settings_.session_timeout_min ||
      request.session_timeout > settings_.session_timeout_max) {
    return GroupError::InvalidSessionTimeout;
  }
  constexpr std::chrono::milliseconds kLongest{std::numeric_limits<std::int32_t>::max()};
  std::size_t bytes = 0;
  bool fits = request.protocols.size() <= settings_.protocols_max &&
              request.rebalance_timeout.count() >= 0 && request.rebalance_timeout <= kLongest;
  for (const GroupProtocol& protocol : request.protocols) {
    fits &= is_name(protocol.name);
    bytes += protocol.name.size() + protocol.metadata.size();
  }
  fits &= bytes <= settings_.protocols_bytes_max.value && is_name(request.instance_id) &&
          is_name(request.client_id) && is_name(request.client_host) &&
          is_name(request.protocol_type);
  return fits ? GroupError::None : GroupError::InvalidRequest;
}

bool GroupCoordinator::is_name(const std::optional<std::string>& name) const {
  return !name || name->size() <= settings_.name_bytes_max;
}

bool GroupCoordinator::is_group_id(const std::string& id) const {
  return !id.empty() && is_name(id);
}

std::string GroupCoordinator::fresh_member_id(const JoinRequest& request) {
  return request.instance_id.value_or(request.client_id) + "-" + ids_.next().to_string();
}

GroupError GroupCoordinator::refusal() const {
  switch (phase_) {
    case Phase::Loading: return GroupError::CoordinatorLoading;
    case Phase::Running: return GroupError::None;
    case Phase::Stopped: return GroupError::CoordinatorNotAvailable;
  }
  return GroupError::None;
}

GroupCoordinator::Entry* GroupCoordinator::find(const std::string& group_id) {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : &found->second;
}

const GroupCoordinator::Entry* GroupCoordinator::find(const std::string& group_id) const {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : &found->second;
}

GroupCoordinator::Entry& GroupCoordinator::make(const std::string& group_id) {
  const auto [at, made] = groups_.try_emplace(group_id, entries_made_);
  if (made) {
    ++entries_made_;
    at->second.group.emplace(group_id, settings_);
  }
  return at->second;
}

GroupCoordinator::Entry* GroupCoordinator::find_or_make(const std::string& group_id) {
  if (Entry* entry = find(group_id)) return entry;
  return groups_.size() >= settings_.groups_max ? nullptr : &make(group_id);
}

void GroupCoordinator::settle(Entry& entry, const GroupNow& now, GroupEffects& effects) {
  if (entry.group->due() <= now.steady) entry.group->tick(now, effects);
  for (GroupEffects::Write& write : effects.writes) {
    writes_.push_back({&entry, std::move(write.then)});
    outbox_.push_back(std::move(write.records));
    ++entry.writes;
  }
  effects.writes.clear();
  if (phase_ != Phase::Running) return;
  const Group& group = *entry.group;
  const bool is_bare = group.state() == GroupState::Empty && !group.is_stored() &&
                       !group.has_pending_members() && entry.offsets.empty();
  if (entry.writes == 0 && (entry.deleted || is_bare)) return erase(entry);
  remind(entry, now);
  SteadyTime due = std::min(group.due(), entry.retention_due);
  if (due != kNever) due = std::max(due, now.steady + kSoonest);
  if (due == entry.scheduled) return;
  due_.erase({entry.scheduled, entry.serial, &entry});
  entry.scheduled = due;
  if (due != kNever) due_.emplace(due, entry.serial, &entry);
}

void GroupCoordinator::remind(Entry& entry, const GroupNow& now) {
  if (!entry.offsets.empty()) {
    entry.retention_due = std::min(entry.retention_due, now.steady + settings_.offsets_retention);
  } else if (entry.group->state() == GroupState::Empty) {
    entry.retention_due =
        std::min(entry.retention_due, now.steady + settings_.offsets_retention_check_interval);
  }
}

void GroupCoordinator::erase(Entry& entry) {
  due_.erase({entry.scheduled, entry.serial, &entry});
  groups_.erase(groups_.find(entry.group->id()));
}

void GroupCoordinator::carry_out(GroupEffects effects) {
  hand_over();
  for (auto& reply : effects.replies) reply();
}

void GroupCoordinator::hand_over() {
  bool ours = false;
  while (true) {
    std::vector<GroupRecord> records;
    std::uint64_t number = 0;
    {
      MutexLock lock(mutex_);
      if (!ours && handing_over_) return;
      ours = handing_over_ = !outbox_.empty();
      if (!ours) return;
      number = first_write_ + writes_.size() - outbox_.size();
      records = std::move(outbox_.front());
      outbox_.pop_front();
    }
    store_.append(std::move(records),
                  [this, number](Status result) { stored(number, std::move(result)); });
  }
}

void GroupCoordinator::stored(std::uint64_t number, Status result) {
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    writes_[number - first_write_].result = std::move(result);
    const GroupNow at = now();
    while (!writes_.empty() && writes_.front().result) {
      Write write = std::move(writes_.front());
      writes_.pop_front();
      ++first_write_;
      --write.entry->writes;
      write.then({*write.result, at, effects});
      settle(*write.entry, at, effects);
    }
  }
  carry_out(std::move(effects));
}

}  // namespace myelin::broker
