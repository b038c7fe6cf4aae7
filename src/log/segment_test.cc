#include "log/segment.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "formats/kafka/record_batch.h"
#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kBase = 100;
constexpr int kBatches = 9;

// Nine batches of three records each, from offset 100 on; batch i has commit 10 + 10 i and was
// received at 1000 + 5 i. Batches 4 and 5 share their time.
class SegmentTest : public ::testing::Test {
 protected:
  SegmentTest() {
    EXPECT_TRUE(disk_.make_directory("/p"));
    EXPECT_TRUE(segment_.create());
    bytes_.reserve(kBatches);
    for (int i = 0; i < kBatches; ++i) add(fmt::format("value {}", i));
    EXPECT_TRUE(segment_.append(batches_, state_));
  }

  void add(std::string_view value) {
    const auto i = static_cast<std::int64_t>(batches_.size());
    bytes_.push_back(batch_of(value, 3));
    const Offset base(kBase + 3 * i);
    kafka::set_base_offset(bytes_.back().data(), base.value);
    const auto received = timestamp_from_ms(1000 + 5 * (i == 5 ? 4 : i));
    batches_.push_back({id_, base, base + 2, commit_of(static_cast<std::size_t>(i)),
                        static_cast<std::uint32_t>(i), 3, received, bytes_.back(), nullptr});
  }
  static CommitNumber commit_of(std::size_t i) { return CommitNumber(10 + 10 * i); }

  // The first batch that is found; kBatches when there is none.
  std::size_t find(Seek seek) {
    const auto found = segment_.read(state_, seek, 0);
    EXPECT_TRUE(found) << found.error().message();
    if (found->empty()) return kBatches;
    return static_cast<std::size_t>(found->front().base_offset.value - kBase) / 3;
  }
  std::size_t position_of(std::size_t batch) const {
    std::size_t position = 0;
    for (std::size_t i = 0; i < batch; ++i) position += bytes_[i].size();
    return position;
  }
  void flip(const std::string& path, std::size_t byte) {
    auto content = disk_.content(path);
    content[byte] ^= 1;
    disk_.set_content(path, content);
  }
  void cut_file(const std::string& path, std::size_t bytes) {
    disk_.set_content(path, disk_.content(path).substr(0, bytes));
  }
  Result<std::vector<BatchRef>> read_from(std::size_t batch, std::size_t bytes_max = 1u << 20) {
    return segment_.read(state_, Seek::to(Offset(kBase + 3 * static_cast<std::int64_t>(batch))),
                         bytes_max);
  }

  SimDisk disk_;
  FilePool files_{disk_, 8};
  PartitionId id_{Uuid{}, PartitionIndex(2)};
  Segment segment_{files_, "/p", id_, Offset(kBase)};
  SegmentState state_{Offset(kBase), 0, 0};
  std::vector<std::string> bytes_;
  std::vector<BatchRef> batches_;
};

TEST_F(SegmentTest, GivesBackEverythingAboutABatch) {
  const auto found = *read_from(0);
  ASSERT_EQ(found.size(), batches_.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].partition, batches_[i].partition);
    EXPECT_EQ(found[i].base_offset, batches_[i].base_offset);
    EXPECT_EQ(found[i].last_offset, batches_[i].last_offset);
    EXPECT_EQ(found[i].commit, batches_[i].commit);
    EXPECT_EQ(found[i].first_record, batches_[i].first_record);
    EXPECT_EQ(found[i].record_count, batches_[i].record_count);
    EXPECT_EQ(found[i].received, batches_[i].received);
    EXPECT_EQ(found[i].bytes, batches_[i].bytes);
  }
}

TEST_F(SegmentTest, FindsTheBatchOfEachOffset) {
  for (std::int64_t offset = 0; offset < kBase; ++offset)
    EXPECT_EQ(find(Seek::to(Offset(offset))), 0u);
  for (std::int64_t i = 0; i <= 3 * kBatches; ++i) {
    EXPECT_EQ(find(Seek::to(Offset(kBase + i))), static_cast<std::size_t>(i / 3)) << i;
  }
}

TEST_F(SegmentTest, FindsTheFirstBatchAtOrBehindACommit) {
  for (std::uint64_t commit = 0; commit <= 10 + 10 * kBatches; ++commit) {
    std::size_t expected = 0;
    while (expected < kBatches && commit_of(expected).value < commit) ++expected;
    EXPECT_EQ(find(Seek::to(CommitNumber(commit))), expected) << commit;
  }
}

