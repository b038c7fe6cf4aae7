#include "api/admin/snapshot_table.h"

#include <gtest/gtest.h>

namespace myelin::admin {
namespace {

using std::chrono::minutes;

class NoSnapshot final : public Snapshot {
 public:
  const std::string& data_directory() const override { return directory_; }
  std::uint64_t commit() const override { return 1; }
  std::string checkpoint() const override { return {}; }

 private:
  std::string directory_;
};

class SnapshotTableTest : public ::testing::Test {
 protected:
  Uuid id(int number) {
    Uuid id;
    id.bytes[0] = static_cast<std::uint8_t>(number);
    return id;
  }
  // Gives what sees whether the table still holds it.
  std::weak_ptr<const Snapshot> put(int number) {
    auto snapshot = std::make_shared<NoSnapshot>();
    EXPECT_TRUE(table_.reserve(id(number), now_));
    EXPECT_TRUE(table_.put(id(number), snapshot, now_));
    return snapshot;
  }

  SnapshotTable table_{2, minutes(5)};
  SteadyTime now_{};
};

TEST_F(SnapshotTableTest, HoldsWhatWasPut) {
  const auto held = put(1);
  EXPECT_TRUE(table_.find(id(1), now_));
  EXPECT_FALSE(held.expired());
  EXPECT_FALSE(table_.find(id(2), now_));
}

TEST_F(SnapshotTableTest, HoldsNoMoreThanAllowed) {
  put(1);
  ASSERT_TRUE(table_.reserve(id(2), now_));  // Not even taken yet.
  const auto third = table_.reserve(id(3), now_);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), ErrorCode::Exhausted);
  ASSERT_TRUE(table_.release(id(1)));
  EXPECT_TRUE(table_.reserve(id(3), now_));
}

TEST_F(SnapshotTableTest, LetsGoOfWhatIsReleased) {
  const auto held = put(1);
  ASSERT_TRUE(table_.release(id(1)));
  EXPECT_TRUE(held.expired());
  EXPECT_FALSE(table_.release(id(1)));
}

TEST_F(SnapshotTableTest, LetsGoOfWhatIsNotRenewed) {
  const auto held = put(1);
  table_.expire(now_ + minutes(4));
  EXPECT_FALSE(held.expired());
  table_.expire(now_ + minutes(5));
  EXPECT_TRUE(held.expired());
}

TEST_F(SnapshotTableTest, KeepsWhatIsRenewed) {
  const auto held = put(1);
  ASSERT_TRUE(table_.renew(id(1), now_ + minutes(4)));
  table_.expire(now_ + minutes(8));
  EXPECT_FALSE(held.expired());
}

TEST_F(SnapshotTableTest, DoesNotRenewWhatIsLate) {
  put(1);
  EXPECT_FALSE(table_.renew(id(1), now_ + minutes(5)));
  EXPECT_FALSE(table_.find(id(1), now_ + minutes(5)));
}

TEST_F(SnapshotTableTest, GivesPlacesOfExpiredOnesAway) {
  put(1);
  put(2);
  EXPECT_TRUE(table_.reserve(id(3), now_ + minutes(6)));
}

TEST_F(SnapshotTableTest, HoldsNothingWhosePlaceIsGone) {
  auto late = std::make_shared<NoSnapshot>();
  ASSERT_TRUE(table_.reserve(id(1), now_));
  table_.expire(now_ + minutes(6));
  EXPECT_FALSE(table_.put(id(1), late, now_ + minutes(6)));
  EXPECT_EQ(late.use_count(), 1);
}

TEST_F(SnapshotTableTest, LetsGoOfAllWhenCleared) {
  const auto held = put(1);
  table_.clear();
  EXPECT_TRUE(held.expired());
  EXPECT_EQ(table_.size(), 0u);
}

}  // namespace
}  // namespace myelin::admin
