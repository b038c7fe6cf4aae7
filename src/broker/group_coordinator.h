// GroupCoordinator: all classic consumer groups of the server, their members and their offsets.
//
// Before it serves, load() is given each record of the store in order, and then loaded() is called.
// A commit is answered, and seen by fetch(), once it is durable; an assignment is durable before
// any member is given it. What the store says is taken in the order in which it was asked, whatever
// the order in which it says so.
//
// Thread-safe: one mutex, held for memory work only. Callbacks, and the store's append(), are
// called without it, on whichever thread brought the news: of a request, of tick(), or of the
// store. It must outlive the store's last `done`. Nothing here knows of connections: a callback
// whose client has left is called all the same.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "base/uuid.h"
#include "broker/group.h"
#include "broker/group_offsets.h"
#include "broker/group_settings.h"
#include "broker/group_store.h"
#include "broker/group_types.h"

namespace myelin::broker {

class GroupCoordinator {
 public:
  // All four outlive it.
  GroupCoordinator(const GroupSettings& settings, const Clock& clock, Random& random,
                   GroupStore& store);

  // Takes a stored record; a later one of the same key stands for both. Kinds that are not ours are
  // passed over. InvalidInput for malformed ones, which change nothing.
  Status load(std::string_view key, std::optional<std::string_view> value);
  // Every member's session begins anew. Until then requests are told CoordinatorLoading, and
  // heartbeats that all is well.
  void loaded();
  // Answers all who wait for others (NotCoordinator), and refuses what comes after. Commits and
  // deletions that are being stored are still answered when they are.
  void stop();

  // The answer may wait for other members: up to their rebalance timeouts.
  JoinTicket join(JoinRequest request, JoinCallback callback);
  // Nobody waits for that answer any more: the connection is gone. Nothing where it was given, or
  // where the member has asked again.
  void give_up_join(const std::string& group_id, JoinTicket ticket);
  void sync(const SyncRequest& request, SyncCallback callback);
  GroupError heartbeat(const HeartbeatRequest& request);
  LeaveReply leave(const LeaveRequest& request);

  // Whether its topics exist is the caller's to ask. GroupIdNotFound where a member's group is
  // gone: what clients before version 9 know as IllegalGeneration.
  void commit(CommitRequest request, CommitCallback callback);
  // An offset of -1 where there is none. No group is unknown here: it has no offsets.
  FetchReply fetch(const FetchRequest& request) const;
  void delete_offsets(const DeleteOffsetsRequest& request, DeleteOffsetsCallback callback);
  // All offsets in it are forgotten; `callback` may be empty.
  void topic_deleted(std::string_view topic, GroupErrorCallback callback);

  // GroupIdNotFound, with state Dead, where there is none.
  GroupDescription describe(const std::string& group_id) const;
  ListReply list(const ListRequest& request) const;
  void delete_group(const std::string& group_id, GroupErrorCallback callback);

  // Does what is due: sessions, rebalances, retention. To be called at next_due() or somewhat
  // later: any other call may bring that forward, so a timer of 100 ms serves as well as one that
  // follows.
  void tick();
  SteadyTime next_due() const;  // kNever: nothing is.

  struct Counts {
    std::size_t groups = 0;
    std::size_t members = 0;
    std::size_t offsets = 0;
    std::size_t writes_in_flight = 0;
  };
  Counts counts() const;  // Looks at each group.

 private:
  struct Entry {
    explicit Entry(std::uint64_t which) : serial(which) {}
    const std::uint64_t serial;  // Orders what is due at one time.
    std::optional<Group> group{};
    GroupOffsets offsets{};
    SteadyTime retention_due = kNever;
    SteadyTime scheduled = kNever;  // As in due_.
    std::uint32_t writes = 0;       // Under way; the entry stays until the last is told.
    bool deleted = false;
  };
  struct Write {
    Entry* entry;
    GroupEffects::Stored then;
    std::optional<Status> result{};
  };
  struct TopicDeletion;
  enum class Phase : std::uint8_t { Loading, Running, Stopped };

  GroupNow now() const { return {clock_.steady(), clock_.now()}; }
  GroupError check(const JoinRequest& request) const;
  bool is_name(const std::optional<std::string>& name) const;
  bool is_group_id(const std::string& id) const;
  std::string fresh_member_id(const JoinRequest& request);

  GroupError refusal() const MYELIN_REQUIRES(mutex_);
  Entry* find(const std::string& group_id) MYELIN_REQUIRES(mutex_);
  const Entry* find(const std::string& group_id) const MYELIN_REQUIRES(mutex_);
  Entry& make(const std::string& group_id) MYELIN_REQUIRES(mutex_);
  // Nothing where there are too many.
  Entry* find_or_make(const std::string& group_id) MYELIN_REQUIRES(mutex_);
  // After each step on a group: queues its writes, and says when it is due next. The entry may be
  // gone then.
  void settle(Entry& entry, const GroupNow& now, GroupEffects& effects) MYELIN_REQUIRES(mutex_);
  void remind(Entry& entry, const GroupNow& now) MYELIN_REQUIRES(mutex_);
  void erase(Entry& entry) MYELIN_REQUIRES(mutex_);
  bool tick_some(const GroupNow& now, GroupEffects& effects) MYELIN_REQUIRES(mutex_);
  void expire_offsets(Entry& entry, const GroupNow& now, GroupEffects& effects)
      MYELIN_REQUIRES(mutex_);
  void begin_deletion(Entry& entry, GroupErrorCallback callback, GroupEffects& effects)
      MYELIN_REQUIRES(mutex_);
  void erase_offsets(Entry& entry, std::vector<OffsetPlace> places,
                     std::move_only_function<void(GroupError, GroupEffects&)> then,
                     GroupEffects& effects) MYELIN_REQUIRES(mutex_);
  void write_commit(Entry& entry, CommitRequest request, CommitCallback callback,
                    const GroupNow& now, GroupEffects& effects) MYELIN_REQUIRES(mutex_);

  // Without the lock.
  void carry_out(GroupEffects effects) MYELIN_EXCLUDES(mutex_);
  void hand_over() MYELIN_EXCLUDES(mutex_);
  void stored(std::uint64_t number, Status result) MYELIN_EXCLUDES(mutex_);

  const GroupSettings& settings_;
  const Clock& clock_;
  GroupStore& store_;
  UuidGenerator ids_;

  mutable Mutex mutex_;
  Phase phase_ MYELIN_GUARDED_BY(mutex_) = Phase::Loading;
  std::unordered_map<std::string, Entry> groups_ MYELIN_GUARDED_BY(mutex_);
  std::uint64_t entries_made_ MYELIN_GUARDED_BY(mutex_) = 0;
  JoinTicket last_ticket_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::set<std::tuple<SteadyTime, std::uint64_t, Entry*>> due_ MYELIN_GUARDED_BY(mutex_);
  // Writes in order, from number first_write_ on; the records of the last of them wait in outbox_
  // until one thread at a time has handed them over.
  std::deque<Write> writes_ MYELIN_GUARDED_BY(mutex_);
  std::uint64_t first_write_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::deque<std::vector<GroupRecord>> outbox_ MYELIN_GUARDED_BY(mutex_);
  bool handing_over_ MYELIN_GUARDED_BY(mutex_) = false;
};

}  // namespace myelin::broker
