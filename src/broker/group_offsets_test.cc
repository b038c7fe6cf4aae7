#include "broker/group_offsets.h"

#include <gmock/gmock.h>

#include "broker/group_test_support.h"

namespace myelin::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr milliseconds kWeek = std::chrono::hours(24 * 7);
constexpr milliseconds kCheck = std::chrono::minutes(10);

class GroupCommit : public GroupsTest {};
class GroupFetch : public GroupsTest {};
class GroupRetention : public GroupsTest {
 protected:
  // What is due comes at most one look later.
  void advance_to_look(milliseconds by) { advance(by + kCheck * 2); }
};
class GroupDeleteOffsets : public GroupsTest {
 protected:
  Answer<DeleteOffsetsReply> delete_offset(const std::string& topic = "adt") {
    Answer<DeleteOffsetsReply> answer;
    groups->delete_offsets(
        {.group_id = kGroup, .topics = {{.topic = topic, .partitions = {PartitionIndex(0)}}}},
        answer.callback());
    return answer;
  }
  static GroupError error_of(const Answer<DeleteOffsetsReply>& answer) {
    return answer->topics.at(0).partitions.at(0).error;
  }
};
class GroupTopicDeletion : public GroupsTest {};

TEST_F(GroupCommit, OfWhoIsNoMemberMakesASimpleGroup) {
  const auto done = commit(5);
  EXPECT_EQ(done->error, GroupError::None);
  EXPECT_EQ(done->topics.at(0).partitions.at(0).error, GroupError::None);
  EXPECT_EQ(committed(), 5);
  EXPECT_EQ(state(), GroupState::Empty);
  EXPECT_EQ(groups->describe(kGroup).protocol_type, "");
}

TEST_F(GroupCommit, OfAMemberIsTaken) {
  const auto joined = stable(1);
  EXPECT_EQ(commit(joined[0], 7)->error, GroupError::None);
  EXPECT_EQ(committed(), 7);
}

TEST_F(GroupCommit, IsSeenAndAnsweredWhenItIsDurable) {
  commit(5);
  store.hold = true;
  const auto second = commit(6);
  EXPECT_TRUE(second.waits());
  EXPECT_EQ(committed(), 5);
  store.answer();
  EXPECT_EQ(second->error, GroupError::None);
  EXPECT_EQ(committed(), 6);
}

TEST_F(GroupCommit, ThatIsNotStoredChangesNothing) {
  commit(5);
  store.fails = Error(ErrorCode::Exhausted, "queue");
  EXPECT_EQ(commit(6)->error, GroupError::CoordinatorNotAvailable);
  store.fails = Error(ErrorCode::InvalidInput, "too large");
  EXPECT_EQ(commit(6)->error, GroupError::InvalidCommitOffsetSize);
  store.fails = Error(ErrorCode::Canceled, "stopping");
  EXPECT_EQ(commit(6)->error, GroupError::NotCoordinator);
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupCommit, ThatIsNotStoredLeavesNoGroup) {
  store.fails = Error(ErrorCode::Exhausted, "queue");
  commit(5);
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupCommit, TheLastOfManyCountsInWhateverOrderTheStoreAnswers) {
  store.hold = true;
  const auto first = commit(1);
  const auto second = commit(2);
  const auto third = commit(3);
  store.answer(2);
  store.answer(1);
  EXPECT_TRUE(second.waits());
  EXPECT_EQ(committed(), -1);
  store.answer(0);
  EXPECT_EQ(committed(), 3);
  EXPECT_FALSE(first.waits());
}

TEST_F(GroupCommit, MayGoBack) {
  commit(9);
  commit(3);
  EXPECT_EQ(committed(), 3);
}

TEST_F(GroupCommit, OfWhoIsNoMemberIsRefusedWhileThereAreMembers) {
  stable(1);
  EXPECT_EQ(commit(5)->error, GroupError::UnknownMemberId);
}

TEST_F(GroupCommit, OfWhoIsNoMemberIsTakenOnceTheGroupIsEmpty) {
  const auto joined = stable(1);
  leave(joined[0].member_id);
  EXPECT_EQ(commit(5)->error, GroupError::None);
}

TEST_F(GroupCommit, RefusesStrangersAndOtherGenerations) {
  auto joined = stable(1)[0];
  auto stranger = joined;
  stranger.member_id = "stranger";
  EXPECT_EQ(commit(stranger, 5)->error, GroupError::UnknownMemberId);
  joined.generation = Generation(0);
  EXPECT_EQ(commit(joined, 5)->error, GroupError::IllegalGeneration);
  joined.generation = kNoGeneration;
  EXPECT_EQ(commit(joined, 5)->error, GroupError::IllegalGeneration);
}

