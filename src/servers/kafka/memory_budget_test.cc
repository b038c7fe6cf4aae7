#include "servers/kafka/memory_budget.h"

#include <gtest/gtest.h>

#include <future>

#include "io/test_support.h"

namespace myelin::kafka {
namespace {

class MemoryBudgetTest : public io::testing::IoTest {};

TEST_F(MemoryBudgetTest, GivesWhatThereIsAndTakesItBack) {
  MemoryBudget budget(100);
  auto share = budget.try_take(60);
  ASSERT_TRUE(share);
  EXPECT_FALSE(budget.try_take(41));
  EXPECT_TRUE(budget.try_take(40));
  share.reset();
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST_F(MemoryBudgetTest, AShareThatGrowsBeyondAllKeepsOthersOut) {
  MemoryBudget budget(100);
  auto share = budget.try_take(10);
  share->resize(500);
  EXPECT_EQ(budget.used_bytes(), 500u);
  EXPECT_FALSE(budget.try_take(1));
  share->resize(20);
  EXPECT_TRUE(budget.try_take(80));
}

io::Task<void> take_for_a_while(MemoryBudget& budget, std::promise<bool>& served) {
  const auto due = SystemClock().steady() + std::chrono::milliseconds(20);
  const auto share = co_await budget.take_until(50, due);
  served.set_value(share.has_value());
}

TEST_F(MemoryBudgetTest, WhoWaitsTooLongGoesWithNothingAndLeavesNoTrace) {
  MemoryBudget budget(100);
  auto share = budget.try_take(100);
  std::promise<bool> served;
  EXPECT_TRUE(runtime_.spawn("taker", take_for_a_while(budget, served)));
  EXPECT_FALSE(served.get_future().get());
  share.reset();
  EXPECT_EQ(budget.used_bytes(), 0u);
  EXPECT_TRUE(budget.try_take(100)) << "nobody waits any more";
}

}  // namespace
}  // namespace myelin::kafka
