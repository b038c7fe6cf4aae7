#include "broker/group_log.h"

#include <gmock/gmock.h>

#include <future>

#include "broker/broker_test_support.h"

namespace myelin::broker {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class GroupLogTest : public ::testing::Test {
 protected:
  // Without a member, as tools do.
  void commit(const std::string& group, std::int64_t offset) {
    std::promise<GroupError> done;
    broker.broker->groups().commit(
        {.group_id = group,
         .topics = {{.topic = "adt",
                     .partitions = {{PartitionIndex(0), Offset(offset), -1, "note"}}}}},
        [&done](CommitReply reply) { done.set_value(reply.topics.at(0).partitions.at(0).error); });
    ASSERT_EQ(done.get_future().get(), GroupError::None);
  }
  std::int64_t committed(const std::string& group) const {
    const auto reply = broker.broker->groups().fetch(
        {.group_id = group, .topics = {{{.topic = "adt", .partitions = {PartitionIndex(0)}}}}});
    return reply.topics.at(0).partitions.at(0).offset.value;
  }
  // A byte of what is stored; then the next start.
  void damage(std::size_t byte) {
    broker.settle();
    broker.flip(broker.log_path(topic, 0), byte);
    broker.must_open();
  }
  std::size_t stored_bytes() const {
    return broker.disk->content(broker.log_path(topic, 0)).size();
  }

  const std::string topic{kOffsetsTopic};
  TestBroker broker;
};

TEST_F(GroupLogTest, OffsetsComeBackWithTheNextStart) {
  commit("billing", 7);
  commit("labs", 9);
  broker.must_open();
  EXPECT_THAT(broker.broker->lost_group_records(), IsEmpty());
  EXPECT_EQ(committed("billing"), 7);
  EXPECT_EQ(committed("labs"), 9);
}

TEST_F(GroupLogTest, DamageLeavesItsGroupsAtWhatIsBeforeItAndOthersWhole) {
  commit("billing", 7);
  broker.settle();
  const auto damaged = stored_bytes() + 70;
  commit("billing", 8);
  commit("labs", 9);
  damage(damaged);
  const auto& lost = broker.broker->lost_group_records();
  ASSERT_THAT(lost, SizeIs(1));
  EXPECT_EQ(lost[0].first, Offset(1));
  EXPECT_EQ(lost[0].last, Offset(1));
  EXPECT_THAT(lost[0].what, HasSubstr("damaged at byte"));
  EXPECT_EQ(committed("billing"), 7);
  EXPECT_EQ(committed("labs"), 9);
  commit("billing", 10);
  EXPECT_EQ(committed("billing"), 10);
}

TEST_F(GroupLogTest, DamageAtTheEndIsTold) {
  commit("billing", 7);
  broker.settle();
  const auto damaged = stored_bytes() + 70;
  commit("billing", 8);
  damage(damaged);
  ASSERT_THAT(broker.broker->lost_group_records(), SizeIs(1));
  EXPECT_EQ(committed("billing"), 7);
}

}  // namespace
}  // namespace myelin::broker
