#include "broker/group_coordinator.h"

#include <gmock/gmock.h>

#include <thread>

#include "broker/group_test_support.h"

namespace myelin::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class GroupLoading : public GroupsTest {};
class GroupStop : public GroupsTest {};
class GroupDescribe : public GroupsTest {};
class GroupList : public GroupsTest {
 protected:
  std::vector<std::string> listed(const ListRequest& what) const {
    std::vector<std::string> ids;
    for (const ListedGroup& group : groups->list(what).groups) ids.push_back(group.group_id);
    return ids;
  }
};
class GroupDeletion : public GroupsTest {
 protected:
  Answer<GroupError> delete_group() {
    Answer<GroupError> answer;
    groups->delete_group(kGroup, answer.callback());
    return answer;
  }
};
class GroupCoordination : public GroupsTest {};

TEST_F(GroupLoading, RequestsAreToldSoUntilAllIsRead) {
  groups = std::make_unique<GroupCoordinator>(settings, clock, random, store);
  EXPECT_EQ(join()->error, GroupError::CoordinatorLoading);
  EXPECT_EQ(sync(JoinReply{.member_id = "x"})->error, GroupError::CoordinatorLoading);
  EXPECT_EQ(heartbeat({.member_id = "x"}), GroupError::None);
  EXPECT_EQ(leave("x").error, GroupError::CoordinatorLoading);
  EXPECT_EQ(commit(5)->error, GroupError::CoordinatorLoading);
  EXPECT_EQ(groups->fetch({.group_id = kGroup}).error, GroupError::CoordinatorLoading);
  EXPECT_EQ(groups->describe(kGroup).error, GroupError::CoordinatorLoading);
  EXPECT_EQ(groups->list({}).error, GroupError::CoordinatorLoading);
  groups->loaded();
  EXPECT_EQ(commit(5)->error, GroupError::None);
}

TEST_F(GroupLoading, MembersGoOnAfterARestart) {
  const auto joined = stable(2);
  commit(joined[1], 5);
  restart();
  EXPECT_EQ(state(), GroupState::Stable);
  EXPECT_EQ(heartbeat(joined[0]), GroupError::None);
  EXPECT_EQ(sync(joined[1])->assignment, "1");
  EXPECT_EQ(commit(joined[1], 6)->error, GroupError::None);
}

