#include <gmock/gmock.h>

#include "broker/group_test_support.h"

namespace myelin::broker {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class GroupSync : public GroupsTest {
 protected:
  // Two members that were told their generation.
  std::pair<JoinReply, JoinReply> two_joined() {
    const auto first = join();
    const auto second = join();
    advance(seconds(6));
    return {*first, *second};
  }
};
class GroupHeartbeat : public GroupsTest {};
class GroupLeave : public GroupsTest {};

TEST_F(GroupSync, GivesEachMemberWhatTheLeaderSaid) {
  const auto [leader, follower] = two_joined();
  const auto waiting = sync(follower);
  EXPECT_TRUE(waiting.waits());
  const auto led = sync(leader, {{leader.member_id, "a"}, {follower.member_id, "b"}});
  EXPECT_EQ(led->assignment, "a");
  EXPECT_EQ(waiting->assignment, "b");
  EXPECT_EQ(waiting->protocol, "range");
  EXPECT_EQ(waiting->protocol_type, "consumer");
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupSync, WhoSyncsLateIsGivenTheSame) {
  const auto [leader, follower] = two_joined();
  sync(leader, {{follower.member_id, "b"}});
  EXPECT_EQ(sync(follower)->assignment, "b");
  EXPECT_EQ(sync(follower)->assignment, "b");
}

TEST_F(GroupSync, WhomTheLeaderForgotIsGivenNothing) {
  const auto [leader, follower] = two_joined();
  sync(leader, {{leader.member_id, "a"}, {"stranger", "c"}});
  const auto synced = sync(follower);
  EXPECT_EQ(synced->error, GroupError::None);
  EXPECT_EQ(synced->assignment, "");
}

TEST_F(GroupSync, IsAnsweredOnlyWhenTheAssignmentIsDurable) {
  const auto [leader, follower] = two_joined();
  store.hold = true;
  const auto led = sync(leader, {{leader.member_id, "a"}});
  const auto waiting = sync(follower);
  EXPECT_TRUE(led.waits());
  EXPECT_EQ(state(), GroupState::CompletingRebalance);
  store.answer();
  EXPECT_EQ(led->assignment, "a");
  EXPECT_EQ(waiting->error, GroupError::None);
}

TEST_F(GroupSync, AnAssignmentThatIsNotStoredBeginsARebalance) {
  const auto [leader, follower] = two_joined();
  store.fails = Error(ErrorCode::Unavailable, "disk");
  const auto waiting = sync(follower);
  const auto led = sync(leader, {{leader.member_id, "a"}});
  EXPECT_EQ(led->error, GroupError::CoordinatorNotAvailable);
  EXPECT_EQ(waiting->error, GroupError::CoordinatorNotAvailable);
  EXPECT_EQ(state(), GroupState::PreparingRebalance);
  store.fails.reset();
  const auto again = join(leader.member_id);
  join(follower.member_id);
  EXPECT_EQ(sync(*again, {{leader.member_id, "c"}})->assignment, "c");
}

TEST_F(GroupSync, AnAssignmentTooLargeForTheStoreIsAServerError) {
  const auto [leader, follower] = two_joined();
  store.fails = Error(ErrorCode::InvalidInput, "too large");
  EXPECT_EQ(sync(leader)->error, GroupError::UnknownServerError);
}

TEST_F(GroupSync, AnAssignmentThatComesTooLateIsDropped) {
  const auto [leader, follower] = two_joined();
  store.hold = true;
  const auto led = sync(leader, {{leader.member_id, "a"}});
  const auto fresh = join();
  EXPECT_EQ(led->error, GroupError::RebalanceInProgress);
  store.answer();
  EXPECT_EQ(state(), GroupState::PreparingRebalance);
  join(leader.member_id);
  join(follower.member_id);
  EXPECT_EQ(fresh->generation, Generation(2));
}

TEST_F(GroupSync, ALeaderThatAsksAgainDoesNotAssignAgain) {
  const auto [leader, follower] = two_joined();
  store.hold = true;
  const auto first = sync(leader, {{leader.member_id, "a"}});
  const auto second = sync(leader, {{leader.member_id, "other"}});
  EXPECT_EQ(first->error, GroupError::RebalanceInProgress);
  EXPECT_EQ(store.waiting(), 1u);
  store.answer();
  EXPECT_EQ(second->assignment, "a");
}

TEST_F(GroupSync, RefusesStrangersAndOtherGenerations) {
  const auto [leader, follower] = two_joined();
  auto stranger = sync_of(leader);
  stranger.member_id = "stranger";
  EXPECT_EQ(sync(stranger)->error, GroupError::UnknownMemberId);
  auto late = sync_of(leader);
  late.generation = Generation(0);
  EXPECT_EQ(sync(late)->error, GroupError::IllegalGeneration);
  auto elsewhere = sync_of(leader);
  elsewhere.group_id = "other";
  EXPECT_EQ(sync(elsewhere)->error, GroupError::UnknownMemberId);
  elsewhere.group_id = "";
  EXPECT_EQ(sync(elsewhere)->error, GroupError::InvalidGroupId);
}

TEST_F(GroupSync, RefusesAnotherProtocol) {
  const auto [leader, follower] = two_joined();
  auto type = sync_of(leader);
  type.protocol_type = "connect";
  EXPECT_EQ(sync(type)->error, GroupError::InconsistentGroupProtocol);
  auto name = sync_of(leader);
  name.protocol_type = "consumer";
  name.protocol = "sticky";
  EXPECT_EQ(sync(name)->error, GroupError::InconsistentGroupProtocol);
  name.protocol = "range";
  EXPECT_EQ(sync(name)->error, GroupError::None);
}

TEST_F(GroupSync, IsToldOfARebalance) {
  const auto joined = stable(2);
  const auto fresh = join();
  EXPECT_EQ(sync(joined[0])->error, GroupError::RebalanceInProgress);
}

TEST_F(GroupSync, MembersThatDoNotSyncAreRemoved) {
  auto patient = request();
  patient.session_timeout = seconds(100);
  const auto first = join(patient);
  const auto second = join(patient);
  advance(seconds(6));
  const auto led = sync(*first, {{first->member_id, "a"}});
  EXPECT_EQ(state(), GroupState::Stable);
  advance(seconds(60));
  EXPECT_EQ(heartbeat(*first), GroupError::RebalanceInProgress);
  EXPECT_EQ(heartbeat(*second), GroupError::UnknownMemberId);
}

TEST_F(GroupSync, WhereTheLeaderDoesNotSyncTheOthersAreToldToJoinAgain) {
  auto patient = request();
  patient.session_timeout = seconds(100);
  const auto leader = join(patient);
  const auto follower = join(patient);
  advance(seconds(6));
  const auto waiting = sync(*follower);
  advance(seconds(60));
  EXPECT_EQ(waiting->error, GroupError::RebalanceInProgress);
  auto again = patient;
  again.member_id = follower->member_id;
  EXPECT_EQ(join(again)->leader, follower->member_id);
}

TEST_F(GroupSync, MembersThatAllSyncedStay) {
  const auto joined = stable(2);
  for (int i = 0; i < 20; ++i) {
    advance(seconds(5));
    EXPECT_EQ(heartbeat(joined[0]), GroupError::None);
    EXPECT_EQ(heartbeat(joined[1]), GroupError::None);
  }
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupSync, AFollowerThatWaitsForTheLeaderNeedsNoHeartbeats) {
  auto patient = request();
  patient.session_timeout = seconds(100);
  const auto leader = join(patient);
  const auto follower = join();
  advance(seconds(6));
  const auto waiting = sync(*follower);
  advance(seconds(20));
  const auto led = sync(*leader, {{follower->member_id, "b"}});
  EXPECT_EQ(waiting->assignment, "b");
  advance(seconds(9));
  EXPECT_EQ(heartbeat(*follower), GroupError::None);
}

TEST_F(GroupHeartbeat, KeepsAMember) {
  const auto joined = stable(1);
  for (int i = 0; i < 5; ++i) {
    advance(milliseconds(9'999));
    EXPECT_EQ(heartbeat(joined[0]), GroupError::None);
  }
}

TEST_F(GroupHeartbeat, AMemberWithoutIsRemovedAfterItsSessionTimeout) {
  const auto joined = stable(2);
  advance(seconds(5));
  heartbeat(joined[0]);
  advance(milliseconds(5'000));
  EXPECT_EQ(heartbeat(joined[1]), GroupError::UnknownMemberId);
  EXPECT_EQ(heartbeat(joined[0]), GroupError::RebalanceInProgress);
}

TEST_F(GroupHeartbeat, TheLastMemberThatFailsLeavesAnEmptyGroup) {
  stable(1);
  advance(seconds(10));
  EXPECT_EQ(state(), GroupState::Empty);
  EXPECT_EQ(groups->describe(kGroup).generation, Generation(2));
  restart();
  EXPECT_EQ(state(), GroupState::Empty);
  EXPECT_EQ(groups->describe(kGroup).generation, Generation(2));
}

TEST_F(GroupHeartbeat, RefusesStrangersAndOtherGenerations) {
  auto joined = stable(1)[0];
  EXPECT_EQ(groups->heartbeat({.group_id = "other", .member_id = "x"}),
            GroupError::UnknownMemberId);
  EXPECT_EQ(groups->heartbeat({.group_id = "", .member_id = "x"}), GroupError::InvalidGroupId);
  EXPECT_EQ(groups->heartbeat({.group_id = kGroup, .member_id = "x"}), GroupError::UnknownMemberId);
  joined.generation = Generation(7);
  EXPECT_EQ(heartbeat(joined), GroupError::IllegalGeneration);
}

TEST_F(GroupHeartbeat, IsFineWhileTheLeaderAssigns) {
  const auto joined = join();
  advance(seconds(3));
  EXPECT_EQ(heartbeat(*joined), GroupError::None);
}

TEST_F(GroupHeartbeat, DuringARebalanceKeepsTheMember) {
  const auto joined = stable(2);
  const auto again = join(joined[0].member_id);
  for (int i = 0; i < 5; ++i) {
    advance(seconds(9));
    EXPECT_EQ(heartbeat(joined[1]), GroupError::RebalanceInProgress);
  }
  EXPECT_TRUE(again.waits());
}

TEST_F(GroupLeave, BeginsARebalance) {
  const auto joined = stable(2);
  const auto left = leave(joined[1].member_id);
  EXPECT_EQ(left.error, GroupError::None);
  EXPECT_EQ(left.members[0].error, GroupError::None);
  EXPECT_EQ(heartbeat(joined[0]), GroupError::RebalanceInProgress);
  EXPECT_THAT(join(joined[0].member_id)->members, SizeIs(1));
}

TEST_F(GroupLeave, OfTheLeaderMakesAnotherOne) {
  const auto joined = stable(2);
  leave(joined[0].member_id);
  EXPECT_EQ(join(joined[1].member_id)->leader, joined[1].member_id);
}

TEST_F(GroupLeave, OfTheLastMemberLeavesAnEmptyGroup) {
  const auto joined = stable(1);
  leave(joined[0].member_id);
  EXPECT_EQ(state(), GroupState::Empty);
  EXPECT_EQ(groups->describe(kGroup).protocol_type, "consumer");
  EXPECT_EQ(join(joined[0].member_id)->error, GroupError::UnknownMemberId);
}

TEST_F(GroupLeave, LetsTheOthersGoOnThatWaitedForThatOne) {
  const auto joined = stable(2);
  const auto again = join(joined[0].member_id);
  EXPECT_TRUE(again.waits());
  leave(joined[1].member_id);
  EXPECT_EQ(again->generation, Generation(2));
}

TEST_F(GroupLeave, AnswersWhatTheMemberWaitedFor) {
  const auto joined = stable(2);
  const auto again = join(joined[0].member_id);
  leave(joined[0].member_id);
  EXPECT_EQ(again->error, GroupError::UnknownMemberId);
  const auto second = join(joined[1].member_id);
  const auto other = join();
  EXPECT_FALSE(second.waits());
}

TEST_F(GroupLeave, AnswersTheSyncOfWhoLeaves) {
  const auto leader = join();
  const auto follower = join();
  advance(seconds(6));
  const auto waiting = sync(*follower);
  leave(follower->member_id);
  EXPECT_EQ(waiting->error, GroupError::UnknownMemberId);
}

TEST_F(GroupLeave, ByInstanceNeedsNoMemberId) {
  stable({static_request("node-1"), static_request("node-2")});
  EXPECT_EQ(leave("", "node-1").members[0].error, GroupError::None);
  EXPECT_THAT(groups->describe(kGroup).members, SizeIs(1));
}

TEST_F(GroupLeave, SaysOfEachMemberHowItWent) {
  const auto joined = stable({static_request("node-1"), request(), static_request("node-2")});
  const auto left = groups->leave({.group_id = kGroup,
                                   .members = {{joined[1].member_id, std::nullopt},
                                               {"stranger", std::nullopt},
                                               {"", "node-9"},
                                               {"wrong", "node-2"},
                                               {"", std::nullopt},
                                               {joined[0].member_id, "node-1"}}});
  ASSERT_THAT(left.members, SizeIs(6));
  EXPECT_EQ(left.members[0].error, GroupError::None);
  EXPECT_EQ(left.members[1].error, GroupError::UnknownMemberId);
  EXPECT_EQ(left.members[2].error, GroupError::UnknownMemberId);
  EXPECT_EQ(left.members[3].error, GroupError::FencedInstanceId);
  EXPECT_EQ(left.members[4].error, GroupError::UnknownMemberId);
  EXPECT_EQ(left.members[5].error, GroupError::None);
  EXPECT_THAT(groups->describe(kGroup).members, SizeIs(1));
}

TEST_F(GroupLeave, OfAnUnknownGroupNamesEachMemberUnknown) {
  const auto left = leave("stranger");
  EXPECT_EQ(left.error, GroupError::None);
  EXPECT_EQ(left.members[0].error, GroupError::UnknownMemberId);
}

TEST_F(GroupLeave, OfStrangersDisturbsNobody) {
  stable(1);
  leave("stranger");
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupLeave, OfAPendingMemberDisturbsNobody) {
  const auto joined = stable(1);
  auto what = request();
  what.knows_member_id_required = true;
  const auto told = join(what);
  EXPECT_EQ(leave(told->member_id).members[0].error, GroupError::None);
  EXPECT_EQ(state(), GroupState::Stable);
  EXPECT_EQ(join(told->member_id)->error, GroupError::UnknownMemberId);
}

TEST_F(GroupLeave, OfAPendingMemberLetsARebalanceGoOn) {
  const auto joined = stable(1);
  auto what = request();
  what.knows_member_id_required = true;
  const auto told = join(what);
  const auto again = join(joined[0].member_id);
  EXPECT_TRUE(again.waits());
  leave(told->member_id);
  EXPECT_EQ(again->generation, Generation(2));
}

}  // namespace
}  // namespace myelin::broker
