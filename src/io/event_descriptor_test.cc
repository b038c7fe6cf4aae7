#include "io/event_descriptor.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <thread>

#include "io/test_support.h"
#include "io/timer_queue.h"

namespace myelin::io {
namespace {

using std::chrono_literals::operator""ms;

Task<void> wait(EventDescriptor& event, SteadyTime due, bool& raised) {
  raised = co_await event.wait_until(due);
}

class EventDescriptorTest : public testing::IoTest {
 protected:
  bool raised_until(SteadyTime due) {
    bool raised = false;
    runtime_.run_to_end(wait(event_, due, raised));
    return raised;
  }

  EventDescriptor event_;
};

TEST_F(EventDescriptorTest, TakesARaiseFromBeforeTheWaitAndManyAsOne) {
  event_.raise();
  event_.raise();
  EXPECT_TRUE(raised_until(kNever));
  EXPECT_FALSE(raised_until(std::chrono::steady_clock::now()));
}

TEST_F(EventDescriptorTest, WakesAWaiterWhenTheDescriptorIsWrittenTo) {
  for (int i = 0; i < 20; ++i) {
    std::thread writer([this] {
      const std::uint64_t one = 1;
      EXPECT_EQ(::write(event_.descriptor(), &one, sizeof one), 8);
    });
    EXPECT_TRUE(raised_until(kNever));
    writer.join();
  }
}

TEST_F(EventDescriptorTest, EndsAWaitWhenItsTimeIsOver) {
  EXPECT_FALSE(raised_until(std::chrono::steady_clock::now() + 5ms));
  event_.raise();
  EXPECT_TRUE(raised_until(std::chrono::steady_clock::now()));
}

TEST_F(EventDescriptorTest, EndsAWaitWhenItsTaskIsCanceled) {
  TaskScope scope(runtime_, "test");
  bool raised = false;
  scope.spawn("wait", wait(event_, kNever, raised));
  EXPECT_TRUE(scope.stop(std::chrono::seconds(20)));
  EXPECT_FALSE(raised);
  EXPECT_THAT(log_.text(), ::testing::Not(::testing::HasSubstr("error")));
  event_.raise();
  EXPECT_TRUE(raised_until(kNever));
}

}  // namespace
}  // namespace myelin::io
