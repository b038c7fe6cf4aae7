#include "log/checkpoint.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "formats/kafka/record_batch.h"

namespace myelin::log {
namespace {

using ::testing::HasSubstr;

Uuid uuid_of(std::uint32_t seed) {
  Uuid id;
  std::memcpy(id.bytes.data(), &seed, sizeof seed);
  return id;
}

SegmentState segment_of(std::uint32_t s) {
  SegmentState segment{Offset(s * 10), 500, s};
  segment.generation = s * 3;
  segment.first_received_ms = 1'600'000'000'000 + s;
  segment.last_received_ms = 1'700'000'000'000 + s;
  segment.last_commit = CommitNumber(s + 5);
  segment.max_timestamp_ms = 1'800'000'000'000 + s;
  return segment;
}

ProducerState producer_of(std::uint32_t p, std::size_t batches) {
  ProducerState producer;
  producer.id = (std::int64_t{3} << 32) + p;
  producer.epoch = static_cast<std::int16_t>(p);
  producer.last_received_ms = 1'700'000'000'000 + p;
  producer.last_timestamp_ms = 1'800'000'000'000 + p;
  producer.batch_count = static_cast<std::uint8_t>(batches);
  for (std::size_t b = 0; b < batches; ++b) {
    const auto n = static_cast<std::int32_t>(b);
    producer.batches[b] = {Offset(p + n), 1'800'000'000'000 - n, 0x7ffffffe + (n == 1), n};
  }
  return producer;
}

Checkpoint checkpoint_of(std::uint32_t topics) {
  Checkpoint checkpoint;
  checkpoint.directory = uuid_of(77);
  checkpoint.incarnation = 3;
  checkpoint.secret = 0x1234567890abcdef;
  checkpoint.through = CommitNumber(1'000'000);
  checkpoint.replay = {9, 4096};
  checkpoint.journal_file_bytes = 128u << 20;
  checkpoint.journal_file_count = 3;
  checkpoint.clean = true;
  checkpoint.last_received = timestamp_from_ms(1'700'000'000'000);
  for (std::uint32_t t = 0; t < topics; ++t) {
    auto& topic = checkpoint.topics[uuid_of(t)];
    topic.name = fmt::format("topic-{}", t);
    topic.config = t % 2 == 0 ? "{}" : "";
    topic.partitions.resize(t % 4);
    for (std::uint32_t p = 0; p < topic.partitions.size(); ++p) {
      auto& partition = topic.partitions[p];
      partition.start = Offset(p);
      partition.end = Offset(p + 100);
      partition.compacted_through = Offset(p + 50);
      for (std::int32_t e = 0; e < static_cast<std::int32_t>(p); ++e)
        partition.epochs.push_back({e * 2, Offset(e * 7)});
      for (std::uint32_t s = 0; s < p; ++s) partition.segments.push_back(segment_of(s));
      for (std::uint32_t i = 0; i < 3 * p; ++i) partition.producers.add(producer_of(9 - i, i));
    }
  }
  return checkpoint;
}

// As if it had been written so: the checksum is right.
std::string with_body(std::string bytes, std::size_t at, char value) {
  bytes[at] = value;
  store_le(bytes.data() + 12, crc32c(std::string_view(bytes).substr(24)));
  return bytes;
}

TEST(Checkpoint, ReadsBackManyTopics) {
  const auto written = checkpoint_of(1000);
  const auto read = decode_checkpoint(encode_checkpoint(written));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, written);
}

TEST(Checkpoint, ReadsBackNoTopicAtAll) {
  const auto written = checkpoint_of(0);
  EXPECT_EQ(*decode_checkpoint(encode_checkpoint(written)), written);
}

TEST(Checkpoint, RefusesEveryFlippedBit) {
  const auto bytes = encode_checkpoint(checkpoint_of(4));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_checkpoint(flipped)) << "bit " << bit;
  }
}