TEST_F(GroupCommit, OfAMemberWhoseGroupIsGoneIsToldSo) {
  EXPECT_EQ(commit({.generation = Generation(1), .member_id = "gone"}, 5)->error,
            GroupError::GroupIdNotFound);
}

TEST_F(GroupCommit, OfAMemberOfAnEmptyGroupIsUnknown) {
  commit(5);
  EXPECT_EQ(commit({.generation = Generation(1), .member_id = "gone"}, 6)->error,
            GroupError::UnknownMemberId);
}

TEST_F(GroupCommit, IsTakenWhileMembersJoinAgain) {
  const auto joined = stable(2);
  const auto again = join(joined[0].member_id);
  EXPECT_EQ(commit(joined[1], 5)->error, GroupError::None);
}

TEST_F(GroupCommit, IsRefusedWhileTheLeaderAssigns) {
  const auto joined = join();
  advance(seconds(3));
  EXPECT_EQ(commit(*joined, 5)->error, GroupError::RebalanceInProgress);
}

TEST_F(GroupCommit, KeepsTheMembersSession) {
  const auto joined = stable(1);
  for (int i = 0; i < 5; ++i) {
    advance(seconds(9));
    EXPECT_EQ(commit(joined[0], i)->error, GroupError::None);
  }
}