TEST_F(SegmentTest, FindsTheFirstBatchReceivedAtOrAfterATime) {
  for (std::int64_t ms = 990; ms <= 1000 + 5 * kBatches; ++ms) {
    std::size_t expected = 0;
    while (expected < kBatches && to_ms(batches_[expected].received) < ms) ++expected;
    EXPECT_EQ(find(Seek::to(timestamp_from_ms(ms))), expected) << ms;
  }
}

TEST_F(SegmentTest, FindsNothingInAnEmptySegment) {
  EXPECT_THAT(*segment_.read({Offset(kBase), 0, 0}, Seek::to(Offset(kBase)), 100), IsEmpty());
}

TEST_F(SegmentTest, GivesWholeBatchesUpToALimitButAtLeastOne) {
  const auto size = bytes_[0].size();
  for (std::size_t limit = 0; limit <= size * kBatches + 1; limit += 7) {
    const auto expected = std::clamp<std::size_t>(limit / size, 1, kBatches);
    EXPECT_EQ(read_from(0, limit)->size(), expected) << limit;
  }
}

TEST_F(SegmentTest, GivesNothingBehindTheStateThatItIsGiven) {
  const SegmentState earlier{Offset(kBase), position_of(4), 4};
  EXPECT_EQ(segment_.read(earlier, Seek::to(Offset(kBase)), 1u << 20)->size(), 4u);
}

TEST_F(SegmentTest, WritesMoreThanItsBufferTakes) {
  const auto before = batches_.size();
  for (int i = 0; i < 5; ++i) add(std::string(200'000, static_cast<char>('a' + i)));
  ASSERT_TRUE(segment_.append(std::span(batches_).subspan(before), state_));
  const auto found = *read_from(before, 1u << 30);
  ASSERT_EQ(found.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(found[i].bytes, bytes_[before + i]);
}

TEST_F(SegmentTest, GoesOnBehindALongStretchOfDamagedEntries) {
  for (int i = kBatches; i < 700; ++i) add("value");
  ASSERT_TRUE(segment_.append(std::span(batches_).subspan(kBatches), state_));
  const auto path = segment_path("/p", Offset(kBase), 0, SegmentFile::Meta);
  const auto header = disk_.content(path).size() - 700 * kMetaEntryBytes;
  for (std::size_t i = 100; i < 600; ++i) flip(path, header + i * kMetaEntryBytes);
  const auto seek = [](std::int64_t batch) { return Seek::to(Offset(kBase + 3 * batch)); };
  for (const std::int64_t damaged : {100, 101, 356, 357, 599}) {
    EXPECT_EQ(segment_.read(state_, seek(damaged), 0).error().code(), ErrorCode::Corrupt)
        << damaged;
    EXPECT_EQ(*segment_.behind_damage(state_, seek(damaged)), Offset(kBase + 3 * 600)) << damaged;
  }
  for (const std::int64_t whole : {0, 99, 600, 699}) {
    const auto found = segment_.read(state_, seek(whole), 0);
    ASSERT_TRUE(found) << whole << ": " << found.error().message();
    EXPECT_EQ(found->front().base_offset, Offset(kBase + 3 * whole));
  }
}

TEST_F(SegmentTest, NamesTheRangeOfADamagedBatch) {
  flip(segment_.log_path(), position_of(3) + 70);
  const auto found = read_from(3);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::Corrupt);
  EXPECT_THAT(found.error().message(),
              HasSubstr(fmt::format("/p/00000000000000000100.log is damaged at byte {} (offsets "
                                    "109 to 111)",
                                    position_of(3))));
}

TEST_F(SegmentTest, ServesWhatIsWholeAroundADamagedBatch) {
  flip(segment_.log_path(), position_of(3) + 70);
  EXPECT_EQ(read_from(0)->size(), 3u);
  EXPECT_EQ(read_from(4)->size(), kBatches - 4u);
}

TEST_F(SegmentTest, ServesWhatIsWholeBeforeAShortEnd) {
  cut_file(segment_.log_path(), position_of(7) + 10);
  const auto whole = read_from(0);
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_EQ(whole->size(), 7u);
  EXPECT_FALSE(read_from(7));
}

TEST_F(SegmentTest, ServesWhatIsWholeAroundADamagedCompanionEntry) {
  for (std::size_t damaged = 0; damaged < kBatches; ++damaged) {
    const auto at = kMetaHeaderBytes + damaged * kMetaEntryBytes + 20;
    flip(segment_.meta_path(), at);
    for (std::size_t i = 0; i < kBatches; ++i) {
      const auto found = read_from(i);
      if (i == damaged) {
        ASSERT_FALSE(found) << damaged;
        EXPECT_EQ(found.error().code(), ErrorCode::Corrupt);
        EXPECT_THAT(found.error().message(), HasSubstr("/p/00000000000000000100.meta"));
      } else {
        ASSERT_TRUE(found) << damaged << " " << i << ": " << found.error().message();
        EXPECT_EQ(found->front().base_offset, batches_[i].base_offset) << damaged;
        EXPECT_EQ(found->size(), (i < damaged ? damaged : kBatches) - i);
      }
    }
    flip(segment_.meta_path(), at);
  }
}

TEST_F(SegmentTest, SaysWhenAFileIsShorterThanItsState) {
  EXPECT_TRUE(segment_.check(state_));
  for (const auto& path : {segment_.log_path(), segment_.meta_path()}) {
    const auto whole = disk_.content(path);
    cut_file(path, whole.size() - 1);
    const auto checked = segment_.check(state_);
    ASSERT_FALSE(checked) << path;
    EXPECT_EQ(checked.error().code(), ErrorCode::Corrupt);
    EXPECT_THAT(checked.error().message(), HasSubstr(path));
    disk_.set_content(path, whole);
  }
}

TEST_F(SegmentTest, SaysWhenItsCompanionIsAnotherPartitions) {
  const Segment other(files_, "/p", {id_.topic, PartitionIndex(3)}, Offset(kBase));
  const auto checked = other.check(state_);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::Corrupt);
}

TEST_F(SegmentTest, CutsWhatLiesBehindItsState) {
  const auto earlier = SegmentState{Offset(kBase), position_of(4), 4};
  EXPECT_TRUE(*segment_.cut(earlier, commit_of(kBatches)));
  EXPECT_EQ(disk_.content(segment_.log_path()).size(), position_of(4));
  EXPECT_EQ(disk_.content(segment_.meta_path()).size(), kMetaHeaderBytes + 4 * kMetaEntryBytes);
  EXPECT_FALSE(*segment_.cut(earlier, commit_of(kBatches)));
  EXPECT_EQ(segment_.read(earlier, Seek::to(Offset(kBase)), 1u << 20)->size(), 4u);
}

TEST_F(SegmentTest, NeverCutsABatchOfACommitThatIsNotKnown) {
  const auto earlier = SegmentState{Offset(kBase), position_of(4), 4};
  for (const auto log_bytes : {position_of(kBatches), position_of(4)}) {
    cut_file(segment_.log_path(), log_bytes);
    const auto content = disk_.content(segment_.log_path());
    const auto cut = segment_.cut(earlier, commit_of(3));
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code(), ErrorCode::Corrupt);
    EXPECT_THAT(cut.error().message(), HasSubstr("commit 50"));
    EXPECT_EQ(disk_.content(segment_.log_path()), content);
  }
}

