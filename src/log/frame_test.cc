#include "log/frame.h"

#include <gmock/gmock.h>

#include "base/bytes.h"
#include "log/frame_buffer.h"

namespace myelin::log {
namespace {

using ::testing::HasSubstr;

Uuid uuid_of(std::uint8_t seed) {
  Uuid id;
  id.bytes.fill(seed);
  return id;
}

const BatchEntry kBatch{{uuid_of(7), PartitionIndex(3)},
                        timestamp_from_ms(1'700'000'000'123),
                        5,
                        "the bytes of a batch"};
const TopicSpec kTopic{uuid_of(9), "lab..results", 4, R"({"a":1})"};

std::string body_of(const BatchEntry& batch, const TopicSpec& topic) {
  std::string body(kBatchEntryOverhead + batch.bytes.size() + create_topic_bytes(topic), '\0');
  char* at = write_batch_entry(body.data(), batch);
  at = write_create_topic(at, topic);
  EXPECT_EQ(at, body.data() + body.size());
  return body;
}

FrameHeader header_of(std::string_view body) {
  FrameHeader header;
  header.directory = uuid_of(1);
  header.incarnation = 11;
  header.lap = 12;
  header.secret = 0x1234567890abcdef;
  header.commit = CommitNumber(13);
  header.durable_through = CommitNumber(12);
  header.body_bytes = static_cast<std::uint32_t>(body.size());
  header.entry_count = 2;
  return header;
}

std::string encoded(const FrameHeader& header, std::string_view body) {
  std::string bytes(kFrameHeaderBytes, '\0');
  encode_frame_header(bytes.data(), header, body);
  return bytes;
}

bool accepted(std::string_view head, std::string_view body) {
  const auto header = decode_frame_header(head);
  return header && header->body_bytes == body.size() && frame_checks(head, body);
}

TEST(Frame, ReadsBackTheHeaderThatWasWritten) {
  const auto body = body_of(kBatch, kTopic);
  const auto written = header_of(body);
  const auto head = encoded(written, body);
  ASSERT_TRUE(accepted(head, body));
  const auto read = *decode_frame_header(head);
  EXPECT_EQ(read.directory, written.directory);
  EXPECT_EQ(read.incarnation, written.incarnation);
  EXPECT_EQ(read.lap, written.lap);
  EXPECT_EQ(read.secret, written.secret);
  EXPECT_EQ(read.commit, written.commit);
  EXPECT_EQ(read.durable_through, written.durable_through);
  EXPECT_EQ(read.body_bytes, written.body_bytes);
  EXPECT_EQ(read.entry_count, written.entry_count);
}

TEST(Frame, ReadsBackABatchEntry) {
  const auto body = body_of(kBatch, kTopic);
  const auto batch = std::get<BatchEntry>(decode_entries(body, 2)->at(0));
  EXPECT_EQ(batch.partition, kBatch.partition);
  EXPECT_EQ(batch.received, kBatch.received);
  EXPECT_EQ(batch.first_record, kBatch.first_record);
  EXPECT_EQ(batch.bytes, kBatch.bytes);
  EXPECT_FALSE(batch.begins_segment);
}

TEST(Frame, ReadsBackThatABatchBeginsASegment) {
  auto written = kBatch;
  written.begins_segment = true;
  const auto body = body_of(written, kTopic);
  EXPECT_TRUE(std::get<BatchEntry>(decode_entries(body, 2)->at(0)).begins_segment);
}

StoredEntry stored_entry() {
  return {.partition = kBatch.partition,
          .received = kBatch.received,
          .first_record = 5,
          .begins_segment = true,
          .segment = Offset(77),
          .position = 123'456,
          .batch_bytes = 1'000'000,
          .header_crc = 0xdeadbeef,
          .head = "the first bytes",
          .tail = "and the last"};
}

std::string body_of(const StoredEntry& entry) {
  std::string body(kStoredEntryOverhead + entry.head.size() + entry.tail.size(), '\0');
  EXPECT_EQ(write_stored_entry(body.data(), entry), body.data() + body.size());
  return body;
}

TEST(Frame, ReadsBackAStoredBatch) {
  const auto written = stored_entry();
  const auto body = body_of(written);
  const auto read = std::get<StoredEntry>(decode_entries(body, 1)->at(0));
  EXPECT_EQ(read.partition, written.partition);
  EXPECT_EQ(read.received, written.received);
  EXPECT_EQ(read.first_record, written.first_record);
  EXPECT_EQ(read.begins_segment, written.begins_segment);
  EXPECT_EQ(read.segment, written.segment);
  EXPECT_EQ(read.position, written.position);
  EXPECT_EQ(read.batch_bytes, written.batch_bytes);
  EXPECT_EQ(read.header_crc, written.header_crc);
  EXPECT_EQ(read.head, written.head);
  EXPECT_EQ(read.tail, written.tail);
}

TEST(Frame, ReadsBackADeletedTopicAMovedStartAndAConfiguration) {
  const std::string config = "retention.ms=5\n";
  std::string body(kDeleteTopicBytes + kMoveStartBytes + configure_topic_bytes(config), '\0');
  char* at = write_delete_topic(body.data(), {uuid_of(3)});
  at = write_move_start(at, {kBatch.partition, Offset(9)});
  at = write_configure_topic(at, uuid_of(4), config);
  ASSERT_EQ(at, body.data() + body.size());
  const auto entries = *decode_entries(body, 3);
  EXPECT_EQ(std::get<DeleteTopicEntry>(entries[0]).topic, uuid_of(3));
  EXPECT_EQ(std::get<MoveStartEntry>(entries[1]).partition, kBatch.partition);
  EXPECT_EQ(std::get<MoveStartEntry>(entries[1]).start, Offset(9));
  EXPECT_EQ(std::get<ConfigureTopicEntry>(entries[2]).topic, uuid_of(4));
  EXPECT_EQ(std::get<ConfigureTopicEntry>(entries[2]).config, config);
}

TEST(Frame, ReadsBackATopicThatGrows) {
  std::string body(kAddPartitionsBytes, '\0');
  ASSERT_EQ(write_add_partitions(body.data(), {uuid_of(3), 7}), body.data() + body.size());
  const auto grown = std::get<AddPartitionsEntry>(decode_entries(body, 1)->front());
  EXPECT_EQ(grown.topic, uuid_of(3));
  EXPECT_EQ(grown.count, 7);
}

TEST(Frame, ReadsBackANewTopic) {
  const auto body = body_of(kBatch, kTopic);
  const auto topic = std::get<TopicSpec>(decode_entries(body, 2)->at(1));
  EXPECT_EQ(topic.id, kTopic.id);
  EXPECT_EQ(topic.name, kTopic.name);
  EXPECT_EQ(topic.partitions, kTopic.partitions);
  EXPECT_EQ(topic.config, kTopic.config);
}

TEST(Frame, RefusesEveryFlippedBitOfItsHeader) {
  const auto body = body_of(kBatch, kTopic);
  const auto head = encoded(header_of(body), body);
  for (std::size_t bit = 0; bit < head.size() * 8; ++bit) {
    auto flipped = head;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(accepted(flipped, body)) << "bit " << bit;
  }
}

TEST(Frame, RefusesEveryFlippedBitOfItsBody) {
  const auto body = body_of(kBatch, kTopic);
  const auto head = encoded(header_of(body), body);
  for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
    auto flipped = body;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(accepted(head, flipped)) << "bit " << bit;
  }
}

TEST(Frame, RefusesAHeaderCutAtAnyByte) {
  const auto body = body_of(kBatch, kTopic);
  const auto head = encoded(header_of(body), body);
  for (std::size_t size = 0; size < head.size(); ++size) {
    EXPECT_FALSE(decode_frame_header(std::string_view(head).substr(0, size))) << size;
  }
}

TEST(Frame, RefusesABodyLongerThanAnyThatIsWritten) {
  FrameHeader header = header_of("");
  header.body_bytes = kFrameBytesMax;
  EXPECT_TRUE(decode_frame_header(encoded(header, "")));
  header.body_bytes = kFrameBytesMax + 1;
  EXPECT_FALSE(decode_frame_header(encoded(header, "")));
}

TEST(Frame, HoldsAnEmptyBody) {
  auto header = header_of("");
  header.entry_count = 0;
  EXPECT_TRUE(accepted(encoded(header, ""), ""));
  EXPECT_TRUE(decode_entries("", 0)->empty());
}

TEST(Frame, TakesWholeBlocks) {
  EXPECT_EQ(frame_bytes(0), kBlockBytes);
  EXPECT_EQ(frame_bytes(kBlockBytes - kFrameHeaderBytes), kBlockBytes);
  EXPECT_EQ(frame_bytes(kBlockBytes - kFrameHeaderBytes + 1), 2 * kBlockBytes);
}

TEST(FrameBuffer, IsAlignedAndZeroBehindTheBody) {
  FrameBuffer buffer(100);
  std::memset(buffer.data(), 'x', kFrameHeaderBytes + 100);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % kBlockBytes, 0u);
  EXPECT_EQ(buffer.size(), kBlockBytes);
  EXPECT_EQ(buffer.whole().find_first_not_of('\0', kFrameHeaderBytes + 100),
            std::string_view::npos);
}

