#include <gmock/gmock.h>

#include "broker/group_test_support.h"

namespace myelin::broker {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class GroupStatic : public GroupsTest {
 protected:
  std::vector<JoinReply> two_stable() {
    return stable({static_request("node-1"), static_request("node-2")});
  }
};

TEST_F(GroupStatic, AMemberThatComesBackDisturbsNobody) {
  const auto joined = two_stable();
  const auto back = join(static_request("node-2"));
  EXPECT_EQ(back->error, GroupError::None);
  EXPECT_EQ(back->generation, Generation(1));
  EXPECT_NE(back->member_id, joined[1].member_id);
  EXPECT_EQ(state(), GroupState::Stable);
  EXPECT_EQ(sync(*back)->assignment, "1");
  EXPECT_EQ(heartbeat(joined[0]), GroupError::None);
}

TEST_F(GroupStatic, WhoComesBackIsAnsweredWhenItIsDurable) {
  two_stable();
  store.hold = true;
  const auto back = join(static_request("node-2"));
  EXPECT_TRUE(back.waits());
  store.answer();
  EXPECT_EQ(back->error, GroupError::None);
  restart();
  EXPECT_EQ(sync(*back)->assignment, "1");
}

TEST_F(GroupStatic, WhoseReturnIsNotStoredKeepsItsOldId) {
  const auto joined = two_stable();
  store.fails = Error(ErrorCode::Unavailable, "disk");
  auto what = static_request("node-2");
  what.session_timeout = seconds(20);
  EXPECT_EQ(join(what)->error, GroupError::CoordinatorNotAvailable);
  EXPECT_EQ(state(), GroupState::Stable);
  EXPECT_EQ(heartbeat(joined[1]), GroupError::None);
  advance(seconds(10));
  EXPECT_EQ(heartbeat(joined[1]), GroupError::UnknownMemberId);
}

TEST_F(GroupStatic, TheOldIdIsFenced) {
  const auto joined = two_stable();
  const auto back = join(static_request("node-2"));
  HeartbeatRequest beat{.group_id = kGroup,
                        .generation = Generation(1),
                        .member_id = joined[1].member_id,
                        .instance_id = "node-2"};
  EXPECT_EQ(groups->heartbeat(beat), GroupError::FencedInstanceId);
  beat.instance_id.reset();
  EXPECT_EQ(groups->heartbeat(beat), GroupError::UnknownMemberId);
  EXPECT_EQ(join(static_request("node-2", joined[1].member_id))->error,
            GroupError::FencedInstanceId);
  auto synced = sync_of(joined[1]);
  synced.instance_id = "node-2";
  EXPECT_EQ(sync(synced)->error, GroupError::FencedInstanceId);
  auto offset = commit_of(5);
  offset.generation = Generation(1);
  offset.member_id = joined[1].member_id;
  offset.instance_id = "node-2";
  EXPECT_EQ(commit(offset)->error, GroupError::FencedInstanceId);
}

TEST_F(GroupStatic, AnInstanceThatIsNotThereIsUnknown) {
  const auto joined = two_stable();
  EXPECT_EQ(join(static_request("node-9", joined[0].member_id))->error,
            GroupError::UnknownMemberId);
}

TEST_F(GroupStatic, ALeaderThatComesBackIsToldThatTheAssignmentStays) {
  const auto joined = two_stable();
  auto what = static_request("node-1");
  what.knows_skip_assignment = true;
  const auto back = join(what);
  EXPECT_TRUE(back->skip_assignment);
  EXPECT_EQ(back->leader, back->member_id);
  EXPECT_THAT(back->members, SizeIs(2));
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupStatic, AnOlderLeaderThatComesBackIsToldThatItDoesNotLead) {
  const auto joined = two_stable();
  const auto back = join(static_request("node-1"));
  EXPECT_FALSE(back->skip_assignment);
  EXPECT_EQ(back->leader, joined[0].member_id);
  EXPECT_THAT(back->members, IsEmpty());
  EXPECT_EQ(sync(*back)->assignment, "0");
}

TEST_F(GroupStatic, AFollowerThatComesBackHasNothingToSkip) {
  two_stable();
  auto what = static_request("node-2");
  what.knows_skip_assignment = true;
  EXPECT_FALSE(join(what)->skip_assignment);
}

TEST_F(GroupStatic, AnotherSubscriptionOfTheSameProtocolDisturbsNobody) {
  two_stable();
  auto what = static_request("node-2");
  what.protocols = {{"range", subscription_to({"oru"})}};
  EXPECT_EQ(join(what)->generation, Generation(1));
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupStatic, AnotherProtocolBeginsARebalance) {
  auto both = static_request("node-1");
  both.protocols = {{"range", "1"}, {"sticky", "2"}};
  auto second = both;
  second.instance_id = "node-2";
  const auto joined = stable({both, second});
  EXPECT_EQ(joined[0].protocol, "range");
  auto what = second;
  what.protocols = {{"sticky", "2"}};
  const auto back = join(what);
  EXPECT_TRUE(back.waits());
  EXPECT_EQ(state(), GroupState::PreparingRebalance);
  auto first = both;
  first.member_id = joined[0].member_id;
  join(first);
  EXPECT_EQ(back->protocol, "sticky");
}

TEST_F(GroupStatic, WhoWaitsUnderTheOldIdIsFenced) {
  const auto first = join(static_request("node-1"));
  const auto again = join(static_request("node-1"));
  EXPECT_EQ(first->error, GroupError::FencedInstanceId);
  advance(seconds(6));
  EXPECT_EQ(again->error, GroupError::None);
  EXPECT_THAT(again->members, SizeIs(1));
}

TEST_F(GroupStatic, WhileTheLeaderAssignsAReturnBeginsAnew) {
  const auto first = join(static_request("node-1"));
  const auto second = join(static_request("node-2"));
  advance(seconds(6));
  const auto waiting = sync(*second);
  const auto back = join(static_request("node-2"));
  EXPECT_EQ(waiting->error, GroupError::FencedInstanceId);
  EXPECT_TRUE(back.waits());
  join(static_request("node-1", first->member_id));
  EXPECT_EQ(back->generation, Generation(2));
}

TEST_F(GroupStatic, TwoReturnsInARowAnswerTheLast) {
  two_stable();
  store.hold = true;
  const auto first = join(static_request("node-2"));
  const auto second = join(static_request("node-2"));
  EXPECT_EQ(first->error, GroupError::FencedInstanceId);
  store.answer_all();
  EXPECT_EQ(second->error, GroupError::None);
  EXPECT_EQ(sync(*second)->assignment, "1");
}

TEST_F(GroupStatic, AReturnThatIsBeingStoredGoesIntoARebalanceThatBegins) {
  const auto joined = two_stable();
  store.hold = true;
  const auto back = join(static_request("node-2"));
  const auto leader = join(static_request("node-1", joined[0].member_id));
  EXPECT_EQ(back->generation, Generation(2));
  EXPECT_EQ(leader->generation, Generation(2));
  store.answer_all();
  EXPECT_EQ(state(), GroupState::CompletingRebalance);
}

TEST_F(GroupStatic, AReturnThatFailsToBeStoredGoesIntoARebalanceThatBegan) {
  auto joined = stable({static_request("node-1"), static_request("node-2"), request()});
  store.hold = true;
  const auto back = join(static_request("node-2"));
  const auto leader = join(static_request("node-1", joined[0].member_id));
  EXPECT_TRUE(back.waits());
  store.fails = Error(ErrorCode::Unavailable, "disk");
  store.answer_all();
  EXPECT_TRUE(back.waits());
  join(joined[2].member_id);
  EXPECT_EQ(back->generation, Generation(2));
}

TEST_F(GroupStatic, AMemberThatIsAwayStaysThroughARebalanceUntilItsSessionEnds) {
  auto away = static_request("node-2");
  away.session_timeout = seconds(200);
  const auto joined = stable({static_request("node-1"), away});
  const auto again = join(static_request("node-1", joined[0].member_id));
  advance(seconds(60));
  EXPECT_EQ(again->generation, Generation(2));
  EXPECT_THAT(again->members, SizeIs(2));
}

TEST_F(GroupStatic, WhereAllAreAwayTheJoinIsPutOff) {
  auto away = static_request("node-1");
  away.session_timeout = seconds(200);
  const auto joined = stable({away, request()});
  leave(joined[1].member_id);
  EXPECT_EQ(state(), GroupState::PreparingRebalance);
  advance(seconds(130));
  EXPECT_EQ(state(), GroupState::PreparingRebalance);
  advance(seconds(100));
  EXPECT_EQ(state(), GroupState::Empty);
}

TEST_F(GroupStatic, MembersAreKnownAfterARestart) {
  const auto joined = two_stable();
  restart();
  EXPECT_EQ(heartbeat(joined[0]), GroupError::None);
  EXPECT_EQ(join(static_request("node-2"))->generation, Generation(1));
  EXPECT_EQ(join(static_request("node-1", "wrong"))->error, GroupError::FencedInstanceId);
}

}  // namespace
}  // namespace myelin::broker
