// Compaction of segments that cannot be read, or not all of them.
#include "log/compactor.h"

#include <gmock/gmock.h>

#include "log/compaction_test_support.h"

namespace myelin::log {
namespace {

using kafka::Compression;
using kafka::ControlType;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr std::int64_t kPro = 7;

// Damage.

class CompactorDamageTest : public CompactionTest {};

TEST_F(CompactorDamageTest, LeavesADamagedSegmentAsItIsAndCompactsTheRest) {
  auto policy = compact_policy();
  policy.segment_bytes = 100;
  KeyedLog log(disk, policy);
  log.must_append(keyed_batch({{"a", "0"}, {"b", "0"}}));
  log.roll("r");
  log.must_append(keyed_batch({{"a", "1"}, {"b", "1"}}));
  log.must_append(keyed_batch({{"a", "2"}, {"c", "1"}}));
  log.roll("r");
  const auto damaged = log.path_of(2, SegmentFile::Log);
  log.flip(damaged, 70);
  const auto before = disk.content(damaged);
  ASSERT_EQ((*log.partition().segments())[2].base_offset, Offset(3));
  const auto status = log.compact();
  log.settle();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::Corrupt);
  EXPECT_THAT(status.error().message(), HasSubstr("topic t"));
  EXPECT_EQ(disk.content(damaged), before);
  std::vector<std::int64_t> kept;
  for (const auto& segment : *log.partition().segments()) {
    const Segment stored(log.log->files(), log.partition().directory(), log.partition().id(),
                         segment);
    const auto batches = stored.read(segment, Seek::to(Offset(0)), 1u << 20);
    if (!batches) continue;
    std::vector<ReadRecord> records;
    for (const auto& batch : *batches) collect(batch, records);
    for (const auto& record : records) kept.push_back(record.offset);
  }
  // b of offset 1 stays: what replaces it cannot be read.
  EXPECT_THAT(kept, ElementsAre(1, 2, 5, 6, 7));
}

TEST_F(CompactorDamageTest, KeepsTombstonesForGoodWhoseOlderValuesCannotBeRead) {
  KeyedLog log(disk);
  log.put("lost", "x");
  log.put("a", "1");  // Behind the damage, in the same segment.
  log.roll();
  log.remove("a");
  log.roll("more");
  const auto first = log.path_of(0, SegmentFile::Log);
  log.flip(first, 70);
  EXPECT_FALSE(log.compact());
  log.settle();
  log.flip(first, 70);  // It was the disk's cable.
  for (int i = 0; i < 3; ++i) {
    log.clock.move(10'000);
    log.roll(fmt::format("roll{}", i));
    must_compact(log);
    EXPECT_THAT(log.state(), Not(Contains(Pair("a", "1"))));
  }
}

TEST_F(CompactorDamageTest, KeepsBothWhenDamageHidesHowATransactionEnded) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.must_append(keyed_batch({{"a", "2"}}, Compression::None, {kPro, 0, true}));
  log.roll();
  log.must_append(marker(kPro, ControlType::Abort));
  log.roll("second");
  log.must_append(keyed_batch({{"b", "1"}}, Compression::None, {kPro, 1, true}));
  log.must_append(marker(kPro, ControlType::Commit));
  log.roll("third");
  const auto path = log.path_of(1, SegmentFile::Log);
  const auto last_byte = disk.content(path).size() - 1;  // Of the first marker.
  log.flip(path, last_byte);
  EXPECT_FALSE(log.compact());
  log.settle();
  log.flip(path, last_byte);
  EXPECT_THAT(log.state(), Contains(Pair("a", "1")));
  EXPECT_THAT(log.state(), Contains(Pair("b", "1")));
}

TEST_F(CompactorDamageTest, CompactsTheRestWhenDamageLiesBehindWhereTheKeyMapWasFull) {
  KeyedLog log(disk);
  std::vector<KeyedRecord> many;
  for (int i = 0; i < 500; ++i) many.push_back({fmt::format("k{}", i), "x"});
  log.must_append(keyed_batch(many));
  log.roll("k0");
  for (int i = 500; i < 1000; ++i) many.push_back({fmt::format("k{}", i), "x"});
  log.must_append(keyed_batch(many));
  log.put("z", "1");
  log.roll("end");
  const auto path = log.path_of(1, SegmentFile::Log);
  log.flip(path, disk.content(path).size() - 1);  // Of "z".
  auto small = fast_compaction();
  small.key_map_bytes_max = 1;
  EXPECT_EQ(log.compact(small).error().code(), ErrorCode::Corrupt);
  log.settle();
  EXPECT_GT(log.partition().compacted_through(), Offset(501));
  const auto first = read_from(log.partition(), Seek::to(Offset(0)));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->front().base_offset, Offset(500));
}

TEST_F(CompactorDamageTest, TakesABatchForDamagedThatUnpacksToTooMuch) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.put("a", "2");
  log.roll();
  log.must_append(keyed_batch({{"a", std::string(100'000, 'x')}}, Compression::Zstd));
  log.roll("end");
  auto options = fast_compaction();
  options.unpacked_bytes_max = 50'000;
  const auto status = log.compact(options);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(log.offsets(), ElementsAre(1, 2, 3, 4));
}

TEST_F(CompactorDamageTest, TakesNoSegmentForDamagedThatCannotBeOpenedNow) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.put("a", "2");
  log.roll();
  disk.fail_when([](std::string_view operation, const std::string& path) {
    return operation == "read" && path.ends_with(".log");
  });
  EXPECT_EQ(log.compact().error().code(), ErrorCode::Unavailable);
  disk.fail_when(nullptr);
  EXPECT_EQ(log.partition().compacted_through(), Offset(0));
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(1, 2));
}

}  // namespace
}  // namespace myelin::log
