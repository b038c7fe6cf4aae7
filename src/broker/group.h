// Group: one classic consumer group, as a state machine.
//
// Members join, the last of them (or a deadline) completes the join, the leader's assignment
// completes the generation; whoever joins, leaves or fails begins the next one. The rules are those
// of Kafka's group coordinator, whatever its own clients can observe of them.
//
// Input and now go in; replies to be sent and records to be stored come out as GroupEffects. It
// does no I/O and reads no clock. Not thread-safe: the coordinator's lock is held around every
// call. It must not be destroyed while a write of its own is under way.
// Memory is what its members sent, within GroupSettings.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/group_settings.h"
#include "broker/group_store.h"
#include "broker/group_types.h"
#include "formats/kafka/group_records.h"

namespace myelin::broker {

inline constexpr SteadyTime kNever = SteadyTime::max();

class Group {
 public:
  Group(std::string id, const GroupSettings& settings);

  // `fresh_member_id` is the id that a new member gets.
  void join(JoinRequest request, std::string fresh_member_id, JoinCallback callback,
            const GroupNow& now, GroupEffects& effects);
  // The member does not count as joined any more; a new one never heard who it is, and goes.
  void give_up_join(JoinTicket ticket, const GroupNow& now, GroupEffects& effects);
  void sync(const SyncRequest& request, SyncCallback callback, const GroupNow& now,
            GroupEffects& effects);
  GroupError heartbeat(const HeartbeatRequest& request, const GroupNow& now);
  LeaveReply leave(const LeaveRequest& request, const GroupNow& now, GroupEffects& effects);
  // Does what is due. `due()` is a lower bound of when the next thing is.
  void tick(const GroupNow& now, GroupEffects& effects);
  SteadyTime due() const { return due_; }

  // Whether a commit is accepted; it keeps the member's session up.
  GroupError admit_commit(const CommitRequest& request, const GroupNow& now);
  GroupError admit_delete_offsets() const;
  GroupError admit_delete() const;
  // True where the group's members read that topic, or where nobody can say.
  bool is_subscribed_to(std::string_view topic) const;

  // Since when offsets that nobody reads age: nothing while none of them may go.
  enum class OffsetsAge : std::uint8_t { No, SinceCommit, SinceEmpty };
  OffsetsAge offsets_age() const;
  std::optional<Timestamp> state_since() const { return state_since_; }

  // From Empty to Dead, and back where the deletion was not stored.
  void begin_deletion();
  void cancel_deletion();
  GroupRecord tombstone() const;

  // From a stored record, before anything else.
  void restore(const kafka::GroupMetadataValue& stored);
  // All records are read: sessions begin anew.
  void loaded(const GroupNow& now, GroupEffects& effects);
  // Answers all who wait.
  void shut_down(GroupEffects& effects);

  const std::string& id() const { return id_; }
  GroupState state() const { return state_; }
  Generation generation() const { return generation_; }
  const std::string& leader() const { return leader_; }
  std::size_t member_count() const { return members_.size(); }
  // There is a record of it.
  bool is_stored() const { return stored_; }
  bool has_pending_members() const { return !pending_.empty(); }
  GroupDescription describe() const;
  ListedGroup listed() const { return {id_, protocol_type_.value_or(""), state_}; }

 private:
  struct Member {
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    std::chrono::milliseconds rebalance_timeout{};
    std::chrono::milliseconds session_timeout{};
    std::vector<GroupProtocol> protocols;
    std::string assignment;
    JoinCallback join;  // Empty unless it waits.
    JoinTicket join_ticket = 0;
    SyncCallback sync;
    bool is_new = true;  // Its first join is not answered yet.
    bool owes_sync = false;
    SteadyTime session_ends = kNever;

    const std::string& metadata(std::string_view protocol) const;
  };
  using Members = std::map<std::string, Member, std::less<>>;
  struct InitialDelay {
    std::chrono::milliseconds delay;
    std::chrono::milliseconds left;
    bool member_added = false;
  };
  // A static member that came back under a new id while the group is stable.
  struct Replacement {
    std::string old_id{};
    std::string new_id{};
    std::string old_leader{};
    bool knows_skip_assignment = false;
    std::vector<GroupProtocol> old_protocols{};
    std::chrono::milliseconds old_rebalance_timeout{};
    std::chrono::milliseconds old_session_timeout{};
  };

