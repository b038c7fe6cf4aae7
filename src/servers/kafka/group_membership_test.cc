#include <gmock/gmock.h>

#include "servers/kafka/kafka_test_support.h"

namespace myelin::kafka {
namespace {

constexpr std::int16_t kVersion = 3;  // The last whose members are not told their ids first.

class GroupMembershipTest : public testing::KafkaTest {
 protected:
  void SetUp() override { start(); }

  std::size_t members() { return broker_.get().groups().describe("readers").members.size(); }
};

TEST_F(GroupMembershipTest, AMemberWhoseConnectionEndsWhileItJoinsIsWaitedForByNobody) {
  auto first = connect();
  const auto leader = first.ask<JoinGroupResponse>(join_request(first), kVersion);
  ASSERT_EQ(leader.error_code, 0);
  const std::string id(leader.member_id);
  {
    auto gone = connect();
    gone.send(join_request(gone), kVersion);
    EXPECT_TRUE(io::testing::eventually([&] { return members() == 2; }));
  }
  EXPECT_TRUE(io::testing::eventually([&] { return members() == 1; }));
  const auto again = first.ask<JoinGroupResponse>(join_request(first, id), kVersion);
  EXPECT_EQ(again.error_code, 0);
  EXPECT_EQ(again.members.size(), 1u);
}

TEST_F(GroupMembershipTest, AMemberThatWasAnsweredStaysWhenItsConnectionEnds) {
  {
    auto client = connect();
    EXPECT_EQ(client.ask<JoinGroupResponse>(join_request(client), kVersion).error_code, 0);
  }
  EXPECT_TRUE(io::testing::eventually([&] { return server_->connections() == 0; }));
  EXPECT_EQ(members(), 1u);
}

}  // namespace
}  // namespace myelin::kafka
