#include "log/compactor.h"

#include <gmock/gmock.h>

#include "log/compaction_test_support.h"

namespace myelin::log {
namespace {

using kafka::Compression;
using kafka::ControlType;
using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr std::int64_t kPro = 7;

// Segments of 100 bytes and ten records, received a second each.
std::vector<SegmentState> segments_of(int count) {
  std::vector<SegmentState> segments;
  for (int i = 0; i < count; ++i) {
    segments.push_back({Offset(10 * i), 100, 10});
    segments.back().first_received_ms = 1000 * i;
    segments.back().last_received_ms = 1000 * i + 999;
  }
  return segments;
}

std::size_t due(int count, Offset through, const TopicPolicy& policy, std::int64_t now_ms) {
  return segments_to_compact(segments_of(count), through, policy, now_ms).size();
}

TEST(SegmentsToCompact, AreAllButTheOneThatIsWrittenTo) {
  TopicPolicy policy;
  EXPECT_EQ(due(4, Offset(0), policy, 10'000), 3u);
  EXPECT_EQ(due(1, Offset(0), policy, 10'000), 0u);
  EXPECT_EQ(due(0, Offset(0), policy, 10'000), 0u);
}

TEST(SegmentsToCompact, EndBeforeTheFirstThatIsTooYoung) {
  TopicPolicy policy;
  policy.compaction_lag_min = milliseconds(1000);
  EXPECT_EQ(due(4, Offset(0), policy, 2998), 1u);
  EXPECT_EQ(due(4, Offset(0), policy, 2999), 2u);
  EXPECT_EQ(due(4, Offset(0), policy, 1998), 0u);
}

TEST(SegmentsToCompact, WaitUntilEnoughOfTheBytesIsNew) {
  TopicPolicy policy;
  policy.dirty_ratio_min = 0.5;
  EXPECT_EQ(due(5, Offset(20), policy, 10'000), 4u);  // Two of four.
  EXPECT_EQ(due(5, Offset(30), policy, 10'000), 0u);  // One of four.
  policy.dirty_ratio_min = 0.25;
  EXPECT_EQ(due(5, Offset(30), policy, 10'000), 4u);
}

TEST(SegmentsToCompact, CountASegmentAsNewThatIsCompactedInPart) {
  TopicPolicy policy;
  policy.dirty_ratio_min = 0.5;
  EXPECT_EQ(due(5, Offset(29), policy, 10'000), 4u);
}

TEST(SegmentsToCompact, AreNoneWhenAllIsCompacted) {
  TopicPolicy policy;
  policy.dirty_ratio_min = 0;
  policy.compaction_lag_max = milliseconds(1);
  EXPECT_EQ(due(4, Offset(30), policy, 1'000'000), 0u);
}

TEST(SegmentsToCompact, AreDueOnceARecordIsOlderThanTheLargestLag) {
  TopicPolicy policy;
  policy.dirty_ratio_min = 1;
  policy.compaction_lag_max = milliseconds(5000);
  EXPECT_EQ(due(5, Offset(30), policy, 8000), 0u);
  EXPECT_EQ(due(5, Offset(30), policy, 8001), 4u);
}

class CompactorTest : public CompactionTest {};

TEST_F(CompactorTest, KeepsTheLastRecordOfEachKeyInEveryCodec) {
  for (const auto codec : kafka::kCodecs) {
    SimDisk fresh;
    KeyedLog log(fresh);
    for (int i = 0; i < 4; ++i) {
      log.must_append(keyed_batch({{"a", fmt::format("a{}", i)},
                                   {fmt::format("b{}", i), "once"},
                                   {"c", fmt::format("c{}", i)}},
                                  codec));
    }
    log.roll();
    const auto before = log.records();
    must_compact(log);
    // Offsets, times, commits and places in them are as they were.
    EXPECT_EQ(log.records(), without(before, {0, 2, 3, 5, 6, 8})) << kafka::to_string(codec);
    EXPECT_EQ(log.counts.removed_records, 6u);
    EXPECT_EQ(log.counts.passes, 1u);
    ASSERT_TRUE(log.reopen());
    EXPECT_EQ(log.records(), without(before, {0, 2, 3, 5, 6, 8})) << kafka::to_string(codec);
  }
}

TEST_F(CompactorTest, KeepsPlacesInCommitsOfSeveralBatches) {
  KeyedLog log(disk);
  log.put("first", "x");
  ASSERT_TRUE(log.append({keyed_batch({{"a", "1"}, {"b", "1"}}), keyed_batch({{"a", "2"}}),
                          keyed_batch({{"c", "1"}, {"a", "3"}})}));
  log.roll();
  const auto before = log.records();
  must_compact(log);
  const auto after = log.records();
  EXPECT_EQ(after, without(before, {1, 3}));
  EXPECT_EQ(after[1].place, 1u);  // b
  EXPECT_EQ(after[2].place, 3u);  // c
}

TEST_F(CompactorTest, LeavesTopicsAloneThatAreNotCompacted) {
  auto policy = compact_policy();
  policy.compact = false;
  KeyedLog log(disk, policy);
  log.put("a", "1");
  log.put("a", "2");
  log.roll();
  ASSERT_TRUE(log.compact());
  EXPECT_THAT(log.offsets(), ElementsAre(0, 1, 2));
  EXPECT_EQ(log.counts.passes, 0u);
}

TEST_F(CompactorTest, LeavesTheSegmentThatIsWrittenToAlone) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.put("a", "2");
  log.settle();
  ASSERT_TRUE(log.compact());
  EXPECT_THAT(log.offsets(), ElementsAre(0, 1));
  log.roll();
  log.put("a", "3");
  log.settle();
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(1, 2, 3));
}

TEST_F(CompactorTest, KeepsRecordsWithoutAKey) {
  KeyedLog log(disk);
  log.must_append(keyed_batch({{std::nullopt, "1"}, {"a", "1"}}));
  log.must_append(keyed_batch({{std::nullopt, std::nullopt}, {"a", "2"}}));
  log.must_append(keyed_batch({{"", "empty"}, {"", "newer"}}));
  log.roll();
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(0, 2, 3, 5, 6));
  log.clock.move(1'000'000);
  log.roll("again");
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(0, 2, 3, 5, 6, 7));
}

TEST_F(CompactorTest, WritesSmallSegmentsTogetherUpToTheSizeOfOne) {
  KeyedLog log(disk);
  for (int i = 0; i < 5; ++i) {
    log.put(fmt::format("k{}", i), std::string(100, 'x'));
    log.roll(fmt::format("roll{}", i));
  }
  ASSERT_EQ(log.partition().segments()->size(), 6u);
  const auto before = log.records();
  must_compact(log);
  EXPECT_EQ(log.partition().segments()->size(), 2u);
  EXPECT_EQ(log.records(), before);
  remove_files(log);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
}

TEST_F(CompactorTest, MakesNoSegmentLargerThanTheTopicAllows) {
  auto policy = compact_policy();
  policy.segment_bytes = 1000;
  KeyedLog log(disk, policy);
  for (int i = 0; i < 20; ++i) log.put(fmt::format("k{}", i), std::string(200, 'x'));
  log.roll();
  must_compact(log);
  for (const auto& segment : *log.partition().segments()) EXPECT_LE(segment.log_bytes, 1000u);
  EXPECT_EQ(log.records().size(), 21u);
}

TEST_F(CompactorTest, DoesNotWriteASegmentAnewThatLosesNothing) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.put("b", "1");
  log.roll();
  const auto files = log.files();
  must_compact(log);
  EXPECT_EQ(log.counts.written_bytes, 0u);
  EXPECT_EQ(log.files(), files);
  EXPECT_THAT(log.log->removables().list(), IsEmpty());
  EXPECT_EQ(log.partition().compacted_through(), Offset(2));
}

TEST_F(CompactorTest, RemembersOverARestartWhatItHasCompacted) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.put("a", "2");
  log.roll();
  must_compact(log);
  ASSERT_TRUE(log.reopen());
  EXPECT_EQ(log.partition().compacted_through(), Offset(2));
  ASSERT_TRUE(log.compact());
  EXPECT_EQ(log.counts.read_bytes, 0u);
}

TEST_F(CompactorTest, RemovesARecordOfAnEarlierPassThatANewOneReplaces) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.put("b", "1");
  log.roll();
  must_compact(log);
  log.put("a", "2");
  log.roll();
  must_compact(log);
  EXPECT_THAT(log.state(), ElementsAre(Pair("a", "2"), Pair("b", "1"), Pair("roll", "x")));
  EXPECT_THAT(log.offsets(), ElementsAre(1, 2, 3, 4));
}

TEST_F(CompactorTest, LeavesAnEmptySegmentReadableWhenNothingIsLeftOfIt) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.put("b", "1");
  log.roll("a");
  log.put("b", "2");
  log.roll();
  must_compact(log);
  const auto records = log.records();
  EXPECT_THAT(log.offsets(), ElementsAre(2, 3, 4));
  EXPECT_EQ(log.partition().start(), Offset(0));
  for (std::int64_t from = 0; from < 5; ++from) {
    const auto found = read_from(log.partition(), Seek::to(Offset(from)));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->front().base_offset.value, std::max<std::int64_t>(from, 2));
  }
  ASSERT_TRUE(log.reopen());
  EXPECT_EQ(log.records(), records);
}

TEST_F(CompactorTest, FindsWhatIsKeptByCommitAndByTime) {
  KeyedLog log(disk);
  for (int i = 0; i < 6; ++i) {
    log.clock.move(1000);
    log.put(i % 2 == 0 ? "even" : fmt::format("odd{}", i), "x");
  }
  log.roll();
  must_compact(log);
  const auto kept = log.records();
  ASSERT_THAT(log.offsets(), ElementsAre(1, 3, 4, 5, 6));
  for (const auto& record : kept) {
    const auto by_commit = read_from(log.partition(), Seek::to(CommitNumber(record.commit)));
    ASSERT_TRUE(by_commit);
    EXPECT_EQ(by_commit->front().base_offset.value, record.offset);
    const auto by_time =
        read_from(log.partition(), Seek::to(timestamp_from_ms(record.received_ms)));
    ASSERT_TRUE(by_time);
    EXPECT_LE(by_time->front().base_offset.value, record.offset);
    EXPECT_EQ(to_ms(by_time->front().received), record.received_ms);
  }
}

// Retention and look-ups go by them.
TEST_F(CompactorTest, KeepsASegmentsTimesAndItsLastCommitWhateverIsLeftOfIt) {
  auto policy = compact_policy();
  policy.segment_bytes = 250;  // Three records, and none of them is written together.
  KeyedLog log(disk, policy);
  for (const auto* key : {"a", "b", "c", "c", "a", "d", "b", "e", "f"}) {
    log.put(key, "x");
    log.clock.move(1000);
  }
  log.roll();
  const auto before = *log.partition().segments();
  ASSERT_THAT(before, SizeIs(4));
  must_compact(log);
  const auto after = *log.partition().segments();
  EXPECT_EQ(after[0].log_bytes, 0u);
  ASSERT_THAT(after, SizeIs(4));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(after[i].first_received_ms, before[i].first_received_ms) << i;
    EXPECT_EQ(after[i].last_received_ms, before[i].last_received_ms) << i;
    EXPECT_EQ(after[i].last_commit, before[i].last_commit) << i;
  }
}

TEST_F(CompactorTest, PassesTheScrub) {
  KeyedLog log(disk);
  for (int i = 0; i < 50; ++i)
    log.must_append(keyed_batch({{fmt::format("k{}", i % 5), "x"}, {"a", "y"}}, Compression::Zstd,
                                {kPro, 2 * i}));
  log.roll();
  must_compact(log);
  Scrubber scrubber(*log.log, {});
  scrubber.round();
  for (const auto& range : scrubber.damage()) ADD_FAILURE() << to_string(range.damage);
  EXPECT_GT(scrubber.report().bytes, 0u);
}

// Tombstones.

TEST_F(CompactorTest, KeepsATombstoneUntilItsTimeIsOver) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.remove("a");
  log.roll();
  log.clock.move(1'000'000);  // However old it is, its time begins with the first pass.
  must_compact(log);
  ASSERT_THAT(log.offsets(), ElementsAre(1, 2));
  EXPECT_EQ(log.records()[0].value, std::nullopt);

  log.clock.move(1000);
  log.roll("b");
  must_compact(log);
  ASSERT_THAT(log.offsets(), ElementsAre(1, 2, 3));

  log.clock.move(1);
  log.roll("c");
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(2, 3, 4));
}

TEST_F(CompactorTest, NeverMovesATombstonesTimeOnce) {
  KeyedLog log(disk);
  log.remove("a");
  log.roll();
  must_compact(log);
  // Passes in between, also after a restart, begin nothing anew.
  for (int i = 0; i < 3; ++i) {
    log.clock.move(300);
    log.roll(fmt::format("roll{}", i));
    must_compact(log);
    ASSERT_TRUE(log.reopen());
    ASSERT_THAT(log.offsets(), Contains(0));
  }
  log.clock.move(101);
  log.roll("last");
  must_compact(log);
  EXPECT_THAT(log.offsets(), Not(Contains(0)));
}

TEST_F(CompactorTest, RemovesATombstoneAtOnceThatANewerRecordReplaces) {
  KeyedLog log(disk);
  log.remove("a");
  log.put("a", "2");
  log.remove("b");
  log.remove("b");
  log.roll();
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(1, 3, 4));
}

TEST_F(CompactorTest, KeepsTombstonesInEveryCodec) {
  for (const auto codec : kafka::kCodecs) {
    SimDisk fresh;
    KeyedLog log(fresh);
    log.must_append(keyed_batch({{"a", "1"}, {"b", "1"}}, codec));
    log.must_append(keyed_batch({{"a", std::nullopt}, {"c", "1"}}, codec));
    log.roll();
    must_compact(log);
    EXPECT_THAT(log.offsets(), ElementsAre(1, 2, 3, 4)) << kafka::to_string(codec);
    log.clock.move(1001);
    log.roll("again");
    must_compact(log);
    EXPECT_THAT(log.offsets(), ElementsAre(1, 3, 4, 5)) << kafka::to_string(codec);
    EXPECT_EQ(log.records()[1].timestamp_ms, 1'700'000'000'000);
  }
}

// Transactions.

TEST_F(CompactorTest, RemovesRecordsOfAnAbortedTransactionAndKeepsItsMarker) {
  KeyedLog log(disk);
  log.put("a", "1");                                                                           // 0
  log.must_append(keyed_batch({{"a", "x"}, {"b", "x"}}, Compression::None, {kPro, 0, true}));  // 1
  log.must_append(keyed_batch({{"c", "x"}}, Compression::None, {kPro, 2, true}));              // 3
  log.put("d", "1");                                                                           // 4
  log.must_append(marker(kPro, ControlType::Abort));                                           // 5
  log.roll();                                                                                  // 6
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(0, 4, 5, 6));
  EXPECT_THAT(log.state(), ElementsAre(Pair("a", "1"), Pair("d", "1"), Pair("roll", "x")));
}

TEST_F(CompactorTest, LetsACommittedTransactionReplaceAndBeReplaced) {
  KeyedLog log(disk);
  log.put("a", "1");                                                                           // 0
  log.must_append(keyed_batch({{"a", "2"}, {"b", "2"}}, Compression::Gzip, {kPro, 0, true}));  // 1
  log.must_append(marker(kPro, ControlType::Commit));                                          // 3
  log.put("b", "3");                                                                           // 4
  log.roll();                                                                                  // 5
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(1, 3, 4, 5));
  EXPECT_THAT(log.state(), ElementsAre(Pair("a", "2"), Pair("b", "3"), Pair("roll", "x")));
}

TEST_F(CompactorTest, LeavesEverythingFromTheFirstOpenTransactionOn) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.put("a", "2");
  log.must_append(keyed_batch({{"a", "3"}}, Compression::None, {kPro, 0, true}));
  log.put("b", "1");
  log.put("b", "2");
  log.roll();
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(log.partition().compacted_through(), Offset(2));
  log.must_append(marker(kPro, ControlType::Commit));
  log.roll("end");
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(2, 4, 5, 6, 7));
}