  // Joining: group_join.cc.
  void join_new(JoinRequest request, std::string fresh_member_id, JoinCallback callback,
                const GroupNow& now, GroupEffects& effects);
  void join_known(JoinRequest request, JoinCallback callback, const GroupNow& now,
                  GroupEffects& effects);
  void add_member(std::string member_id, JoinRequest request, JoinCallback callback,
                  const GroupNow& now, GroupEffects& effects);
  void update_member(Member& member, JoinRequest& request, JoinCallback callback,
                     GroupEffects& effects);
  void replace_static(const std::string& old_id, const std::string& new_id, JoinRequest request,
                      JoinCallback callback, const GroupNow& now, GroupEffects& effects);
  void replacement_stored(Replacement replacement, const GroupStored& stored);
  Members::iterator rename_member(const std::string& old_id, const std::string& new_id);
  bool accepts(const JoinRequest& request) const;
  bool supports(const JoinRequest& request) const;
  JoinReply joined(const std::string& member_id) const;

  // Rebalancing: group_rebalance.cc.
  void rebalance(const GroupNow& now, GroupEffects& effects);
  void rebalance_or_complete(const GroupNow& now, GroupEffects& effects);
  void complete_if_joined(const GroupNow& now, GroupEffects& effects);
  void complete_join(const GroupNow& now, GroupEffects& effects);
  void begin_generation(const GroupNow& now);
  void join_deadline_passed(const GroupNow& now, GroupEffects& effects);
  void sync_deadline_passed(const GroupNow& now, GroupEffects& effects);
  void expire_sessions(const GroupNow& now, GroupEffects& effects);
  bool elect_leader();
  void store_assignment(const std::vector<MemberAssignment>& assignments, GroupEffects& effects);
  void assigned(Generation generation, std::map<std::string, std::string> assignments,
                const GroupStored& stored);
  void fail_syncs(GroupError error, const GroupNow& now, GroupEffects& effects);

  // Members and state: group.cc.
  GroupError check_member(const std::string& member_id,
                          const std::optional<std::string>& instance_id) const;
  void remove_member(Members::iterator member, GroupEffects& effects);
  void remove_member(const std::string& member_id, GroupEffects& effects);
  GroupError leave_one(const LeavingMember& leaving, GroupEffects& effects);
  void count_protocols(const Member& member, int by);
  std::string select_protocol() const;
  std::chrono::milliseconds rebalance_timeout() const;
  std::optional<std::set<std::string>> read_subscriptions() const;
  void enter(GroupState state, const GroupNow& now);
  void keep_session(Member& member, const GroupNow& now);
  void wake_at(SteadyTime time) { due_ = std::min(due_, time); }
  void find_due();
  bool all_joined() const { return joins_waiting_ == members_.size() && pending_.empty(); }
  bool answer_join(Member& member, JoinReply reply, GroupEffects& effects);
  bool answer_sync(Member& member, SyncReply reply, GroupEffects& effects);
  void synced(Member& member);
  kafka::GroupMetadataValue metadata() const;
  void write(const kafka::GroupMetadataValue& value, GroupEffects::Stored then,
             GroupEffects& effects);

  const std::string id_;
  const GroupSettings& settings_;
  GroupState state_ = GroupState::Empty;
  std::optional<Timestamp> state_since_;
  Generation generation_{0};
  std::optional<std::string> protocol_type_;
  std::optional<std::string> protocol_;
  std::string leader_;  // Empty: none.
  Members members_;
  std::map<std::string, std::string, std::less<>> statics_;          // Instance id to member id.
  std::map<std::string, SteadyTime, std::less<>> pending_;           // Told their id; until when.
  std::map<std::string, std::size_t, std::less<>> protocol_counts_;  // Members that offer it.
  std::optional<std::set<std::string>> subscribed_;                  // Nothing: not known.
  std::size_t joins_waiting_ = 0;
  std::size_t syncs_owed_ = 0;
  std::optional<InitialDelay> initial_;  // The join that is being prepared began when empty.
  std::optional<Generation> assigning_;  // Its assignment is being stored.
  SteadyTime join_deadline_ = kNever;
  SteadyTime sync_deadline_ = kNever;
  SteadyTime due_ = kNever;
  bool stored_ = false;
};

}  // namespace myelin::broker