TEST(Checkpoint, RefusesEveryTruncation) {
  const auto bytes = encode_checkpoint(checkpoint_of(4));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto read = decode_checkpoint(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code(), ErrorCode::Corrupt) << size;
  }
}

TEST(Checkpoint, RefusesBytesBehindItsEnd) {
  EXPECT_FALSE(decode_checkpoint(encode_checkpoint(checkpoint_of(4)) + '\0'));
}

TEST(Checkpoint, TellsANewerFormatFromDamage) {
  auto bytes = encode_checkpoint(checkpoint_of(1));
  store_le(bytes.data() + 8, kDirectoryFormat + 1);
  const auto read = decode_checkpoint(bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::Conflict);
  EXPECT_THAT(read.error().message(), HasSubstr(fmt::format("format {}", kDirectoryFormat + 1)));
}

TEST(Checkpoint, RefusesCountsThatItsBytesDoNotHold) {
  const auto bytes = encode_checkpoint(checkpoint_of(1));
  const std::size_t topics_at = 24 + 80;
  ASSERT_EQ(bytes[topics_at], 1);
  for (const int count : {0, 2, 127}) {
    EXPECT_FALSE(decode_checkpoint(with_body(bytes, topics_at, static_cast<char>(count)))) << count;
  }
}

TEST(Checkpoint, RefusesSegmentsAndEpochsThatDoNotRise) {
  auto checkpoint = checkpoint_of(4);
  auto& partition = checkpoint.topics.rbegin()->second.partitions.at(2);
  ASSERT_EQ(partition.segments.size(), 2u);
  auto wrong = checkpoint;
  wrong.topics.rbegin()->second.partitions[2].segments[1].base_offset = Offset(0);
  EXPECT_FALSE(decode_checkpoint(encode_checkpoint(wrong)));
  partition.epochs[1].epoch = partition.epochs[0].epoch;
  EXPECT_FALSE(decode_checkpoint(encode_checkpoint(checkpoint)));
}

// docs/formats/checkpoint.md: its example, and its producer in place of none.
constexpr std::string_view kExample =
    "0102030405064708890a0b0c0d0e0f1001000000000000001112131415161718020000000000000001000000000000"
    "00"
    "002000000000000000000100000000000300000001000000"
    "0068e5cf8b01000001000000a0a1a2a3a4a5a6a7a8a9aaabacadaeaf030000006c6162020000007b7d01000000"
    "000000000000000001000000000000000000000000000000"
    "0100000000000000000000000000000001000000000000000000000046000000000000000100000000000000000000"
    "0002"
    "000000"
    "0068e5cf8b0100000068e5cf8b01000001000000000000000068e5cf8b010000"
    "0100000000000000010000000068e5cf8b0100000068e5cf8b01000000000100"
    "01000000000000000068e5cf8b0100000200000002000000";

TEST(Checkpoint, IsWhatItsPageSays) {
  std::string body;
  for (std::size_t i = 0; i < kExample.size(); i += 2) {
    body.push_back(static_cast<char>(std::stoi(std::string(kExample.substr(i, 2)), nullptr, 16)));
  }
  std::string bytes;
  ByteWriter out(bytes);
  out.bytes("MYELFCHK");
  out.le(std::uint32_t{3});
  out.le(crc32c(body));
  out.le(std::uint64_t{body.size()});
  out.bytes(body);
  const auto read = decode_checkpoint(bytes);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(encode_checkpoint(*read), bytes);
  ASSERT_EQ(read->topics.size(), 1u);
  const auto& partition = read->topics.begin()->second.partitions.at(0);
  EXPECT_EQ(partition.end, Offset(1));
  EXPECT_EQ(partition.segments.at(0).log_bytes, 70u);
  const auto* producer = partition.producers.find(std::int64_t{1} << 32);
  ASSERT_TRUE(producer);
  EXPECT_EQ(producer->epoch, 0);
  EXPECT_EQ(producer->last_sequence(), 2);
  EXPECT_EQ(producer->batches[0].first_sequence(), 0);
  EXPECT_EQ(producer->batches[0].base_offset, Offset(1));
  EXPECT_EQ(producer->last_received_ms, 1'700'000'000'000);
}

