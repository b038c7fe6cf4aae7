#include "log/replay.h"

#include <gmock/gmock.h>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::HasSubstr;

const PartitionId kPartition{Uuid{}, PartitionIndex(0)};

// Frames written by hand, and a catalogue of one topic with the records 0 to 9 in one segment.
class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() {
    EXPECT_TRUE(disk_.make_directory("/a-0"));
    PartitionState state;
    state.end = Offset(10);
    state.segments = {{Offset(0), 500, 10}};
    catalogue_.add(make({kPartition.topic, "a", 1, "{}"}, state));
  }

  TopicPtr make(TopicSpec spec, const PartitionState& state) {
    auto topic = std::make_shared<Topic>();
    topic->spec = std::move(spec);
    topic->partitions.push_back(std::make_unique<Partition>(
        files_, PartitionId{topic->spec.id, PartitionIndex(0)}, "/a-0", state));
    return topic;
  }
  static std::string batch_at(std::int64_t offset, std::size_t bytes = 100) {
    auto batch = batch_of_bytes(bytes);
    kafka::set_base_offset(batch.data(), offset);
    return batch;
  }

  // Each adds an entry to the next frame.
  void add_batch(std::string_view bytes, bool begins_segment = false,
                 const PartitionId& id = kPartition) {
    add(kBatchEntryOverhead + bytes.size(), [&](char* to) {
      return write_batch_entry(to, {id, timestamp_from_ms(5), 0, bytes, begins_segment});
    });
  }
  void add_stored(const StoredEntry& entry) {
    add(kStoredEntryOverhead + entry.head.size() + entry.tail.size(),
        [&](char* to) { return write_stored_entry(to, entry); });
  }
  void add_start(Offset start, const PartitionId& id = kPartition) {
    add(kMoveStartBytes, [&](char* to) { return write_move_start(to, {id, start}); });
  }
  void add_config(const TopicId& id, std::string_view config) {
    add(configure_topic_bytes(config),
        [&](char* to) { return write_configure_topic(to, id, config); });
  }
  void add_partitions(const TopicId& id, std::int32_t count) {
    add(kAddPartitionsBytes, [&](char* to) { return write_add_partitions(to, {id, count}); });
  }
  void add_deletion(const TopicId& id) {
    add(kDeleteTopicBytes, [&](char* to) { return write_delete_topic(to, {id}); });
  }
  void add_topic(const TopicSpec& spec) {
    add(create_topic_bytes(spec), [&](char* to) { return write_create_topic(to, spec); });
  }
  Result<std::shared_ptr<Commit>> replay() {
    StoredFrame frame;
    frame.header.commit = CommitNumber(42);
    frame.header.body_bytes = static_cast<std::uint32_t>(body_.size());
    frame.header.entry_count = std::exchange(entries_, 0);
    frame.buffer = std::make_shared<FrameBuffer>(frame.header.body_bytes);
    body_.copy(frame.buffer->body(), body_.size());
    body_.clear();
    return replay_frame(catalogue_, frame);
  }
  void expect_corrupt(const std::string& words) {
    const auto refused = replay();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::Corrupt);
    EXPECT_THAT(refused.error().message(), HasSubstr("commit 42"));
    EXPECT_THAT(refused.error().message(), HasSubstr(words));
  }

  // A large batch behind the 500 bytes, and its entry; its blocks are in the segment.
  StoredEntry store(const std::string& batch, std::uint64_t position = 500) {
    const auto edges = block_edges(position, batch.size());
    disk_.set_content("/a-0/00000000000000000000.log", std::string(position, '-') + batch);
    return {.partition = kPartition,
            .received = timestamp_from_ms(5),
            .segment = Offset(0),
            .position = position,
            .batch_bytes = static_cast<std::uint32_t>(batch.size()),
            .header_crc = kafka::header_checksum(batch),
            .head = std::string_view(batch).substr(0, edges->head),
            .tail = std::string_view(batch).substr(batch.size() - edges->tail)};
  }

  SimDisk disk_;
  FilePool files_{disk_, 4};
  ReplayCatalogue catalogue_{files_, [this](const TopicSpec& spec, PartitionIndex index) {
                               return std::make_unique<Partition>(
                                   files_, PartitionId{spec.id, index}, "/a-0", PartitionState{});
                             }};

 private:
  template <class Writer>
  void add(std::size_t bytes, Writer write) {
    const auto at = body_.size();
    body_.resize(at + bytes);
    ASSERT_EQ(write(body_.data() + at), body_.data() + body_.size());
    ++entries_;
  }

  std::string body_;
  std::uint32_t entries_ = 0;
};