TEST_F(CompactorTest, LeavesATransactionOpenWhoseMarkerIsInTheSegmentThatIsWrittenTo) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.must_append(keyed_batch({{"a", "2"}}, Compression::None, {kPro, 0, true}));
  log.roll();
  log.must_append(marker(kPro, ControlType::Abort));
  log.settle();
  must_compact(log);
  EXPECT_THAT(log.state(), Contains(Pair("a", "1")));
  log.roll("end");
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(0, 2, 3, 4));
  EXPECT_THAT(log.state(), Contains(Pair("a", "1")));
}

TEST_F(CompactorTest, RemovesAbortedRecordsThatShareABatchWithOneWithoutAKey) {
  KeyedLog log(disk);
  log.put("a", "1");
  log.must_append(
      keyed_batch({{std::nullopt, "x"}, {"a", "x"}}, Compression::None, {kPro, 0, true}));
  log.must_append(marker(kPro, ControlType::Abort));
  log.roll();
  must_compact(log);
  EXPECT_THAT(log.offsets(), ElementsAre(0, 3, 4));
}

TEST_F(CompactorTest, KeepsTheHeaderOfAProducersLastBatch) {
  KeyedLog log(disk);
  log.must_append(keyed_batch({{"a", "1"}, {"b", "1"}}, Compression::Lz4, {kPro, 0}));
  log.must_append(keyed_batch({{"a", "2"}, {"b", "2"}}, Compression::Lz4, {kPro, 2}));
  log.must_append(keyed_batch({{"a", "3"}, {"b", "3"}}));
  log.roll();
  must_compact(log);
  const auto batches = read_from(log.partition(), Seek::to(Offset(0)), 1u << 20);
  ASSERT_TRUE(batches);
  ASSERT_THAT(*batches, SizeIs(2));
  const auto info = kafka::parse_batch_header(batches->front().bytes);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->base_offset, 2);
  EXPECT_EQ(info->last_offset(), 3);
  EXPECT_EQ(info->record_count, 0);
  EXPECT_EQ(info->producer_id, kPro);
  EXPECT_EQ(info->base_sequence, 2);
  // It goes once the producer is known by a later one.
  log.must_append(keyed_batch({{"c", "1"}}, Compression::None, {kPro, 4}));
  log.roll("more");
  must_compact(log);
  EXPECT_EQ(read_from(log.partition(), Seek::to(Offset(0)))->front().base_offset, Offset(4));
}

// The key map.

TEST_F(CompactorTest, GoesOnWhereTheKeyMapWasFull) {
  KeyedLog log(disk);
  std::vector<KeyedRecord> many;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 2000; ++i)
      many.push_back({fmt::format("key {}", i), fmt::format("{}-{}", round, i)});
  }
  log.must_append(keyed_batch(many, Compression::Zstd));
  log.roll();
  const auto wanted = log.state();
  auto small = fast_compaction();
  small.key_map_bytes_max = 1;
  Offset through;
  for (int pass = 0; pass < 20 && log.partition().compacted_through() < Offset(4000); ++pass) {
    ASSERT_TRUE(log.compact(small));
    EXPECT_GT(log.partition().compacted_through(), through);
    through = log.partition().compacted_through();
    EXPECT_EQ(log.state(), wanted);
  }
  EXPECT_EQ(log.records().size(), 2001u);
}

}  // namespace
}  // namespace myelin::log