TEST_F(SegmentTest, CutsWhatWasHalfWritten) {
  const auto earlier = SegmentState{Offset(kBase), position_of(4), 4};
  flip(segment_.meta_path(), kMetaHeaderBytes + 4 * kMetaEntryBytes + 20);
  EXPECT_TRUE(*segment_.cut(earlier, commit_of(3)));
}

TEST_F(SegmentTest, TellsThatAFileIsMissing) {
  ASSERT_TRUE(disk_.remove(segment_.log_path()));
  FilePool files(disk_, 8);
  const auto found =
      Segment(files, "/p", id_, Offset(kBase)).read(state_, Seek::to(Offset(kBase)), 100);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::Corrupt);
}

TEST_F(SegmentTest, TakesTheSameBatchesAgainAfterAFailedWrite) {
  const auto before = state_;
  add("one more");
  const auto more = std::span(batches_).last(1);
  for (const auto& failing : {segment_.log_path(), segment_.meta_path()}) {
    disk_.fail_when([&](std::string_view operation, const std::string& path) {
      return operation == "write" && path == failing;
    });
    EXPECT_FALSE(segment_.append(more, state_));
    EXPECT_EQ(state_, before);
  }
  disk_.fail_when(nullptr);
  ASSERT_TRUE(segment_.append(more, state_));
  EXPECT_EQ(read_from(kBatches)->front().bytes, bytes_.back());
}

}  // namespace
}  // namespace myelin::log