TEST_F(GroupLoading, MembersHaveAWholeSessionAfterARestart) {
  const auto joined = stable(1);
  advance(seconds(9));
  restart();
  advance(milliseconds(9'999));
  EXPECT_EQ(heartbeat(joined[0]), GroupError::None);
  restart();
  advance(seconds(10));
  EXPECT_EQ(heartbeat(joined[0]), GroupError::UnknownMemberId);
}

TEST_F(GroupLoading, AFollowerWhoSubscribesToTheSameStaysAfterARestart) {
  const auto joined = stable(2);
  restart();
  EXPECT_EQ(join(joined[1].member_id)->generation, Generation(1));
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupLoading, GenerationsGoOnAfterARestart) {
  const auto joined = stable(1);
  restart();
  EXPECT_EQ(join(joined[0].member_id)->generation, Generation(2));
}

TEST_F(GroupLoading, AGenerationThatWasNotAssignedIsForgotten) {
  const auto joined = stable(1);
  EXPECT_EQ(join(joined[0].member_id)->generation, Generation(2));
  restart();
  EXPECT_EQ(groups->describe(kGroup).generation, Generation(1));
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupLoading, TheLastRecordOfAKeyCounts) {
  commit(5);
  commit(6);
  const auto joined = stable(1);
  leave(joined[0].member_id);
  restart();
  EXPECT_EQ(committed(), 6);
  EXPECT_EQ(state(), GroupState::Empty);
}

TEST_F(GroupLoading, PassesOverRecordsOfOtherProtocols) {
  groups = std::make_unique<GroupCoordinator>(settings, clock, random, store);
  const std::string key("\0\3\0\1g", 5);
  EXPECT_TRUE(groups->load(key, "anything"));
  EXPECT_TRUE(groups->load(key, std::nullopt));
  groups->loaded();
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupLoading, RefusesMalformedRecordsAndGoesOn) {
  groups = std::make_unique<GroupCoordinator>(settings, clock, random, store);
  EXPECT_FALSE(groups->load("", "x"));
  EXPECT_FALSE(groups->load(kafka::encode_group_metadata_key("g"), "x"));
  EXPECT_FALSE(groups->load(kafka::encode_offset_commit_key("g", "adt", 0), "x"));
  groups->loaded();
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupLoading, TakesMetadataThatContradictsItself) {
  groups = std::make_unique<GroupCoordinator>(settings, clock, random, store);
  kafka::GroupMetadataValue stored{.protocol_type = "consumer",
                                   .generation = -7,
                                   .leader = "nobody",
                                   .state_timestamp = std::numeric_limits<std::int64_t>::max()};
  stored.members = {{.member_id = "a", .instance_id = "node-1", .session_timeout_ms = 500},
                    {.member_id = "a"},
                    {.member_id = "b", .instance_id = "node-1"},
                    {.member_id = ""}};
  EXPECT_TRUE(groups->load(kafka::encode_group_metadata_key(kGroup),
                           kafka::encode_group_metadata_value(stored)));
  groups->loaded();
  EXPECT_THAT(groups->describe(kGroup).members, SizeIs(1));
  advance(seconds(1));
  EXPECT_EQ(state(), GroupState::Empty);
  advance(std::chrono::hours(24));
}

TEST_F(GroupStop, AnswersWhoWaits) {
  const auto joined = stable(2);
  const auto joining = join(joined[0].member_id);
  auto other = request();
  other.group_id = "other";
  const auto first = join(other);
  groups->stop();
  EXPECT_EQ(joining->error, GroupError::NotCoordinator);
  EXPECT_EQ(first->error, GroupError::NotCoordinator);
  EXPECT_EQ(join()->error, GroupError::CoordinatorNotAvailable);
  EXPECT_EQ(heartbeat(joined[1]), GroupError::CoordinatorNotAvailable);
  EXPECT_EQ(groups->next_due(), kNever);
}

TEST_F(GroupStop, AnswersWhoWaitsForAnAssignment) {
  const auto leader = join();
  advance(seconds(3));
  store.hold = true;
  const auto syncing = sync(*leader);
  groups->stop();
  EXPECT_EQ(syncing->error, GroupError::NotCoordinator);
  store.answer_all();
}

TEST_F(GroupStop, ACommitThatIsBeingStoredIsStillAnswered) {
  store.hold = true;
  const auto waiting = commit(5);
  groups->stop();
  EXPECT_TRUE(waiting.waits());
  store.answer_all();
  EXPECT_EQ(waiting->error, GroupError::None);
}

TEST_F(GroupDescribe, ShowsMembersAndTheirAssignments) {
  const auto joined = stable(2);
  const auto described = groups->describe(kGroup);
  EXPECT_EQ(described.error, GroupError::None);
  EXPECT_EQ(described.state, GroupState::Stable);
  EXPECT_EQ(described.protocol_type, "consumer");
  EXPECT_EQ(described.protocol, "range");
  ASSERT_THAT(described.members, SizeIs(2));
  EXPECT_EQ(described.members[0].member_id, joined[0].member_id);
  EXPECT_EQ(described.members[0].client_id, "client");
  EXPECT_EQ(described.members[0].client_host, "/127.0.0.1");
  EXPECT_EQ(described.members[0].metadata, subscription_to({"adt"}));
  EXPECT_EQ(described.members[1].assignment, "1");
}

TEST_F(GroupDescribe, HidesTheProtocolWhileAGroupRebalances) {
  const auto joined = stable(2);
  join(joined[0].member_id);
  const auto described = groups->describe(kGroup);
  EXPECT_EQ(described.state, GroupState::PreparingRebalance);
  EXPECT_EQ(described.protocol, "");
  ASSERT_THAT(described.members, SizeIs(2));
  EXPECT_EQ(described.members[0].metadata, "");
}

TEST_F(GroupDescribe, OfAnUnknownGroupIsDead) {
  EXPECT_EQ(groups->describe("other").error, GroupError::GroupIdNotFound);
  EXPECT_EQ(groups->describe("other").state, GroupState::Dead);
}

TEST_F(GroupList, IsByGroupId) {
  stable(1);
  auto other = commit_of(5);
  other.group_id = "zeta";
  commit(other);
  other.group_id = "alpha";
  commit(other);
  EXPECT_THAT(listed({}), ElementsAre("alpha", kGroup, "zeta"));
  EXPECT_EQ(groups->list({}).groups[1].protocol_type, "consumer");
  EXPECT_EQ(groups->list({}).groups[1].state, GroupState::Stable);
}

TEST_F(GroupList, TakesFiltersInAnyCase) {
  stable(1);
  auto other = commit_of(5);
  other.group_id = "alpha";
  commit(other);
  EXPECT_THAT(listed({.states = {"stable"}}), ElementsAre(kGroup));
  EXPECT_THAT(listed({.states = {"EMPTY", "Dead"}}), ElementsAre("alpha"));
  EXPECT_THAT(listed({.types = {"Classic"}}), SizeIs(2));
  EXPECT_THAT(listed({.types = {"consumer"}}), IsEmpty());
  EXPECT_THAT(listed({.states = {"nonsense"}}), IsEmpty());
}

TEST_F(GroupDeletion, LeavesNothing) {
  const auto joined = stable(1);
  commit(joined[0], 5);
  leave(joined[0].member_id);
  EXPECT_EQ(*delete_group(), GroupError::None);
  EXPECT_EQ(groups->counts().groups, 0u);
  EXPECT_EQ(committed(), -1);
  restart();
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupDeletion, RefusesAGroupThatHasMembersAndOneThatIsNotThere) {
  EXPECT_EQ(*delete_group(), GroupError::GroupIdNotFound);
  stable(1);
  EXPECT_EQ(*delete_group(), GroupError::NonEmptyGroup);
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupDeletion, WhileItIsBeingStoredTheGroupIsDead) {
  commit(5);
  store.hold = true;
  const auto deleted = delete_group();
  EXPECT_EQ(state(), GroupState::Dead);
  EXPECT_EQ(committed(), -1);
  EXPECT_EQ(commit(6)->error, GroupError::CoordinatorNotAvailable);
  EXPECT_EQ(join()->error, GroupError::CoordinatorNotAvailable);
  EXPECT_EQ(*delete_group(), GroupError::GroupIdNotFound);
  EXPECT_THAT(groups->list({}).groups, IsEmpty());
  store.answer_all();
  EXPECT_EQ(*deleted, GroupError::None);
  store.hold = false;
  EXPECT_EQ(commit(7)->error, GroupError::None);
  EXPECT_EQ(committed(), 7);
}

TEST_F(GroupDeletion, ThatIsNotStoredChangesNothing) {
  commit(5);
  store.fails = Error(ErrorCode::Unavailable, "disk");
  EXPECT_EQ(*delete_group(), GroupError::CoordinatorNotAvailable);
  EXPECT_EQ(state(), GroupState::Empty);
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupDeletion, TakesWhatIsBeingCommittedWithIt) {
  commit(5);
  store.hold = true;
  const auto waiting = commit(commit_of(6, "oru"));
  const auto deleted = delete_group();
  store.answer_all();
  EXPECT_EQ(waiting->error, GroupError::None);
  EXPECT_EQ(*deleted, GroupError::None);
  restart();
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupCoordination, ACallbackMayAskForTheNextThing) {
  settings.initial_rebalance_delay = milliseconds(0);
  Answer<SyncReply> synced;
  groups->join(request(), [&](const JoinReply& reply) {
    groups->sync(sync_of(reply, {{reply.member_id, "a"}}), synced.callback());
  });
  EXPECT_EQ(synced->assignment, "a");
}

TEST_F(GroupCoordination, GroupsAreDueEachAtItsTime) {
  const auto first = join();
  advance(seconds(1));
  auto other = request();
  other.group_id = "other";
  const auto second = join(other);
  EXPECT_EQ(groups->next_due(), clock.steady() + seconds(2));
  advance(seconds(2));
  EXPECT_FALSE(first.waits());
  EXPECT_TRUE(second.waits());
  EXPECT_EQ(groups->next_due(), clock.steady() + seconds(1));
}

TEST_F(GroupCoordination, NothingIsDueWithoutGroups) { EXPECT_EQ(groups->next_due(), kNever); }

TEST_F(GroupCoordination, CountsWhatThereIs) {
  const auto joined = stable(2);
  commit(joined[0], 5);
  const auto counts = groups->counts();
  EXPECT_EQ(counts.groups, 1u);
  EXPECT_EQ(counts.members, 2u);
  EXPECT_EQ(counts.offsets, 1u);
  EXPECT_EQ(counts.writes_in_flight, 0u);
}

TEST_F(GroupCoordination, ManyThreadsCommitWithoutLoss) {
  constexpr int kThreads = 4;
  constexpr int kCommits = 200;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCommits; ++i) {
        auto what = commit_of(i, "topic-" + std::to_string(t));
        what.group_id = "group-" + std::to_string(i % 3);
        groups->commit(std::move(what), [&](const CommitReply& reply) {
          if (reply.error == GroupError::None) ++answered;
        });
        groups->tick();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, kThreads * kCommits);
  EXPECT_EQ(groups->counts().offsets, 3u * kThreads);
}

}  // namespace
}  // namespace myelin::broker
