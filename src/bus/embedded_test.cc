// What the embedded engine promises beyond contract_test.cc: write sets of many records, commit
// order over all topics, its own limits, and what it does with a bad disk.
#include "bus/embedded.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "bus/bus_test_support.h"
#include "bus/embedded_engine.h"

namespace myelin::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using std::chrono_literals::operator""ms;

class EmbeddedBusTest : public BusTest<EmbeddedEngine> {};

TEST_F(EmbeddedBusTest, PlacesEachRecordOfAWriteSet) {
  const auto positions = append({record("a", "1"), record("b", "2"), record("a", "3")});
  ASSERT_TRUE(positions);
  EXPECT_EQ((*positions)[0].offset.value, 0);
  EXPECT_EQ((*positions)[1].offset.value, 0);
  EXPECT_EQ((*positions)[2].offset.value, 1);
}

TEST_F(EmbeddedBusTest, DeliversManyTopicsInCommitOrder) {
  auto subscription = subscribe({"a*"}, FromNow{});
  std::vector<std::string> sent;
  for (int i = 0; i < 60; ++i) {
    sent.push_back(fmt::format("{}", i));
    ASSERT_TRUE(append(record(fmt::format("a{}", i % 7), sent.back())));
  }
  EXPECT_EQ(values(drain(*subscription, sent.size())), sent);
}

TEST_F(EmbeddedBusTest, DeliversTheSameOrderFromStoredRecords) {
  std::vector<std::string> sent;
  for (int i = 0; i < 60; ++i) {
    sent.push_back(fmt::format("{}", i));
    ASSERT_TRUE(append(record(fmt::format("a{}", i % 7), sent.back())));
    if (i == 40) engine().settle();
  }
  auto subscription = subscribe({"a*"}, FromEarliest{});
  EXPECT_EQ(values(drain(*subscription, sent.size())), sent);
}

TEST_F(EmbeddedBusTest, ResumesInsideAWriteSetInTheSameOrder) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(append({record("a", fmt::format("{}a", i)), record("b", fmt::format("{}b", i)),
                        record("a", fmt::format("{}c", i))}));
    if (i == 10) engine().settle();
  }
  auto first = subscribe({"*"}, FromEarliest{});
  const auto all = drain(*first, 60);
  ASSERT_EQ(all.size(), 60u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto resumed = subscribe({"*"}, FromCursor{all[i].cursor});
    ASSERT_TRUE(resumed);
    const auto expected = values(all);
    EXPECT_EQ(values(drain(*resumed, all.size() - i - 1)),
              std::vector<std::string>(expected.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                       expected.end()))
        << "from record " << i;
  }
}

TEST_F(EmbeddedBusTest, BeginsAtTheTimeOfReceiptWhateverARecordSaysOfItsOwn) {
  ASSERT_TRUE(append(record("a", "old")));
  std::this_thread::sleep_for(5ms);
  const auto between = SystemClock().now();
  std::this_thread::sleep_for(5ms);
  ASSERT_TRUE(append(record("b", "new")));
  for (int pass = 0; pass < 2; ++pass) {
    auto subscription = subscribe({"*"}, FromTime{between});
    EXPECT_THAT(values(drain(*subscription, 1)), ElementsAre("new"));
    engine().settle();
  }
}

TEST_F(EmbeddedBusTest, RefusesTopicsBeyondTheLimitAndServesTheRest) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(append(record(fmt::format("t{}", i), "x"))) << i;
  EXPECT_EQ(append(record("one-too-many", "x")).error().code(), ErrorCode::Exhausted);
  EXPECT_TRUE(append(record("t0", "x")));
}

TEST_F(EmbeddedBusTest, SaysUnavailableWithoutSpace) {
  ASSERT_TRUE(append(record("a", "1")));
  engine().fill_disk();
  EXPECT_EQ(append(record("a", "2")).error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(read({{{}, "a"}, PartitionIndex(0)}, Offset(0))->size(), 1u);
}

TEST_F(EmbeddedBusTest, DeliversNothingOfATopicThatWasRemovedBeforeItWasRead) {
  ASSERT_TRUE(append({record("a", "gone"), record("b", "kept")}));
  engine().settle();
  auto subscription = subscribe({"*"}, FromEarliest{});
  engine().remove_topic("a");
  EXPECT_THAT(values(drain(*subscription, 1)), ElementsAre("kept"));
}

TEST_F(EmbeddedBusTest, PassesOverDamagedRecordsAndTells) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(record("a", fmt::format("{}", i))));
  engine().settle();
  engine().damage("a", Offset(0));
  auto subscription = subscribe({"*"}, FromEarliest{});
  EXPECT_THAT(values(drain(*subscription, 2)), ElementsAre("1", "2"));
  const auto gap = subscription->take_gap();
  ASSERT_TRUE(gap);
  EXPECT_THAT(*gap, HasSubstr("records before offset 1 were damaged"));
}

TEST_F(EmbeddedBusTest, ResumesFromACursorAlthoughTheOldestRecordIsDamaged) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(record("a", fmt::format("{}", i))));
  auto first = subscribe({"*"}, FromEarliest{});
  const auto seen = drain(*first, 3);
  ASSERT_EQ(seen.size(), 3u);
  engine().settle();
  engine().remove_records("a", Offset(1));
  engine().damage("a", Offset(1));
  auto resumed = subscribe({"*"}, FromCursor{seen[1].cursor});
  ASSERT_TRUE(resumed) << refusal;
  EXPECT_THAT(values(drain(*resumed, 1)), ElementsAre("2"));
}

}  // namespace
}  // namespace myelin::bus
