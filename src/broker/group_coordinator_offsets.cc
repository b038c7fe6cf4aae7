#include <algorithm>
#include <memory>
#include <utility>

#include "broker/group_coordinator.h"

namespace myelin::broker {
namespace {

GroupError commit_error_of(const Status& stored) {
  const bool too_large = !stored && stored.error().code() == ErrorCode::InvalidInput;
  return too_large ? GroupError::InvalidCommitOffsetSize : group_error_of(stored);
}

// What a commit may ask for as its own retention.
constexpr std::chrono::milliseconds kShortest{0};
constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 36'500);

// Or a year from now, where that is sooner: it is looked at again then.
SteadyTime when(Timestamp wall, const GroupNow& now) {
  constexpr std::chrono::milliseconds kYear = std::chrono::hours(24 * 365);
  return now.steady + std::clamp(wall - now.wall, kShortest, kYear);
}

struct CommitInStore {
  std::optional<Timestamp> expires;
  std::vector<std::pair<OffsetPlace, CommittedOffset>> offsets;
  CommitReply reply;
  CommitCallback callback;
};

}  // namespace

// Counts the groups that forget the topic.
struct GroupCoordinator::TopicDeletion {
  GroupErrorCallback callback;
  std::size_t waiting = 1;
  GroupError error = GroupError::None;

  void done(GroupError with, GroupEffects& effects) {
    if (with != GroupError::None) error = with;
    if (--waiting == 0 && callback) effects.reply(std::move(callback), error);
  }
};

void GroupCoordinator::commit(CommitRequest request, CommitCallback callback) {
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    GroupError error = is_name(request.group_id) ? refusal() : GroupError::InvalidGroupId;
    Entry* entry = nullptr;
    const GroupNow at = now();
    if (error == GroupError::None) {
      entry = find(request.group_id);
      if (entry == nullptr && request.generation.value >= 0) {
        error = GroupError::GroupIdNotFound;
      } else if (entry == nullptr) {
        entry = find_or_make(request.group_id);
        if (entry == nullptr) error = GroupError::CoordinatorNotAvailable;
      }
    }
    if (error == GroupError::None) error = entry->group->admit_commit(request, at);
    if (error != GroupError::None) {
      effects.reply(std::move(callback), CommitReply{.error = error});
    } else {
      write_commit(*entry, std::move(request), std::move(callback), at, effects);
    }
    if (entry != nullptr) settle(*entry, at, effects);
  }
  carry_out(std::move(effects));
}

void GroupCoordinator::write_commit(Entry& entry, CommitRequest request, CommitCallback callback,
                                    const GroupNow& now, GroupEffects& effects) {
  CommitInStore commit{
      .expires = std::nullopt, .offsets = {}, .reply = {}, .callback = std::move(callback)};
  if (request.retention) {
    commit.expires = now.wall + std::clamp(*request.retention, kShortest, kLongest);
  }
  std::vector<GroupRecord> records;
  for (TopicToCommit& topic : request.topics) {
    TopicResult& result = commit.reply.topics.emplace_back(TopicResult{.topic = topic.topic});
    for (OffsetToCommit& partition : topic.partitions) {
      const bool fits = partition.metadata.size() <= settings_.offset_metadata_bytes_max;
      result.partitions.push_back(
          {partition.partition, fits ? GroupError::None : GroupError::OffsetMetadataTooLarge});
      if (!fits) continue;
      OffsetPlace place{topic.topic, partition.partition};
      CommittedOffset offset{.offset = partition.offset,
                             .leader_epoch = partition.leader_epoch,
                             .metadata = std::move(partition.metadata),
                             .committed = now.wall,
                             .expires = commit.expires,
                             .topic_id = topic.id};
      records.push_back(offset_record(request.group_id, place, offset));
      entry.offsets.begin_commit(place);
      commit.offsets.emplace_back(std::move(place), std::move(offset));
    }
  }
  if (records.empty()) return effects.reply(std::move(commit.callback), std::move(commit.reply));
  effects.writes.push_back(
      {std::move(records), [&entry, commit = std::move(commit)](const GroupStored& stored) mutable {
         for (auto& [place, offset] : commit.offsets) {
           entry.offsets.end_commit(place);
           if (!stored.status) continue;
           entry.offsets.put(place, std::move(offset));
         }
         if (commit.expires) {
           entry.retention_due = std::min(entry.retention_due, when(*commit.expires, stored.now));
         }
         if (!stored.status) commit.reply = {.error = commit_error_of(stored.status)};
         stored.effects.reply(std::move(commit.callback), std::move(commit.reply));
       }});
}

FetchReply GroupCoordinator::fetch(const FetchRequest& request) const {
  MutexLock lock(mutex_);
  const GroupError error = refusal();
  if (error != GroupError::None) return {.error = error};
  const Entry* entry = find(request.group_id);
  const bool is_there = entry != nullptr && entry->group->state() != GroupState::Dead;
  return is_there ? entry->offsets.fetch(request) : GroupOffsets().fetch(request);
}

