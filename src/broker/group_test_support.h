// A group coordinator for tests: over a store in memory that answers at once, later, or with an
// error, and a clock that a test moves.
#pragma once

#include <gmock/gmock.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "broker/group_coordinator.h"

namespace myelin::broker {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The same ids in each run.
class CountingRandom final : public Random {
 public:
  void fill(void* to, std::size_t size) override {
    for (std::size_t i = 0; i < size; ++i) static_cast<char*>(to)[i] = static_cast<char>(next_++);
  }

 private:
  std::uint64_t next_ = 0;
};

class TestGroupStore final : public GroupStore {
 public:
  void append(std::vector<GroupRecord> records,
              std::move_only_function<void(Status)> done) override {
    waiting_.push_back({std::move(records), std::move(done)});
    if (!hold) answer_all();
  }

  // The first that waits, or the one at `index`.
  void answer(std::size_t index = 0) {
    Waiting write = std::move(waiting_[index]);
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(index));
    if (fails) return write.done(*fails);
    for (GroupRecord& record : write.records) log.push_back(std::move(record));
    write.done({});
  }
  void answer_all() {
    while (!waiting_.empty()) answer();
  }
  std::size_t waiting() const { return waiting_.size(); }

  bool hold = false;
  std::optional<Error> fails;
  std::vector<GroupRecord> log;  // All that became durable.

 private:
  struct Waiting {
    std::vector<GroupRecord> records;
    std::move_only_function<void(Status)> done;
  };
  std::deque<Waiting> waiting_;
};

// What a callback was given.
template <class Reply>
class Answer {
 public:
  auto callback() {
    return [state = state_](Reply reply) {
      EXPECT_FALSE(*state) << "answered twice";
      *state = std::move(reply);
    };
  }
  bool waits() const { return !*state_; }
  const Reply& operator*() const { return state_->value(); }
  const Reply* operator->() const { return &state_->value(); }

 private:
  std::shared_ptr<std::optional<Reply>> state_ = std::make_shared<std::optional<Reply>>();
};

// What consumers send as metadata.
inline std::string subscription_to(const std::vector<std::string>& topics) {
  std::string bytes;
  ByteWriter out(bytes);
  out.be(std::int16_t{0});
  out.be(static_cast<std::int32_t>(topics.size()));
  for (const std::string& topic : topics) {
    out.be(static_cast<std::int16_t>(topic.size()));
    out.bytes(topic);
  }
  out.be(std::int32_t{-1});
  return bytes;
}

inline const std::string kGroup = "billing";

class GroupsTest : public ::testing::Test {
 protected:
  GroupsTest() { restart(); }

  // From what the store has.
  void restart() {
    groups.reset();
    groups = std::make_unique<GroupCoordinator>(settings, clock, random, store);
    for (const GroupRecord& record : store.log) {
      const auto status = groups->load(record.key, record.value);
      EXPECT_TRUE(status) << status.error().message();
    }
    groups->loaded();
  }

  static JoinRequest request(std::string member_id = "") {
    return {.group_id = kGroup,
            .member_id = std::move(member_id),
            .client_id = "client",
            .client_host = "/127.0.0.1",
            .protocol_type = "consumer",
            .protocols = {{"range", subscription_to({"adt"})}},
            .session_timeout = seconds(10),
            .rebalance_timeout = seconds(60)};
  }
  static JoinRequest static_request(std::string instance_id, std::string member_id = "") {
    JoinRequest made = request(std::move(member_id));
    made.instance_id = std::move(instance_id);
    return made;
  }
  Answer<JoinReply> join(JoinRequest what) {
    Answer<JoinReply> answer;
    groups->join(std::move(what), answer.callback());
    return answer;
  }
  Answer<JoinReply> join(std::string member_id = "") { return join(request(std::move(member_id))); }

  static SyncRequest sync_of(const JoinReply& joined, std::vector<MemberAssignment> given = {}) {
    return {.group_id = kGroup,
            .generation = joined.generation,
            .member_id = joined.member_id,
            .assignments = std::move(given)};
  }
  Answer<SyncReply> sync(const SyncRequest& what) {
    Answer<SyncReply> answer;
    groups->sync(what, answer.callback());
    return answer;
  }
  Answer<SyncReply> sync(const JoinReply& joined, std::vector<MemberAssignment> given = {}) {
    return sync(sync_of(joined, std::move(given)));
  }
  GroupError heartbeat(const JoinReply& joined) {
    return groups->heartbeat(
        {.group_id = kGroup, .generation = joined.generation, .member_id = joined.member_id});
  }
  LeaveReply leave(std::string member_id, std::optional<std::string> instance_id = std::nullopt) {
    return groups->leave(
        {.group_id = kGroup, .members = {{std::move(member_id), std::move(instance_id)}}});
  }

  static CommitRequest commit_of(std::int64_t offset, std::string topic = "adt") {
    return {.group_id = kGroup,
            .topics = {{.topic = std::move(topic),
                        .partitions = {{PartitionIndex(0), Offset(offset), -1, "note"}}}}};
  }
  Answer<CommitReply> commit(CommitRequest what) {
    Answer<CommitReply> answer;
    groups->commit(std::move(what), answer.callback());
    return answer;
  }
  Answer<CommitReply> commit(std::int64_t offset) { return commit(commit_of(offset)); }
  Answer<CommitReply> commit(const JoinReply& by, std::int64_t offset) {
    CommitRequest what = commit_of(offset);
    what.generation = by.generation;
    what.member_id = by.member_id;
    return commit(std::move(what));
  }
  std::int64_t committed(const std::string& topic = "adt", std::int32_t partition = 0) const {
    const auto reply =
        groups->fetch({.group_id = kGroup,
                       .topics = {{{.topic = topic, .partitions = {PartitionIndex(partition)}}}}});
    return reply.topics.at(0).partitions.at(0).offset.value;
  }

  // Everything due on the way happens at its time.
  void advance(milliseconds by) {
    const SteadyTime end = clock.steady() + by;
    while (groups->next_due() <= end) {
      const auto wait = std::chrono::ceil<milliseconds>(groups->next_due() - clock.steady());
      clock.advance(std::max(wait, milliseconds(0)));
      groups->tick();
    }
    clock.advance(std::chrono::duration_cast<milliseconds>(end - clock.steady()));
  }
  GroupState state() const { return groups->describe(kGroup).state; }

  // Members as they joined: the first leads, and each has its number as assignment.
  std::vector<JoinReply> stable(std::vector<JoinRequest> requests) {
    std::vector<Answer<JoinReply>> answers;
    for (JoinRequest& one : requests) answers.push_back(join(std::move(one)));
    advance(settings.initial_rebalance_delay * 4);
    std::vector<JoinReply> joined;
    std::vector<MemberAssignment> given;
    for (const auto& answer : answers) {
      given.push_back({answer->member_id, std::to_string(joined.size())});
      joined.push_back(*answer);
    }
    for (std::size_t i = 1; i < joined.size(); ++i) synced_.push_back(sync(joined[i]));
    synced_.push_back(sync(joined.at(0), given));
    EXPECT_EQ(state(), GroupState::Stable);
    return joined;
  }
  std::vector<JoinReply> stable(std::size_t members) {
    return stable(std::vector<JoinRequest>(members, request()));
  }

  GroupSettings settings;
  ManualClock clock;
  CountingRandom random;
  TestGroupStore store;
  std::unique_ptr<GroupCoordinator> groups;

 private:
  std::vector<Answer<SyncReply>> synced_;
};

}  // namespace myelin::broker
