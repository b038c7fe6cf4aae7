// What the handlers of consumer groups share.
#include "servers/kafka/groups.h"

#include <gtest/gtest.h>

#include "broker/group.h"

namespace myelin::kafka {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kNow(1h);

TEST(UntilGroupsTick, EndsWhenSomethingIsDue) {
  EXPECT_EQ(until_groups_tick(kNow, kNow + 7ms), 7ms);
  EXPECT_EQ(until_groups_tick(kNow, kNow + 6'001us), 7ms) << "no sooner than that";
}

TEST(UntilGroupsTick, IsShortWhenNothingIsDueForLong) {
  EXPECT_EQ(until_groups_tick(kNow, kNow + 10s), 50ms);
  EXPECT_EQ(until_groups_tick(kNow, broker::kNever), 50ms);
}

TEST(UntilGroupsTick, LeavesTimeForOthersWhenSomethingIsOverdue) {
  EXPECT_EQ(until_groups_tick(kNow, kNow), 1ms);
  EXPECT_EQ(until_groups_tick(kNow, kNow - 10s), 1ms);
}

}  // namespace
}  // namespace myelin::kafka