void GroupCoordinator::delete_offsets(const DeleteOffsetsRequest& request,
                                      DeleteOffsetsCallback callback) {
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    DeleteOffsetsReply reply{.error = refusal()};
    Entry* entry = reply.error == GroupError::None ? find(request.group_id) : nullptr;
    if (reply.error == GroupError::None) {
      reply.error =
          entry == nullptr ? GroupError::GroupIdNotFound : entry->group->admit_delete_offsets();
    }
    std::vector<OffsetPlace> places;
    for (const TopicPartitions& topic : request.topics) {
      if (reply.error != GroupError::None) break;
      const bool subscribed = entry->group->is_subscribed_to(topic.topic);
      TopicResult& result = reply.topics.emplace_back(TopicResult{.topic = topic.topic});
      for (const PartitionIndex partition : topic.partitions) {
        result.partitions.push_back(
            {partition, subscribed ? GroupError::GroupSubscribedToTopic : GroupError::None});
        OffsetPlace place{topic.topic, partition};
        if (!subscribed && entry->offsets.is_known(place)) places.push_back(std::move(place));
      }
    }
    if (places.empty()) {
      effects.reply(std::move(callback), std::move(reply));
    } else {
      erase_offsets(
          *entry, std::move(places),
          [callback = std::move(callback), reply = std::move(reply)](GroupError error,
                                                                     GroupEffects& more) mutable {
            if (error != GroupError::None) reply = {.error = error};
            more.reply(std::move(callback), std::move(reply));
          },
          effects);
      settle(*entry, now(), effects);
    }
  }
  carry_out(std::move(effects));
}

void GroupCoordinator::topic_deleted(std::string_view topic, GroupErrorCallback callback) {
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    const auto deletion = std::make_shared<TopicDeletion>(std::move(callback));
    const GroupNow at = now();
    const GroupError error = refusal();
    for (auto& [id, entry] : groups_) {
      auto places = entry.offsets.places(topic);
      if (error != GroupError::None || places.empty()) continue;
      ++deletion->waiting;
      erase_offsets(
          entry, std::move(places),
          [deletion](GroupError failed, GroupEffects& more) { deletion->done(failed, more); },
          effects);
      settle(entry, at, effects);
    }
    deletion->done(error, effects);
  }
  carry_out(std::move(effects));
}

void GroupCoordinator::erase_offsets(Entry& entry, std::vector<OffsetPlace> places,
                                     std::move_only_function<void(GroupError, GroupEffects&)> then,
                                     GroupEffects& effects) {
  std::vector<GroupRecord> records;
  for (const OffsetPlace& place : places) {
    records.push_back(offset_tombstone(entry.group->id(), place));
  }
  effects.writes.push_back(
      {std::move(records), [&entry, places = std::move(places),
                            then = std::move(then)](const GroupStored& stored) mutable {
         if (stored.status) {
           for (const OffsetPlace& place : places) entry.offsets.erase(place);
         }
         if (then) then(group_error_of(stored.status), stored.effects);
       }});
}

void GroupCoordinator::expire_offsets(Entry& entry, const GroupNow& now, GroupEffects& effects) {
  const SteadyTime soon = now.steady + settings_.offsets_retention_check_interval;
  Group& group = *entry.group;
  entry.retention_due = kNever;
  const Group::OffsetsAge age = group.offsets_age();
  if (age == Group::OffsetsAge::No) {
    entry.retention_due = soon;
    return;
  }
  const bool since_empty = age == Group::OffsetsAge::SinceEmpty;
  GroupOffsets::Expired expired = entry.offsets.expired(
      now.wall, settings_.offsets_retention, since_empty ? group.state_since() : std::nullopt,
      [&](std::string_view topic) { return group.is_subscribed_to(topic); });
  if (expired.next) entry.retention_due = when(*expired.next, now);
  const bool all_gone = !expired.next && !expired.kept && !entry.offsets.is_committing();
  if (all_gone && group.state() == GroupState::Empty && !group.has_pending_members()) {
    entry.retention_due = soon;  // Where it fails.
    return begin_deletion(entry, nullptr, effects);
  }
  if (expired.kept || !expired.places.empty()) {
    entry.retention_due = std::min(entry.retention_due, soon);
  }
  if (!expired.places.empty()) {
    erase_offsets(entry, std::move(expired.places), nullptr, effects);
  }
}

void GroupCoordinator::delete_group(const std::string& group_id, GroupErrorCallback callback) {
  GroupEffects effects;
  {
    MutexLock lock(mutex_);
    GroupError error = refusal();
    Entry* entry = error == GroupError::None ? find(group_id) : nullptr;
    if (error == GroupError::None) {
      error = entry == nullptr ? GroupError::GroupIdNotFound : entry->group->admit_delete();
    }
    if (error != GroupError::None) {
      effects.reply(std::move(callback), error);
    } else {
      begin_deletion(*entry, std::move(callback), effects);
      settle(*entry, now(), effects);
    }
  }
  carry_out(std::move(effects));
}

void GroupCoordinator::begin_deletion(Entry& entry, GroupErrorCallback callback,
                                      GroupEffects& effects) {
  std::vector<GroupRecord> records;
  for (const OffsetPlace& place : entry.offsets.places()) {
    records.push_back(offset_tombstone(entry.group->id(), place));
  }
  records.push_back(entry.group->tombstone());
  entry.group->begin_deletion();
  effects.writes.push_back(
      {std::move(records),
       [&entry, callback = std::move(callback)](const GroupStored& stored) mutable {
         entry.deleted = stored.status.has_value();
         if (!entry.deleted) entry.group->cancel_deletion();
         if (callback) stored.effects.reply(std::move(callback), group_error_of(stored.status));
       }});
}

}  // namespace myelin::broker