TEST_F(ReplayTest, PutsBatchesWhereTheFrameSays) {
  add_batch(batch_at(10));
  add_batch(batch_at(11), true);
  add_batch(batch_at(12));
  const auto commit = replay();
  ASSERT_TRUE(commit) << commit.error().message();
  const auto& batches = (*commit)->batches;
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[0].segment, Offset(0));
  EXPECT_EQ(batches[0].position, 500u);
  EXPECT_EQ(batches[1].segment, Offset(11));
  EXPECT_EQ(batches[2].position, 100u);
  EXPECT_EQ(batches[2].commit, CommitNumber(42));
}

TEST_F(ReplayTest, RefusesABatchThatDoesNotFollow) {
  for (const std::int64_t offset : {0, 9, 11, 1'000}) {
    add_batch(batch_at(offset));
    expect_corrupt(fmt::format("a batch at offset {} where 10 comes next", offset));
  }
}

TEST_F(ReplayTest, RefusesABatchOfASegmentThatWasNeverBegun) {
  add_start(Offset(10));
  add_batch(batch_at(10));
  expect_corrupt("never begun");
}

TEST_F(ReplayTest, PlacesByLimitsWhereFramesDoNotTell) {
  catalogue_.tells_placement = false;
  add_start(Offset(10));
  add_batch(batch_at(10));
  const auto commit = replay();
  ASSERT_TRUE(commit);
  EXPECT_EQ((*commit)->batches[0].segment, Offset(10));
}

TEST_F(ReplayTest, RefusesWhatIsNotABatch) {
  add_batch(batch_at(10) + "x");
  expect_corrupt("not a record batch");
}

TEST_F(ReplayTest, RefusesEntriesOfUnknownTopicsAndPartitions) {
  Uuid other;
  other.bytes.fill(9);
  for (const auto& id :
       {PartitionId{other, PartitionIndex(0)}, PartitionId{kPartition.topic, PartitionIndex(1)}}) {
    add_batch(batch_at(10), false, id);
    expect_corrupt("does not exist");
    add_start(Offset(1), id);
    expect_corrupt("does not exist");
  }
  add_config(other, "{}");
  expect_corrupt("does not exist");
  add_deletion(other);
  expect_corrupt("does not exist");
}

TEST_F(ReplayTest, ReadsALargeBatchFromItsSegment) {
  const auto batch = batch_at(10, 4 * kBlockBytes);
  add_stored(store(batch));
  const auto commit = replay();
  ASSERT_TRUE(commit) << commit.error().message();
  const auto& found = (*commit)->batches.at(0);
  EXPECT_EQ(found.bytes, batch);
  EXPECT_TRUE(found.in_segment);
  EXPECT_EQ(found.position, 500u);
}

TEST_F(ReplayTest, RefusesALargeBatchThatIsNotWhereTheOthersEnd) {
  const auto batch = batch_at(10, 4 * kBlockBytes);
  add_stored(store(batch, 501));
  expect_corrupt("not where the ones before it end");
}

TEST_F(ReplayTest, RefusesALargeBatchOfAnotherName) {
  const auto batch = batch_at(10, 4 * kBlockBytes);
  auto entry = store(batch);
  ++entry.header_crc;
  add_stored(entry);
  expect_corrupt("/a-0/00000000000000000000.log is damaged at byte 500");
}

TEST_F(ReplayTest, PutsBatchesInPartitionsThatAreNew) {
  const PartitionId added{kPartition.topic, PartitionIndex(2)};
  add_partitions(kPartition.topic, 3);
  add_batch(batch_at(0), true, added);
  const auto commit = replay();
  ASSERT_TRUE(commit) << commit.error().message();
  ASSERT_EQ((*commit)->grown.size(), 1u);
  EXPECT_EQ((*commit)->grown[0].count, 3);
  EXPECT_EQ((*commit)->partitions[0], catalogue_.find(added));
  EXPECT_EQ(catalogue_.find({kPartition.topic, PartitionIndex(3)}), nullptr);
}

TEST_F(ReplayTest, RefusesPartitionsThatAreThereOrOfNoTopic) {
  add_partitions(kPartition.topic, 2);
  ASSERT_TRUE(replay());
  add_partitions(kPartition.topic, 2);
  expect_corrupt("topic a is to grow to 2 partitions and has 2");
  Uuid other;
  other.bytes.fill(9);
  add_partitions(other, 2);
  expect_corrupt("does not exist");
}

TEST_F(ReplayTest, ChangesTheCatalogue) {
  Uuid other;
  other.bytes.fill(9);
  add_topic({other, "b", 1, "{}"});
  add_batch(batch_at(0), true, {other, PartitionIndex(0)});
  add_config(other, "{2}");
  add_deletion(kPartition.topic);
  const auto commit = replay();
  ASSERT_TRUE(commit) << commit.error().message();
  EXPECT_EQ(catalogue_.find(kPartition), nullptr);
  EXPECT_EQ(catalogue_.topics.at(other)->spec.config, "{2}");
  EXPECT_EQ((*commit)->deleted.size(), 1u);
  EXPECT_EQ((*commit)->topics.size(), 1u);
}

}  // namespace
}  // namespace myelin::log
