#include <gmock/gmock.h>

#include "broker/group_test_support.h"

namespace myelin::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class GroupJoin : public GroupsTest {};

TEST_F(GroupJoin, AGroupBeginsAfterTheInitialDelay) {
  const auto first = join();
  advance(milliseconds(2'999));
  EXPECT_TRUE(first.waits());
  EXPECT_EQ(state(), GroupState::PreparingRebalance);
  advance(milliseconds(1));
  EXPECT_EQ(first->error, GroupError::None);
  EXPECT_EQ(first->generation, Generation(1));
  EXPECT_EQ(first->protocol_type, "consumer");
  EXPECT_EQ(first->protocol, "range");
  EXPECT_EQ(first->leader, first->member_id);
  EXPECT_EQ(state(), GroupState::CompletingRebalance);
}

TEST_F(GroupJoin, EachNewMemberProlongsTheInitialDelay) {
  const auto first = join();
  advance(milliseconds(2'000));
  const auto second = join();
  advance(milliseconds(3'999));
  EXPECT_TRUE(first.waits());
  advance(milliseconds(1));
  EXPECT_FALSE(first.waits());
  EXPECT_EQ(second->generation, Generation(1));
}

TEST_F(GroupJoin, TheInitialDelayIsProlongedNoLongerThanTheRebalanceTimeout) {
  std::vector<Answer<JoinReply>> joined;
  for (int i = 0; i < 8; ++i) {
    auto what = request();
    what.rebalance_timeout = seconds(8);
    joined.push_back(join(std::move(what)));
    advance(seconds(1));
  }
  EXPECT_FALSE(joined[0].waits());
  EXPECT_EQ(joined[7]->generation, Generation(1));
}

TEST_F(GroupJoin, WithoutAnInitialDelayAMemberIsAnsweredAtOnce) {
  settings.initial_rebalance_delay = milliseconds(0);
  EXPECT_EQ(join()->generation, Generation(1));
}

TEST_F(GroupJoin, TheLeaderAloneIsToldTheMembers) {
  const auto joined = stable(3);
  EXPECT_THAT(joined[0].members, SizeIs(3));
  EXPECT_EQ(joined[0].members[0].metadata, subscription_to({"adt"}));
  EXPECT_THAT(joined[1].members, IsEmpty());
  EXPECT_EQ(joined[1].leader, joined[0].member_id);
}

TEST_F(GroupJoin, AMemberIdIsMadeOfTheClientsOrTheInstances) {
  settings.initial_rebalance_delay = milliseconds(0);
  EXPECT_THAT(join()->member_id, StartsWith("client-"));
  auto other = static_request("node-1");
  other.group_id = "other";
  EXPECT_THAT(join(std::move(other))->member_id, StartsWith("node-1-"));
}

TEST_F(GroupJoin, AClientThatKnowsOfItIsToldItsIdFirst) {
  auto what = request();
  what.knows_member_id_required = true;
  const auto told = join(what);
  EXPECT_EQ(told->error, GroupError::MemberIdRequired);
  EXPECT_EQ(state(), GroupState::Empty);
  const auto joined = join(told->member_id);
  advance(seconds(3));
  EXPECT_EQ(joined->member_id, told->member_id);
  EXPECT_EQ(joined->error, GroupError::None);
}

TEST_F(GroupJoin, AStaticMemberIsNotToldItsIdFirst) {
  auto what = static_request("node-1");
  what.knows_member_id_required = true;
  const auto joined = join(std::move(what));
  advance(seconds(3));
  EXPECT_EQ(joined->error, GroupError::None);
}

TEST_F(GroupJoin, APendingMemberIsForgottenAfterItsSessionTimeout) {
  auto what = request();
  what.knows_member_id_required = true;
  const auto told = join(what);
  advance(seconds(10));
  EXPECT_EQ(join(told->member_id)->error, GroupError::UnknownMemberId);
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupJoin, ARebalanceWaitsForPendingMembers) {
  const auto joined = stable(1);
  auto what = request();
  what.knows_member_id_required = true;
  const auto told = join(what);
  const auto again = join(joined[0].member_id);
  EXPECT_TRUE(again.waits());
  const auto pending = join(told->member_id);
  EXPECT_FALSE(again.waits());
  EXPECT_EQ(pending->generation, Generation(2));
}

TEST_F(GroupJoin, ARebalanceGoesOnWhenAPendingMemberIsForgotten) {
  const auto joined = stable(1);
  auto what = request();
  what.knows_member_id_required = true;
  const auto told = join(what);
  const auto again = join(joined[0].member_id);
  advance(seconds(10));
  EXPECT_EQ(again->generation, Generation(2));
}

TEST_F(GroupJoin, APendingMemberSendsNoHeartbeats) {
  auto what = request();
  what.knows_member_id_required = true;
  EXPECT_EQ(heartbeat(*join(what)), GroupError::UnknownMemberId);
}

TEST_F(GroupJoin, AnUnknownMemberOfAnUnknownGroupIsUnknown) {
  EXPECT_EQ(join("stranger")->error, GroupError::UnknownMemberId);
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupJoin, AnUnknownMemberOfAGroupIsUnknown) {
  stable(1);
  EXPECT_EQ(join("stranger")->error, GroupError::UnknownMemberId);
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupJoin, RefusesAnEmptyGroupIdAndALongOne) {
  auto what = request();
  what.group_id = "";
  EXPECT_EQ(join(what)->error, GroupError::InvalidGroupId);
  what.group_id.assign(1'025, 'g');
  EXPECT_EQ(join(what)->error, GroupError::InvalidGroupId);
}

TEST_F(GroupJoin, RefusesSessionTimeoutsOutOfBounds) {
  auto what = request();
  what.session_timeout = milliseconds(5'999);
  EXPECT_EQ(join(what)->error, GroupError::InvalidSessionTimeout);
  what.session_timeout = milliseconds(1'800'001);
  EXPECT_EQ(join(what)->error, GroupError::InvalidSessionTimeout);
}

TEST_F(GroupJoin, RefusesMoreThanTheSettingsAllow) {
  settings.protocols_max = 2;
  settings.protocols_bytes_max = ByteSize{100};
  auto many = request();
  many.protocols = {{"a", ""}, {"b", ""}, {"c", ""}};
  EXPECT_EQ(join(many)->error, GroupError::InvalidRequest);
  auto large = request();
  large.protocols = {{"a", std::string(100, 'x')}};
  EXPECT_EQ(join(large)->error, GroupError::InvalidRequest);
  auto client = request();
  client.client_id.assign(1'025, 'c');
  EXPECT_EQ(join(client)->error, GroupError::InvalidRequest);
  auto type = request();
  type.protocol_type.assign(1'025, 't');
  EXPECT_EQ(join(type)->error, GroupError::InvalidRequest);
  EXPECT_EQ(join(static_request(std::string(1'025, 'i')))->error, GroupError::InvalidRequest);
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupJoin, RefusesNewGroupsBeyondTheLimit) {
  settings.groups_max = 1;
  const auto first = join();
  auto what = request();
  what.group_id = "other";
  EXPECT_EQ(join(what)->error, GroupError::CoordinatorNotAvailable);
}

TEST_F(GroupJoin, RefusesPendingMembersBeyondTheLimit) {
  settings.members_max = 2;
  auto what = request();
  what.knows_member_id_required = true;
  EXPECT_EQ(join(what)->error, GroupError::MemberIdRequired);
  EXPECT_EQ(join(what)->error, GroupError::MemberIdRequired);
  EXPECT_EQ(join(what)->error, GroupError::GroupMaxSizeReached);
}

TEST_F(GroupJoin, RefusesMembersBeyondTheLimit) {
  settings.members_max = 2;
  stable(2);
  EXPECT_EQ(join()->error, GroupError::GroupMaxSizeReached);
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupJoin, RefusesMembersBeyondTheLimitWhileTheGroupBegins) {
  settings.members_max = 2;
  const auto first = join();
  const auto second = join();
  EXPECT_EQ(join()->error, GroupError::GroupMaxSizeReached);
  advance(seconds(6));
  EXPECT_EQ(first->error, GroupError::None);
  EXPECT_EQ(second->error, GroupError::None);
}

TEST_F(GroupJoin, AStaticMemberOfAFullGroupComesBack) {
  settings.members_max = 1;
  stable({static_request("node-1")});
  EXPECT_EQ(join(static_request("node-1"))->error, GroupError::None);
}

TEST_F(GroupJoin, WhereTheLimitWasLoweredTheLastToComeBackAreLeftOut) {
  const auto joined = stable(3);
  settings.members_max = 2;
  restart();
  EXPECT_EQ(state(), GroupState::PreparingRebalance);
  const auto first = join(joined[2].member_id);
  const auto second = join(joined[1].member_id);
  const auto third = join(joined[0].member_id);
  EXPECT_EQ(third->error, GroupError::GroupMaxSizeReached);
  EXPECT_EQ(first->error, GroupError::None);
  EXPECT_EQ(second->generation, Generation(2));
}

TEST_F(GroupJoin, AGroupNeedsAProtocolAndItsType) {
  auto typeless = request();
  typeless.protocol_type = "";
  EXPECT_EQ(join(typeless)->error, GroupError::InconsistentGroupProtocol);
  auto empty = request();
  empty.protocols = {};
  EXPECT_EQ(join(empty)->error, GroupError::InconsistentGroupProtocol);
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupJoin, RefusesAnotherTypeOfProtocol) {
  stable(1);
  auto what = request();
  what.protocol_type = "connect";
  EXPECT_EQ(join(what)->error, GroupError::InconsistentGroupProtocol);
}

TEST_F(GroupJoin, RefusesWhomNoProtocolHasInCommonWithAll) {
  stable(1);
  auto what = request();
  what.protocols = {{"sticky", ""}};
  EXPECT_EQ(join(what)->error, GroupError::InconsistentGroupProtocol);
}

TEST_F(GroupJoin, AnEmptyGroupTakesAnyTypeOfProtocol) {
  const auto joined = stable(1);
  leave(joined[0].member_id);
  EXPECT_EQ(state(), GroupState::Empty);
  auto what = request();
  what.protocol_type = "connect";
  const auto other = join(what);
  advance(seconds(3));
  EXPECT_EQ(other->protocol_type, "connect");
}

TEST_F(GroupJoin, MostVotesAmongTheProtocolsOfAllAreTaken) {
  auto first = request();
  first.protocols = {{"range", "1"}, {"sticky", "2"}, {"own", "3"}};
  auto second = request();
  second.protocols = {{"sticky", "4"}, {"range", "5"}};
  const auto joined = stable({first, second, second});
  EXPECT_EQ(joined[0].protocol, "sticky");
  EXPECT_THAT(joined[0].members[0].metadata, "2");
  EXPECT_THAT(joined[0].members[1].metadata, "4");
}

TEST_F(GroupJoin, AProtocolThatIsNamedTwiceCountsOnce) {
  auto what = request();
  what.protocols = {{"range", "1"}, {"range", "2"}};
  const auto joined = stable({what, request()});
  EXPECT_EQ(joined[0].protocol, "range");
  EXPECT_EQ(joined[0].members[0].metadata, "1");
}

TEST_F(GroupJoin, AFollowerThatJoinsAgainWithTheSameIsAnsweredAtOnce) {
  const auto joined = stable(2);
  const auto again = join(joined[1].member_id);
  EXPECT_EQ(again->generation, Generation(1));
  EXPECT_EQ(again->leader, joined[0].member_id);
  EXPECT_EQ(state(), GroupState::Stable);
}

TEST_F(GroupJoin, AFollowerWithOtherMetadataBeginsARebalance) {
  const auto joined = stable(2);
  auto what = request(joined[1].member_id);
  what.protocols = {{"range", subscription_to({"oru"})}};
  const auto again = join(what);
  EXPECT_TRUE(again.waits());
  EXPECT_EQ(heartbeat(joined[0]), GroupError::RebalanceInProgress);
  const auto leader = join(joined[0].member_id);
  EXPECT_EQ(again->generation, Generation(2));
  EXPECT_EQ(leader->members.size(), 2u);
}

TEST_F(GroupJoin, ALeaderThatJoinsAgainBeginsARebalance) {
  const auto joined = stable(2);
  const auto again = join(joined[0].member_id);
  EXPECT_TRUE(again.waits());
  EXPECT_EQ(state(), GroupState::PreparingRebalance);
}

TEST_F(GroupJoin, WhoMissedTheAnswerOfAJoinIsGivenItAgain) {
  const auto first = join();
  const auto second = join();
  advance(seconds(6));
  const auto leader = join(first->member_id);
  EXPECT_EQ(leader->generation, Generation(1));
  EXPECT_THAT(leader->members, SizeIs(2));
  EXPECT_THAT(join(second->member_id)->members, IsEmpty());
  EXPECT_EQ(state(), GroupState::CompletingRebalance);
}

TEST_F(GroupJoin, OtherMetadataWhileTheLeaderAssignsBeginsAnew) {
  const auto first = join();
  const auto second = join();
  advance(seconds(6));
  const auto synced = sync(*second);
  auto what = request(second->member_id);
  what.protocols = {{"range", subscription_to({"oru"})}};
  const auto again = join(what);
  EXPECT_EQ(synced->error, GroupError::RebalanceInProgress);
  EXPECT_TRUE(again.waits());
  join(first->member_id);
  EXPECT_EQ(again->generation, Generation(2));
}

TEST_F(GroupJoin, ASecondJoinOfOneMemberTakesThePlaceOfTheFirst) {
  const auto joined = stable(2);
  const auto first = join(joined[0].member_id);
  const auto second = join(joined[0].member_id);
  EXPECT_EQ(first->error, GroupError::RebalanceInProgress);
  join(joined[1].member_id);
  EXPECT_EQ(second->generation, Generation(2));
}

TEST_F(GroupJoin, AFirstJoinThatWaitsTooLongIsAnsweredAndForgotten) {
  auto slow = request();
  slow.rebalance_timeout = seconds(600);
  slow.session_timeout = seconds(1'000);
  const auto joined = stable({slow});
  const auto fresh = join();
  advance(seconds(300));
  EXPECT_EQ(fresh->error, GroupError::UnknownMemberId);
  EXPECT_EQ(groups->describe(kGroup).members.size(), 1u);
}

TEST_F(GroupJoin, MembersThatDoNotComeBackAreRemovedAtTheRebalanceTimeout) {
  auto patient = request();
  patient.session_timeout = seconds(100);
  const auto joined = stable({patient, patient});
  const auto again = join(joined[0].member_id);
  advance(seconds(59));
  EXPECT_TRUE(again.waits());
  advance(seconds(1));
  EXPECT_EQ(again->generation, Generation(2));
  EXPECT_THAT(again->members, SizeIs(1));
  EXPECT_EQ(heartbeat(joined[1]), GroupError::UnknownMemberId);
}

TEST_F(GroupJoin, AnotherLeadsWhereTheLeaderDoesNotComeBack) {
  auto patient = request();
  patient.session_timeout = seconds(100);
  const auto joined = stable({patient, patient});
  const auto fresh = join();
  auto changed = patient;
  changed.member_id = joined[1].member_id;
  const auto again = join(changed);
  advance(seconds(60));
  EXPECT_EQ(fresh->leader, again->leader);
  EXPECT_NE(again->leader, joined[0].member_id);
}

TEST_F(GroupJoin, TheLongestRebalanceTimeoutOfAllCounts) {
  auto slow = request();
  slow.rebalance_timeout = seconds(90);
  slow.session_timeout = seconds(100);
  auto quick = request();
  quick.session_timeout = seconds(100);
  const auto joined = stable({quick, slow});
  const auto again = join(joined[0].member_id);
  advance(seconds(89));
  EXPECT_TRUE(again.waits());
  advance(seconds(1));
  EXPECT_FALSE(again.waits());
}

TEST_F(GroupJoin, WhoWaitsInAJoinNeedsNoHeartbeats) {
  auto patient = request();
  patient.session_timeout = seconds(100);
  const auto joined = stable({request(), patient});
  const auto again = join(joined[0].member_id);
  advance(seconds(30));
  EXPECT_TRUE(again.waits());
  join(joined[1].member_id);
  EXPECT_EQ(again->error, GroupError::None);
}

}  // namespace
}  // namespace myelin::broker