TEST(Checkpoint, ReadsFormat2WhereAPartitionEndsWithItsSegments) {
  auto written = checkpoint_of(0);
  auto& topic = written.topics[uuid_of(1)];
  topic.partitions.resize(1);
  topic.partitions[0].end = Offset(5);
  topic.partitions[0].segments = {segment_of(0)};
  auto bytes = encode_checkpoint(written);
  bytes.resize(bytes.size() - 4);  // The number of producers.
  store_le(bytes.data() + 8, std::uint32_t{2});
  store_le(bytes.data() + 12, crc32c(std::string_view(bytes).substr(24)));
  store_le(bytes.data() + 16, std::uint64_t{bytes.size() - 24});
  const auto read = decode_checkpoint(bytes);
  ASSERT_TRUE(read) << read.error().message();
  written.format = 2;
  EXPECT_EQ(*read, written);
}

TEST(Checkpoint, RefusesProducersThatNobodyWrites) {
  const auto with = [](auto change) {
    auto producer = producer_of(1, 2);
    change(producer);
    Checkpoint checkpoint = checkpoint_of(0);
    auto& topic = checkpoint.topics[uuid_of(1)];
    topic.partitions.resize(1);
    topic.partitions[0].producers.add(producer_of(7, 5));
    topic.partitions[0].producers.add(producer);
    return decode_checkpoint(encode_checkpoint(checkpoint)).has_value();
  };
  EXPECT_TRUE(with([](ProducerState&) {}));
  EXPECT_FALSE(with([](ProducerState& producer) { producer.id = -2; }));
  EXPECT_FALSE(with([](ProducerState& producer) { producer.batches[1].last_sequence = -1; }));
  EXPECT_FALSE(with([](ProducerState& producer) { producer.batches[1].offset_delta = -1; }));
  EXPECT_FALSE(with([](ProducerState& producer) { producer.batches[0].base_offset = Offset(-1); }));
}

TEST(Checkpoint, RefusesAProducerThatIsThereTwiceOrHasTooManyBatches) {
  Checkpoint checkpoint = checkpoint_of(0);
  auto& topic = checkpoint.topics[uuid_of(1)];
  topic.partitions.resize(1);
  for (std::uint32_t i = 0; i < 2; ++i) topic.partitions[0].producers.add(producer_of(i, 0));
  const auto bytes = encode_checkpoint(checkpoint);
  const auto last = bytes.size() - 28;
  EXPECT_TRUE(decode_checkpoint(bytes));
  ASSERT_EQ(bytes[last], 1);
  EXPECT_FALSE(decode_checkpoint(with_body(bytes, last, 0)));
  EXPECT_FALSE(decode_checkpoint(with_body(bytes, bytes.size() - 2, 6)));
}

TEST(Checkpoint, RefusesAPartitionThatEndsBeforeItStarts) {
  auto checkpoint = checkpoint_of(2);
  auto& partition = checkpoint.topics.rbegin()->second.partitions.at(0);
  partition.start = partition.end + 1;
  EXPECT_FALSE(decode_checkpoint(encode_checkpoint(checkpoint)));
}

TEST(Checkpoint, RefusesASegmentOfMoreBatchesThanItsBytesHold) {
  auto checkpoint = checkpoint_of(4);
  auto& segment = checkpoint.topics.rbegin()->second.partitions.at(2).segments.at(1);
  segment.log_bytes = 2 * kafka::kBatchHeaderBytes;
  segment.batch_count = 2;
  EXPECT_TRUE(decode_checkpoint(encode_checkpoint(checkpoint)));
  segment.batch_count = 3;
  EXPECT_FALSE(decode_checkpoint(encode_checkpoint(checkpoint)));
}

}  // namespace
}  // namespace myelin::log
