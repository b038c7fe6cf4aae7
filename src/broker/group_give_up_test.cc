// A member whose connection is gone while it waits for the others.
#include <gmock/gmock.h>

#include "broker/group_test_support.h"

namespace myelin::broker {
namespace {

class GroupGiveUp : public GroupsTest {
 protected:
  JoinTicket ticket_of(JoinRequest what, Answer<JoinReply>& answer) {
    return groups->join(std::move(what), answer.callback());
  }
  // Asks, and its connection ends before it is answered.
  void join_and_go(JoinRequest what) {
    Answer<JoinReply> gone;
    const auto ticket = ticket_of(std::move(what), gone);
    groups->give_up_join(kGroup, ticket);
    EXPECT_TRUE(gone.waits());
  }
};

TEST_F(GroupGiveUp, ANewMemberGoesAtOnceAndTheOthersGoOn) {
  const auto joined = stable(1);
  Answer<JoinReply> gone;
  const auto ticket = ticket_of(request(), gone);
  const auto other = join();
  groups->give_up_join(kGroup, ticket);
  EXPECT_TRUE(gone.waits());
  const auto again = join(joined[0].member_id);
  EXPECT_EQ(again->members.size(), 2u);
  EXPECT_EQ(other->generation, Generation(2));
}

TEST_F(GroupGiveUp, DuringTheInitialDelayTheOthersAreWaitedForAsBefore) {
  Answer<JoinReply> gone;
  const auto ticket = ticket_of(request(), gone);
  const auto other = join();
  groups->give_up_join(kGroup, ticket);
  EXPECT_TRUE(other.waits());
  advance(seconds(6));
  EXPECT_EQ(other->members.size(), 1u);
}

TEST_F(GroupGiveUp, AnOldMemberIsWaitedForUntilItsSessionEnds) {
  const auto joined = stable(3);
  const auto first = join(joined[0].member_id);
  join_and_go(request(joined[1].member_id));
  const auto third = join(joined[2].member_id);
  EXPECT_TRUE(first.waits());
  advance(seconds(10));
  EXPECT_EQ(first->members.size(), 2u);
  EXPECT_EQ(third->error, GroupError::None);
}

TEST_F(GroupGiveUp, AnOldMemberThatComesBackInTimeKeepsItsPlace) {
  const auto joined = stable(3);
  const auto first = join(joined[0].member_id);
  join_and_go(request(joined[1].member_id));
  const auto third = join(joined[2].member_id);
  const auto back = join(joined[1].member_id);
  EXPECT_EQ(first->members.size(), 3u);
  EXPECT_EQ(back->member_id, joined[1].member_id);
}

TEST_F(GroupGiveUp, OneThatAskedAgainIsNotTouchedByTheEndOfItsOldConnection) {
  const auto joined = stable(3);
  const auto first = join(joined[0].member_id);
  Answer<JoinReply> old;
  const auto ticket = ticket_of(request(joined[1].member_id), old);
  const auto again = join(joined[1].member_id);
  groups->give_up_join(kGroup, ticket);
  const auto third = join(joined[2].member_id);
  EXPECT_EQ(first->members.size(), 3u);
  EXPECT_EQ(again->generation, Generation(2));
}

TEST_F(GroupGiveUp, AfterTheAnswerItChangesNothing) {
  settings.initial_rebalance_delay = milliseconds(0);
  Answer<JoinReply> joined;
  const auto ticket = ticket_of(request(), joined);
  ASSERT_FALSE(joined.waits());
  groups->give_up_join(kGroup, ticket);
  EXPECT_EQ(groups->describe(kGroup).members.size(), 1u);
}

TEST_F(GroupGiveUp, AGroupWithNobodyElseIsEmptyAgain) {
  join_and_go(request());
  EXPECT_EQ(state(), GroupState::Empty);
  const auto next = join();
  advance(seconds(3));
  EXPECT_EQ(next->members.size(), 1u);
}

}  // namespace
}  // namespace myelin::broker