TEST_F(GroupCommit, MetadataTooLargeIsRefusedForItsPartitionAlone) {
  auto what = commit_of(5);
  what.topics[0].partitions.push_back({PartitionIndex(1), Offset(6), -1, std::string(4'097, 'm')});
  what.topics[0].partitions[0].metadata = std::string(4'096, 'm');
  const auto done = commit(what);
  EXPECT_EQ(done->error, GroupError::None);
  EXPECT_EQ(done->topics[0].partitions[0].error, GroupError::None);
  EXPECT_EQ(done->topics[0].partitions[1].error, GroupError::OffsetMetadataTooLarge);
  EXPECT_EQ(committed("adt", 0), 5);
  EXPECT_EQ(committed("adt", 1), -1);
}

TEST_F(GroupCommit, WithNothingToStoreIsAnsweredAtOnce) {
  store.hold = true;
  EXPECT_EQ(commit({.group_id = kGroup})->error, GroupError::None);
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupCommit, TakesAnEmptyGroupId) {
  auto what = commit_of(5);
  what.group_id = "";
  EXPECT_EQ(commit(what)->error, GroupError::None);
}

TEST_F(GroupCommit, IsThereAfterARestart) {
  auto what = commit_of(5);
  what.topics[0].id = Uuid::from_bytes("0123456789abcdef");
  what.topics[0].partitions[0].leader_epoch = 3;
  commit(what);
  restart();
  const auto fetched = groups->fetch({.group_id = kGroup, .topics = std::nullopt});
  ASSERT_THAT(fetched.topics, SizeIs(1));
  EXPECT_EQ(fetched.topics[0].topic, "adt");
  EXPECT_EQ(fetched.topics[0].id, what.topics[0].id);
  ASSERT_THAT(fetched.topics[0].partitions, SizeIs(1));
  EXPECT_EQ(fetched.topics[0].partitions[0].offset, Offset(5));
  EXPECT_EQ(fetched.topics[0].partitions[0].leader_epoch, 3);
  EXPECT_EQ(fetched.topics[0].partitions[0].metadata, "note");
}

TEST_F(GroupFetch, OfAnUnknownGroupHasNoOffsets) {
  EXPECT_EQ(committed(), -1);
  EXPECT_THAT(groups->fetch({.group_id = "other", .topics = std::nullopt}).topics, IsEmpty());
}

TEST_F(GroupFetch, OfATopicThatWasMadeAnewHasNoOffsets) {
  auto what = commit_of(5);
  what.topics[0].id = Uuid::from_bytes("0123456789abcdef");
  commit(what);
  const auto fetch = [&](const TopicId& id) {
    return groups
        ->fetch({.group_id = kGroup,
                 .topics = {{{.topic = "adt", .id = id, .partitions = {PartitionIndex(0)}}}}})
        .topics[0]
        .partitions[0]
        .offset.value;
  };
  EXPECT_EQ(fetch(what.topics[0].id), 5);
  EXPECT_EQ(fetch(TopicId{}), 5);
  EXPECT_EQ(fetch(Uuid::from_bytes("fedcba9876543210")), -1);
}

TEST_F(GroupRetention, OffsetsOfASimpleGroupGoAfterTheirCommit) {
  commit(5);
  advance(kWeek - seconds(1));
  EXPECT_EQ(committed(), 5);
  commit(commit_of(6, "oru"));
  advance_to_look(seconds(1));
  EXPECT_EQ(committed(), -1);
  EXPECT_EQ(committed("oru"), 6);
}

TEST_F(GroupRetention, ACommitOfTheSameOffsetKeepsIt) {
  commit(5);
  advance(kWeek / 2);
  commit(5);
  advance_to_look(kWeek / 2);
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupRetention, ASimpleGroupGoesWithItsLastOffset) {
  commit(5);
  advance_to_look(kWeek);
  EXPECT_EQ(groups->counts().groups, 0u);
  restart();
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupRetention, OffsetsOfAGroupStayAsLongAsItHasMembers) {
  const auto joined = stable(1);
  commit(joined[0], 5);
  for (milliseconds passed{0}; passed < kWeek * 2; passed += seconds(9)) {
    advance(seconds(9));
    ASSERT_EQ(heartbeat(joined[0]), GroupError::None);
  }
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupRetention, OffsetsGoAfterTheGroupBecameEmptyHoweverOldTheirCommit) {
  auto what = request();
  what.session_timeout = milliseconds(1'800'000);
  const auto joined = stable({what});
  commit(joined[0], 5);
  for (int i = 0; i < 400; ++i) {
    advance(milliseconds(1'700'000));
    ASSERT_EQ(heartbeat(joined[0]), GroupError::None);
  }
  leave(joined[0].member_id);
  advance(kWeek - seconds(1));
  EXPECT_EQ(committed(), 5);
  advance_to_look(seconds(1));
  EXPECT_EQ(committed(), -1);
  EXPECT_EQ(groups->counts().groups, 0u);
}

TEST_F(GroupRetention, OffsetsOfATopicThatNobodyReadsAnyMoreGoAfterTheirCommit) {
  auto what = request();
  what.session_timeout = milliseconds(1'800'000);
  const auto joined = stable({what});
  auto other = commit_of(6, "oru");
  other.generation = joined[0].generation;
  other.member_id = joined[0].member_id;
  commit(joined[0], 5);
  commit(other);
  for (milliseconds passed{0}; passed < kWeek; passed += milliseconds(1'700'000)) {
    EXPECT_EQ(committed("oru"), 6);
    advance(milliseconds(1'700'000));
    ASSERT_EQ(heartbeat(joined[0]), GroupError::None);
  }
  advance(kCheck);
  EXPECT_EQ(committed("adt"), 5);
  EXPECT_EQ(committed("oru"), -1);
}

TEST_F(GroupRetention, ACommitMaySayHowLongItIsKept) {
  auto what = commit_of(5);
  what.retention = std::chrono::hours(1);
  commit(what);
  advance(std::chrono::minutes(59));
  EXPECT_EQ(committed(), 5);
  restart();
  EXPECT_EQ(committed(), 5);
  advance_to_look(std::chrono::minutes(1));
  EXPECT_EQ(committed(), -1);
}

TEST_F(GroupRetention, ARetentionBeyondAllTimeIsALongOne) {
  auto what = commit_of(5);
  what.retention = milliseconds::max();
  EXPECT_EQ(commit(what)->error, GroupError::None);
  advance(kWeek * 60);
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupRetention, WhatWentWhileTheServerWasDownGoesSoonAfterItsStart) {
  commit(5);
  clock.advance(kWeek);
  restart();
  EXPECT_EQ(committed(), 5);
  advance(kCheck);
  EXPECT_EQ(committed(), -1);
}

TEST_F(GroupRetention, WhatIsBeingCommittedStays) {
  commit(5);
  advance(kWeek - seconds(1));
  store.hold = true;
  const auto again = commit(6);
  advance_to_look(seconds(1));
  store.answer_all();
  EXPECT_EQ(committed(), 6);
}

TEST_F(GroupRetention, WhereTombstonesAreNotStoredTheOffsetsStayUntilTheNextLook) {
  commit(5);
  store.fails = Error(ErrorCode::Unavailable, "disk");
  advance_to_look(kWeek);
  EXPECT_EQ(committed(), 5);
  EXPECT_EQ(state(), GroupState::Empty);
  store.fails.reset();
  advance(kCheck);
  EXPECT_EQ(committed(), -1);
}

TEST_F(GroupRetention, AnEmptyGroupWithoutOffsetsIsForgotten) {
  const auto joined = stable(1);
  leave(joined[0].member_id);
  advance_to_look(seconds(0));
  EXPECT_EQ(groups->counts().groups, 0u);
  EXPECT_FALSE(store.log.back().value);
}

TEST_F(GroupDeleteOffsets, ForgetsOneOfAnEmptyGroup) {
  commit(5);
  commit(commit_of(6, "oru"));
  EXPECT_EQ(error_of(delete_offset()), GroupError::None);
  EXPECT_EQ(committed(), -1);
  EXPECT_EQ(committed("oru"), 6);
  restart();
  EXPECT_EQ(committed(), -1);
  EXPECT_EQ(committed("oru"), 6);
}

TEST_F(GroupDeleteOffsets, OfWhatIsNotThereIsFine) {
  commit(5);
  EXPECT_EQ(error_of(delete_offset("oru")), GroupError::None);
}

TEST_F(GroupDeleteOffsets, OfAnUnknownGroupIsToldSo) {
  EXPECT_EQ(delete_offset()->error, GroupError::GroupIdNotFound);
}

TEST_F(GroupDeleteOffsets, RefusesATopicThatIsRead) {
  const auto joined = stable(1);
  commit(joined[0], 5);
  EXPECT_EQ(error_of(delete_offset()), GroupError::GroupSubscribedToTopic);
  EXPECT_EQ(error_of(delete_offset("oru")), GroupError::None);
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupDeleteOffsets, RefusesEveryTopicWhereNobodyCanSayWhatIsRead) {
  auto what = request();
  what.protocols = {{"range", "?"}};
  stable({what});
  EXPECT_EQ(error_of(delete_offset("oru")), GroupError::GroupSubscribedToTopic);
}

TEST_F(GroupDeleteOffsets, RefusesAGroupOfAnotherTypeThatHasMembers) {
  auto what = request();
  what.protocol_type = "connect";
  stable({what});
  EXPECT_EQ(delete_offset()->error, GroupError::NonEmptyGroup);
}

TEST_F(GroupDeleteOffsets, ThatAreNotStoredChangeNothing) {
  commit(5);
  store.fails = Error(ErrorCode::Unavailable, "disk");
  EXPECT_EQ(delete_offset()->error, GroupError::CoordinatorNotAvailable);
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupDeleteOffsets, ForgetsWhatIsBeingCommitted) {
  store.hold = true;
  const auto first = commit(5);
  const auto deleted = delete_offset();
  store.answer_all();
  EXPECT_EQ(first->error, GroupError::None);
  EXPECT_EQ(committed(), -1);
  restart();
  EXPECT_EQ(committed(), -1);
}

TEST_F(GroupTopicDeletion, ForgetsItsOffsetsInEveryGroup) {
  commit(5);
  auto other = commit_of(7);
  other.group_id = "other";
  commit(other);
  commit(commit_of(6, "oru"));
  Answer<GroupError> deleted;
  store.hold = true;
  groups->topic_deleted("adt", deleted.callback());
  EXPECT_TRUE(deleted.waits());
  store.answer_all();
  EXPECT_EQ(*deleted, GroupError::None);
  EXPECT_EQ(committed(), -1);
  EXPECT_EQ(committed("oru"), 6);
  EXPECT_EQ(groups->counts().offsets, 1u);
}

TEST_F(GroupTopicDeletion, OfWhatNobodyReadIsDoneAtOnce) {
  Answer<GroupError> deleted;
  groups->topic_deleted("adt", deleted.callback());
  EXPECT_EQ(*deleted, GroupError::None);
}

TEST_F(GroupTopicDeletion, ThatIsNotStoredSaysSo) {
  commit(5);
  store.fails = Error(ErrorCode::Unavailable, "disk");
  Answer<GroupError> deleted;
  groups->topic_deleted("adt", deleted.callback());
  EXPECT_EQ(*deleted, GroupError::CoordinatorNotAvailable);
}

TEST(GroupOffsets, SaysWhenTheNextWillHaveGone) {
  GroupOffsets offsets;
  const auto at = [](std::int64_t ms) { return timestamp_from_ms(ms); };
  offsets.put({"adt", PartitionIndex(0)}, {.committed = at(100)});
  offsets.put({"adt", PartitionIndex(1)}, {.committed = at(300)});
  offsets.put({"oru", PartitionIndex(0)}, {.committed = at(50), .expires = at(1'000)});
  const auto none = [](std::string_view) { return false; };
  auto found = offsets.expired(at(200), milliseconds(100), std::nullopt, none);
  EXPECT_THAT(found.places, ElementsAre(OffsetPlace{"adt", PartitionIndex(0)}));
  EXPECT_EQ(found.next, at(400));
  EXPECT_FALSE(found.kept);
  found = offsets.expired(at(200), milliseconds(100), at(250), none);
  EXPECT_THAT(found.places, IsEmpty());
  EXPECT_EQ(found.next, at(350));
  found = offsets.expired(at(900), milliseconds(100), std::nullopt,
                          [](std::string_view topic) { return topic == "adt"; });
  EXPECT_THAT(found.places, IsEmpty());
  EXPECT_TRUE(found.kept);
  EXPECT_EQ(found.next, at(1'000));
}

}  // namespace
}  // namespace myelin::broker