TEST(FrameBuffer, KeepsWhatWasWrittenWhileItGrows) {
  FrameBuffer buffer;
  std::string written;
  for (std::size_t i = 1; i < 200; ++i) {
    const std::string piece(i, static_cast<char>('a' + i % 26));
    std::memcpy(buffer.extend(piece.size()), piece.data(), piece.size());
    written += piece;
  }
  buffer.finish();
  EXPECT_EQ(buffer.body_view(), written);
  EXPECT_EQ(buffer.size(), frame_bytes(static_cast<std::uint32_t>(written.size())));
  EXPECT_LE(buffer.size(), buffer.capacity());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % kBlockBytes, 0u);
  EXPECT_EQ(buffer.whole().find_first_not_of('\0', kFrameHeaderBytes + written.size()),
            std::string_view::npos);
}

TEST(FrameBuffer, GivesBackWhatWasForeseenInVain) {
  FrameBuffer buffer;
  buffer.reserve_body(100 * kBlockBytes);
  std::memcpy(buffer.extend(5), "hello", 5);
  buffer.finish();
  EXPECT_EQ(buffer.capacity(), kBlockBytes);
  EXPECT_EQ(buffer.body_view(), "hello");
}

TEST(FrameBuffer, TakesNoMoreMemoryThanWasForeseen) {
  FrameBuffer buffer;
  buffer.reserve_body(3 * kBlockBytes - kFrameHeaderBytes);
  (void)buffer.extend(3 * kBlockBytes - kFrameHeaderBytes);
  buffer.finish();
  EXPECT_EQ(buffer.capacity(), 3 * kBlockBytes);
}

