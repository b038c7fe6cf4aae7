#include "log/commit_builder.h"

#include <gmock/gmock.h>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;

constexpr std::size_t kLarge = 3 * kBlockBytes;
constexpr CommitNumber kCommit(77);

class CommitBuilderTest : public ::testing::Test {
 protected:
  CommitBuilderTest() {
    for (const auto* path : {"/data", "/data/topics", "/data/topics/a-0"})
      EXPECT_TRUE(disk_.make_directory(path));
    Uuid id;
    id.bytes.fill(3);
    topic_ = std::make_shared<Topic>();
    topic_->spec = {id, "a", 1, "{}"};
    topic_->partitions.push_back(std::make_unique<Partition>(
        files_, PartitionId{id, PartitionIndex(0)}, "/data/topics/a-0", PartitionState{}));
  }

  NewBatch batch(std::size_t bytes, int records = 1) {
    auto made = records == 1 ? batch_of_bytes(bytes) : batch_of("v", records);
    kafka::set_base_offset(made.data(), next_);
    next_ += records;
    return {topic_->partitions[0].get(), std::move(made)};
  }
  void add(Write write) { ASSERT_TRUE(builder_.add(write, timestamp_from_ms(5))); }
  // The entries of the frame's body, as a replay would read them.
  std::vector<Entry> finish() {
    built_ = builder_.finish();
    auto entries = decode_entries(built_.frame->body_view(), built_.entry_count);
    EXPECT_TRUE(entries) << (entries ? "" : entries.error().message());
    return entries ? std::move(*entries) : std::vector<Entry>();
  }

  SimDisk disk_;
  FilePool files_{disk_, 4};
  LargeBatchWriter large_batches_{disk_};
  CommitBuilder builder_{large_batches_, kLarge, kCommit, {}};
  TopicPtr topic_;
  std::int64_t next_ = 0;
  CommitBuilder::Built built_;
};

TEST_F(CommitBuilderTest, WritesWhatEachWriteDoesInItsOrder) {
  Write first;
  first.topics.push_back(topic_);
  first.batches.push_back(batch(100));
  Write second;
  second.deleted.push_back(topic_);
  second.starts.push_back({topic_, topic_->partitions[0].get(), Offset(2)});
  second.configs.push_back({topic_, "{1}"});
  second.batches.push_back(batch(200));
  add(std::move(first));
  add(std::move(second));
  std::vector<std::size_t> kinds;
  for (const auto& entry : finish()) kinds.push_back(entry.index());
  // Batch, topic, stored, deletion, start, configuration: as Entry lists them.
  EXPECT_THAT(kinds, ElementsAre(1, 0, 0, 5, 4, 3));
  EXPECT_EQ(built_.commit->batches.size(), 2u);
  EXPECT_EQ(built_.commit->topics.size() + built_.commit->configs.size(), 2u);
  EXPECT_EQ(built_.commit->starts.size() + built_.commit->deleted.size(), 2u);
}

TEST_F(CommitBuilderTest, CountsRecordsThroughTheCommit) {
  Write first;
  first.batches.push_back(batch(0, 4));
  Write second;
  second.batches.push_back(batch(100));
  second.batches.push_back(batch(0, 3));
  add(std::move(first));
  add(std::move(second));
  const auto entries = finish();
  std::vector<std::uint32_t> places;
  for (const auto& entry : entries) places.push_back(std::get<BatchEntry>(entry).first_record);
  EXPECT_THAT(places, ElementsAre(0u, 4u, 5u));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& ref = built_.commit->batches[i];
    EXPECT_EQ(ref.first_record, places[i]);
    EXPECT_EQ(ref.commit, kCommit);
    EXPECT_EQ(ref.bytes, std::get<BatchEntry>(entries[i]).bytes);
    EXPECT_EQ(ref.received, timestamp_from_ms(5));
  }
  EXPECT_EQ(built_.commit->batches[2].base_offset, Offset(5));
  EXPECT_EQ(built_.commit->batches[2].last_offset, Offset(7));
}

TEST_F(CommitBuilderTest, TellsWhichBatchesBeginASegment) {
  topic_->partitions[0]->segment_bytes = 250;
  Write write;
  for (int i = 0; i < 4; ++i) write.batches.push_back(batch(100));
  add(std::move(write));
  std::vector<bool> begins;
  for (const auto& entry : finish()) begins.push_back(std::get<BatchEntry>(entry).begins_segment);
  EXPECT_THAT(begins, ElementsAre(true, false, true, false));
  EXPECT_EQ(built_.commit->batches[3].segment, Offset(2));
  EXPECT_EQ(built_.commit->batches[3].position, 100u);
}

TEST_F(CommitBuilderTest, NamesALargeBatchInsteadOfCopyingIt) {
  topic_->partitions[0]->directory_is_durable = true;
  Write write;
  write.batches.push_back(batch(1000));
  write.batches.push_back(batch(kLarge + 50));
  const auto bytes = write.batches.back().bytes;
  add(std::move(write));
  EXPECT_EQ(builder_.large_bytes(), bytes.size());
  const auto entries = finish();
  const auto& stored = std::get<StoredEntry>(entries.at(1));
  EXPECT_EQ(stored.position, 1000u);
  EXPECT_EQ(stored.batch_bytes, bytes.size());
  EXPECT_EQ(stored.head, bytes.substr(0, kBlockBytes - 1000));
  EXPECT_EQ(stored.tail, bytes.substr(bytes.size() - stored.tail.size()));
  EXPECT_EQ((stored.position + bytes.size() - stored.tail.size()) % kBlockBytes, 0u);
  EXPECT_EQ(stored.header_crc, kafka::header_checksum(bytes));
  EXPECT_EQ(stored.first_record, 1u);
  EXPECT_TRUE(built_.commit->batches[1].in_segment);
  EXPECT_EQ(built_.commit->batches[1].bytes, bytes);
  EXPECT_EQ(built_.commit->bytes, built_.frame->capacity() + bytes.size());
}

TEST_F(CommitBuilderTest, KeepsTheLargeBatchInTheFrameAsLongAsTheDirectoryIsNotDurable) {
  Write write;
  write.batches.push_back(batch(kLarge));
  add(std::move(write));
  EXPECT_TRUE(std::holds_alternative<BatchEntry>(finish().at(0)));
  EXPECT_EQ(builder_.large_bytes(), 0u);
  EXPECT_FALSE(built_.commit->batches[0].in_segment);
}

TEST_F(CommitBuilderTest, PinsNothingWithoutBatches) {
  Write write;
  write.starts.push_back({topic_, topic_->partitions[0].get(), Offset(0)});
  add(std::move(write));
  EXPECT_EQ(finish().size(), 1u);
  EXPECT_EQ(built_.commit->bytes, 0u);
}

TEST_F(CommitBuilderTest, SaysWhenALargeBatchCannotBeWritten) {
  topic_->partitions[0]->directory_is_durable = true;
  disk_.fail_when(
      [](std::string_view operation, const std::string&) { return operation == "write"; });
  Write write;
  write.batches.push_back(batch(kLarge));
  const auto status = builder_.add(write, {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::Unavailable);
}

}  // namespace
}  // namespace myelin::log
