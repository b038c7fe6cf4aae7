#include "log/large_batch.h"

#include <gmock/gmock.h>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kLarge = 3 * kBlockBytes;

// Nothing reaches a segment but large batches, until a test asks for a checkpoint.
Options large_options() {
  auto options = small_options();
  options.large_batch_bytes = kLarge;
  options.segment_bytes = 1u << 20;
  options.flush_interval = std::chrono::hours(1);
  return options;
}

// A log of one topic whose directory is durable, with one batch of `first_bytes` in it.
struct LargeLog {
  explicit LargeLog(std::size_t first_bytes = 100, Options options = large_options())
      : log(disk, std::move(options)) {
    EXPECT_TRUE(log.append("a", ""));
    EXPECT_TRUE(log.move_start("a", Offset(1)));
    EXPECT_TRUE(log.log->checkpoint());
    // The first batch of a new segment: what follows lies behind `first_bytes`.
    EXPECT_TRUE(log.append_bytes("a", batch_of_bytes(first_bytes)));
    EXPECT_TRUE(log.log->checkpoint());
  }

  bool append(std::size_t bytes, char fill = 'y') {
    return log.append_bytes("a", batch_of_bytes(bytes, fill)).has_value();
  }
  std::vector<std::string> bytes_of(const LogOnDisk& on) const {
    std::vector<std::string> all;
    for (Offset next(0);;) {
      const auto batches = on.read("a", Seek::to(next));
      EXPECT_TRUE(batches) << (batches ? "" : batches.error().message());
      if (!batches || batches->empty()) return all;
      for (const auto& batch : *batches) all.emplace_back(batch.bytes);
      next = batches->back().last_offset + 1;
    }
  }
  // The last batch, as buffers have it.
  BatchRef last() const {
    const auto& partition = *log.find("a")->partitions[0];
    const auto found =
        partition.read_buffered(Seek::to(Offset(partition.high_watermark().value - 1)), 1);
    const bool is_there = found && found->size() == 1;
    EXPECT_TRUE(is_there);
    return is_there ? found->front() : BatchRef();
  }
  std::string path() const { return "/data/topics/a-0/00000000000000000001.log"; }

  SimDisk disk;
  LogOnDisk log;
};

TEST(BlockEdges, CutABatchIntoWholeBlocksAndWhatIsAroundThem) {
  for (std::uint64_t position = 0; position <= 2 * kBlockBytes; position += 63) {
    for (std::size_t bytes = 1; bytes <= 4 * kBlockBytes; bytes += 101) {
      const auto first = (position + kBlockBytes - 1) / kBlockBytes;
      const auto last = (position + bytes) / kBlockBytes;
      const auto edges = block_edges(position, bytes);
      ASSERT_EQ(edges.has_value(), first < last) << position << " " << bytes;
      if (!edges) continue;
      EXPECT_EQ(position + edges->head, first * kBlockBytes);
      EXPECT_EQ(position + bytes - edges->tail, last * kBlockBytes);
    }
  }
}

TEST(LargeBatch, IsInItsSegmentBeforeItIsAcknowledged) {
  LargeLog large;
  const auto batch = batch_of_bytes(5 * kBlockBytes, 'y');
  ASSERT_TRUE(large.append(5 * kBlockBytes));
  EXPECT_TRUE(large.last().in_segment);
  const auto content = large.disk.content(large.path());
  // It lies behind 100 bytes; its first whole block begins at the next one.
  EXPECT_EQ(content.substr(kBlockBytes, 4 * kBlockBytes),
            batch.substr(kBlockBytes - 100, 4 * kBlockBytes));
}

TEST(LargeBatch, GoesThroughTheJournalBelowItsLimit) {
  LargeLog large;
  ASSERT_TRUE(large.append(kLarge - 1));
  EXPECT_FALSE(large.last().in_segment);
  ASSERT_TRUE(large.append(kLarge));
  EXPECT_TRUE(large.last().in_segment);
}