TEST(FrameEntries, RefuseABodyCutAtAnyByte) {
  const auto body = body_of(kBatch, kTopic);
  for (std::size_t size = 0; size < body.size(); ++size) {
    const auto decoded = decode_entries(std::string_view(body).substr(0, size), 2);
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().code(), ErrorCode::Corrupt);
  }
}

TEST(FrameEntries, RefuseACountThatIsNotTheirs) {
  const auto body = body_of(kBatch, kTopic);
  for (const std::uint32_t count : {0u, 1u, 3u, 0xffffffffu}) {
    EXPECT_FALSE(decode_entries(body, count)) << count;
  }
}

TEST(FrameEntries, RefuseAnUnknownType) {
  for (const std::uint32_t type : {0u, 8u, 0x80000001u}) {
    auto body = body_of(kBatch, kTopic);
    store_le(body.data(), type);
    const auto decoded = decode_entries(body, 2);
    ASSERT_FALSE(decoded) << type;
    EXPECT_THAT(decoded.error().message(), HasSubstr("entry 0"));
  }
}

TEST(FrameEntries, RefuseABatchWithoutRoomForItsFields) {
  std::string body(8 + 16, '\0');
  store_le(body.data(), std::uint32_t{1});
  store_le(body.data() + 4, std::uint32_t{16});
  EXPECT_FALSE(decode_entries(body, 1));
}

TEST(FrameEntries, RefuseAStoredBatchThatCannotBe) {
  EXPECT_TRUE(decode_entries(body_of(stored_entry()), 1));
  const auto refused = [](auto change) {
    auto entry = stored_entry();
    change(entry);
    return !decode_entries(body_of(entry), 1);
  };
  const std::string block(kBlockBytes, 'x');
  EXPECT_TRUE(refused([&](StoredEntry& entry) { entry.head = block; }));
  EXPECT_TRUE(refused([&](StoredEntry& entry) { entry.tail = block; }));
  EXPECT_TRUE(refused([](StoredEntry& entry) { entry.batch_bytes = 20; }));
  EXPECT_TRUE(refused([](StoredEntry& entry) { entry.batch_bytes = kFrameBytesMax + 1; }));
  EXPECT_TRUE(refused([](StoredEntry& entry) { entry.segment = Offset(-1); }));
  EXPECT_TRUE(refused([](StoredEntry& entry) { entry.position = kSegmentBytesMax + 1; }));
}

TEST(FrameEntries, RefuseAStartBelowZero) {
  std::string body(kMoveStartBytes, '\0');
  write_move_start(body.data(), {kBatch.partition, Offset(-1)});
  EXPECT_FALSE(decode_entries(body, 1));
}

TEST(FrameEntries, RefuseATopicThatDoesNotGrow) {
  std::string body(kAddPartitionsBytes, '\0');
  for (const std::int32_t count : {-1, 0, 1, kPartitionsMax + 1}) {
    write_add_partitions(body.data(), {uuid_of(3), count});
    EXPECT_FALSE(decode_entries(body, 1)) << count;
  }
  write_add_partitions(body.data(), {uuid_of(3), kPartitionsMax});
  EXPECT_TRUE(decode_entries(body, 1));
}

TEST(FrameEntries, RefuseATopicThatCouldNotBeAFolder) {
  const auto refused = [](const TopicSpec& topic) {
    std::string body(create_topic_bytes(topic), '\0');
    write_create_topic(body.data(), topic);
    return !decode_entries(body, 1);
  };
  EXPECT_FALSE(refused(kTopic));
  for (const std::string name : {"", ".", "..", "../../etc", "a/b"}) {
    EXPECT_TRUE(refused({kTopic.id, name, 1, ""})) << name;
  }
  for (const std::int32_t partitions : {-1, 0, kPartitionsMax + 1}) {
    EXPECT_TRUE(refused({kTopic.id, "a", partitions, ""})) << partitions;
  }
}

TEST(FrameEntries, RefuseATopicWithBytesBehindItsFields) {
  std::string body(create_topic_bytes(kTopic) + 1, '\0');
  write_create_topic(body.data(), kTopic);
  store_le(body.data() + 4, static_cast<std::uint32_t>(body.size() - 8));
  EXPECT_FALSE(decode_entries(body, 1));
}

}  // namespace
}  // namespace myelin::log