TEST(LargeBatch, GoesThroughTheJournalAsTheFirstOfItsPartition) {
  SimDisk disk;
  LogOnDisk log(disk, large_options());
  const std::string value(20'000, 'x');
  ASSERT_TRUE(log.append("a", value));
  EXPECT_FALSE(log.read("a", Seek::to(Offset(0)))->front().in_segment);
  const auto image = disk.crash_image(0);
  LogOnDisk after(*image, large_options());
  EXPECT_THAT(*after.values("a"), ElementsAre(value));
}

TEST(LargeBatch, ReadsTheSameFromEverywhereAtEachAlignment) {
  for (const std::size_t first : {100u, 4095u, 4096u, 4097u, 8191u}) {
    for (const std::size_t more : {0u, 1u, 100u, 4095u}) {
      LargeLog large(first);
      for (const char fill : {'p', 'q', 'r'}) {
        ASSERT_TRUE(large.append(kLarge + more, fill));
        EXPECT_TRUE(large.last().in_segment);
      }
      ASSERT_TRUE(large.append(200, 's'));
      const auto expected = large.bytes_of(large.log);
      ASSERT_EQ(expected.size(), 5u);
      const auto image = large.disk.crash_image(0);
      LogOnDisk after_cut(*image, large_options());
      EXPECT_EQ(large.bytes_of(after_cut), expected) << first << " " << more << ", power cut";
      ASSERT_TRUE(large.log.log->checkpoint());
      EXPECT_EQ(large.bytes_of(large.log), expected) << first << " " << more << ", segments";
      ASSERT_TRUE(large.log.reopen());
      EXPECT_EQ(large.bytes_of(large.log), expected) << first << " " << more << ", restart";
    }
  }
}

TEST(LargeBatch, MayBeginASegment) {
  auto options = large_options();
  options.segment_bytes = kLarge;
  LargeLog large(100, options);
  for (const char fill : {'p', 'q'}) {
    ASSERT_TRUE(large.append(kLarge, fill));
    const auto batch = large.last();
    EXPECT_TRUE(batch.in_segment);
    EXPECT_EQ(batch.segment, batch.base_offset);
    EXPECT_EQ(batch.position, 0u);
  }
  const auto expected = large.bytes_of(large.log);
  for (const std::uint64_t seed : {0u, 1u, 2u, 3u, 7u}) {
    const auto image = large.disk.crash_image(seed);
    LogOnDisk after(*image, options);
    EXPECT_EQ(large.bytes_of(after), expected) << seed;
  }
}

TEST(LargeBatch, FindsItsFileOnTheDiskAlsoWhenTheFlusherHasOnlyJustMadeIt) {
  auto options = large_options();
  options.segment_bytes = 2 * kLarge;
  options.buffer_bytes_max = 128 << 10;  // Half of it makes the flusher move, without a checkpoint.
  LargeLog large(100, options);
  ASSERT_TRUE(large.append(2 * kLarge - 10'000, 'p'));
  ASSERT_TRUE(large.append(11'000, 'q'));  // Begins a segment, through the journal.
  const auto segment = large.last().segment;
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(large.log.append("b", std::string(8000, 'b')));
  while (large.log.find("a")->partitions[0]->segments()->back().base_offset != segment)
    std::this_thread::yield();
  ASSERT_TRUE(large.append(kLarge, 'r'));
  ASSERT_EQ(large.last().segment, segment);
  ASSERT_TRUE(large.last().in_segment);
  const auto expected = large.bytes_of(large.log);
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const auto image = large.disk.crash_image(seed);
    LogOnDisk after(*image, options);
    ASSERT_TRUE(after.log) << seed;
    EXPECT_EQ(large.bytes_of(after), expected) << seed;
  }
}

TEST(LargeBatch, GoesThroughTheJournalWhenItsBlocksFindNoSpace) {
  LargeLog large;
  large.disk.set_free_bytes(0);
  large.disk.fail_when([](std::string_view operation, const std::string& path) {
    return operation == "write" && path.ends_with(".log");
  });
  ASSERT_TRUE(large.append(kLarge));
  EXPECT_FALSE(large.last().in_segment);
  large.disk.fail_when(nullptr);
  large.disk.set_free_bytes(1ull << 40);
  ASSERT_TRUE(large.append(kLarge, 'z'));
  EXPECT_TRUE(large.last().in_segment);
  const auto expected = large.bytes_of(large.log);
  const auto image = large.disk.crash_image(0);
  LogOnDisk after(*image, large_options());
  EXPECT_EQ(large.bytes_of(after), expected);
  ASSERT_TRUE(large.log.log->checkpoint());
  EXPECT_EQ(large.bytes_of(large.log), expected);
}

// `failing` of the segment's file fails.
void expect_end(std::string_view failing) {
  auto options = large_options();
  std::string reason;
  options.fail = [&](const std::string& why) { reason = why; };
  LargeLog large(100, options);
  large.disk.fail_when([&](std::string_view operation, const std::string& path) {
    return operation == failing && path.ends_with(".log");
  });
  EXPECT_FALSE(large.append(kLarge));
  EXPECT_FALSE(large.log.log->append({}));
  EXPECT_THAT(reason, HasSubstr(large.path()));
  large.disk.fail_when(nullptr);
  ASSERT_TRUE(large.log.reopen());
  EXPECT_EQ(large.bytes_of(large.log).size(), 1u);
  EXPECT_TRUE(large.append(kLarge));
}

TEST(LargeBatch, EndsTheLogWhenItsBlocksCannotBeWritten) { expect_end("write"); }

TEST(LargeBatch, EndsTheLogWhenItsBlocksCannotBeSynced) { expect_end("sync"); }

// The power goes at each step of one large append: it is there when it was acknowledged, and when
// it is not, what comes after takes its place.
TEST(LargeBatch, IsWholeOrNotThereWheneverThePowerGoes) {
  bool lost = false;
  for (std::uint64_t step = 1;; ++step) {
    LargeLog large;
    large.disk.crash_at_step(large.disk.steps() + step, step);
    ASSERT_TRUE(large.append(kLarge + 100));
    const bool acknowledged = !large.disk.image_taken();
    if (acknowledged && step > 1) break;
    const auto image = large.disk.take_image();
    ASSERT_TRUE(image);
    LogOnDisk after(*image, large_options());
    ASSERT_TRUE(after.log) << step;
    const auto found = large.bytes_of(after).size();
    lost = lost || found == 1;
    ASSERT_TRUE(found == 1 || found == 2) << step;
    ASSERT_TRUE(after.append_bytes("a", batch_of_bytes(kLarge, 'n')));
    ASSERT_TRUE(after.append_bytes("a", batch_of_bytes(100, 'n')));
    const auto expected = large.bytes_of(after);
    ASSERT_TRUE(after.reopen());
    EXPECT_EQ(large.bytes_of(after), expected) << step;
  }
  EXPECT_TRUE(lost);
}

TEST(LargeBatch, IsNamedByFileAndByteWhenItsBlocksAreDamaged) {
  LargeLog large;
  ASSERT_TRUE(large.append(kLarge));
  ASSERT_TRUE(large.append(kLarge));  // Proves that the one before was stored.
  const auto image = large.disk.crash_image(0);
  const auto whole = image->content(large.path());
  const auto expect_damaged = [&] {
    const auto opened = Log::open(*image, large.log.clock, large.log.random, large_options());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::Corrupt);
    EXPECT_THAT(opened.error().message(), HasSubstr(large.path() + " is damaged at byte 100"));
  };
  for (const std::size_t at : {kBlockBytes, kBlockBytes + 700, 2 * kBlockBytes - 1}) {
    auto content = whole;
    content[at] ^= 1;
    image->set_content(large.path(), content);
    expect_damaged();
    EXPECT_EQ(image->content(large.path()), content);  // Nothing is destroyed.
  }
  image->set_content(large.path(), whole.substr(0, kBlockBytes + 5));
  expect_damaged();
  ASSERT_TRUE(image->remove(large.path()));
  EXPECT_FALSE(Log::open(*image, large.log.clock, large.log.random, large_options()));
}

TEST(LargeBatch, KeepsToItsOwnTopicWhenAnotherTakesTheName) {
  SimDisk disk;
  LogOnDisk log(disk, large_options());
  for (const char fill : {'o', 'n'}) {  // The old one's file is still open as the new one writes.
    ASSERT_TRUE(log.append("a", "first"));
    ASSERT_TRUE(log.log->checkpoint());
    ASSERT_TRUE(log.append("a", std::string(kLarge, fill)));
    ASSERT_TRUE(log.read("a", Seek::to(Offset(1)))->front().in_segment);
    if (fill == 'o') ASSERT_TRUE(log.remove(log.find("a")));
  }
  const auto image = disk.crash_image(0);
  LogOnDisk after(*image, large_options());
  EXPECT_THAT(*after.values("a"), ElementsAre("first", std::string(kLarge, 'n')));
  ASSERT_TRUE(log.log->checkpoint());
  EXPECT_THAT(*log.values("a"), ElementsAre("first", std::string(kLarge, 'n')));
}

}  // namespace
}  // namespace myelin::log
