#include "formats/kafka/record_batch.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "formats/kafka/batch_test_support.h"

namespace myelin::kafka {
namespace {

// All records, or none when the reader refuses one.
std::optional<std::vector<OwnedRecord>> read_all(std::string_view batch) {
  auto reader = RecordReader::open(batch);
  if (!reader) return std::nullopt;
  std::vector<OwnedRecord> records;
  while (true) {
    auto next = reader->next();
    if (!next) return std::nullopt;
    if (!*next) return records;
    EXPECT_EQ((*next)->offset_delta, static_cast<std::int32_t>(records.size()));
    EXPECT_EQ((*next)->headers.size(),
              static_cast<std::size_t>(std::ranges::distance((*next)->headers)));
    records.push_back(own(**next));
  }
}

// One batch around records written by hand, so that they may be wrong.
std::string around(std::string_view records, std::int32_t count, std::int32_t last_delta,
                   std::int64_t base_timestamp = 1000) {
  std::string batch(kBatchHeaderBytes, '\0');
  batch.append(records);
  store_be(batch.data() + 8, static_cast<std::int32_t>(batch.size() - kBatchPrefixBytes));
  batch[16] = kBatchMagic;
  store_be(batch.data() + 23, last_delta);
  store_be(batch.data() + 27, base_timestamp);
  store_be(batch.data() + 35, base_timestamp);
  store_be(batch.data() + 57, count);
  return resealed(std::move(batch));
}

struct RawRecord {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::int32_t key_bytes = -1;
  std::int32_t value_bytes = -1;
  std::int32_t header_count = 0;
  std::string tail = {};
  std::int32_t length_error = 0;
};

std::string raw(const RawRecord& record) {
  std::string body;
  ByteWriter out(body);
  out.le(std::uint8_t{0});
  out.varlong(record.timestamp_delta);
  out.varint(record.offset_delta);
  out.varint(record.key_bytes);
  out.varint(record.value_bytes);
  out.varint(record.header_count);
  body += record.tail;
  std::string bytes;
  ByteWriter(bytes).varint(static_cast<std::int32_t>(body.size()) + record.length_error);
  return bytes + body;
}

ErrorCode refusal(std::string_view batch) {
  auto reader = RecordReader::open(batch);
  if (!reader) return reader.error().code();
  while (true) {
    auto next = reader->next();
    if (!next) return next.error().code();
    if (!*next) return ErrorCode::Internal;  // Nothing was refused.
  }
}

TEST(RecordBatch, HasTheBytesOfKafkasOwnWriter) {
  // MemoryRecords.withRecords of Apache Kafka 4.3.0 with the same three records.
  const std::string golden = from_hex(
      "000000000000000000000062000000000209037f6d0000000000020000018bcfe568000000018bcf"
      "e6b980ffffffffffffffffffffffffffff000000033e0000000a5049442d310a68656c6c6f040874"
      "79706506414454086e6f6e65010e00cf0f02010000100080c60a04000100");
  EXPECT_EQ(build(three_records()), golden);
  EXPECT_EQ(read_all(golden), three_records());
}

TEST(RecordBatch, HasKafkasDefaultsInItsHeader) {
  const std::string batch = build(three_records());
  const auto info = parse_batch_header(batch);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->base_offset, 0);
  EXPECT_EQ(info->size_bytes, batch.size());
  EXPECT_EQ(info->partition_leader_epoch, 0);
  EXPECT_EQ(info->magic, 2);
  EXPECT_EQ(info->crc, crc32c(std::string_view(batch).substr(21)));
  EXPECT_EQ(info->attributes, 0);
  EXPECT_EQ(info->last_offset_delta, 2);
  EXPECT_EQ(info->base_timestamp, 1700000000000);
  EXPECT_EQ(info->max_timestamp, 1700000086400);
  EXPECT_EQ(info->producer_id, -1);
  EXPECT_EQ(info->producer_epoch, -1);
  EXPECT_EQ(info->base_sequence, -1);
  EXPECT_EQ(info->record_count, 3);
  EXPECT_EQ(info->next_offset(), 3);
}

TEST(RecordBatch, CarriesTheFieldsItWasFinishedWith) {
  const BatchFields fields{.partition_leader_epoch = 7,
                           .attributes = kTransactional | kControl,
                           .producer_id = 4'000'000'000'000,
                           .producer_epoch = 12,
                           .base_sequence = 2'000'000'000};
  const auto info = parse_batch_header(build(three_records(), fields));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->partition_leader_epoch, 7);
  EXPECT_TRUE(info->is_transactional());
  EXPECT_TRUE(info->is_control());
  EXPECT_EQ(info->producer_id, 4'000'000'000'000);
  EXPECT_EQ(info->producer_epoch, 12);
  EXPECT_EQ(info->base_sequence, 2'000'000'000);
}

TEST(RecordBatch, OffsetAndEpochMayBeSetWithoutBreakingTheChecksum) {
  std::string batch = build(three_records());
  set_base_offset(batch.data(), 5'000'000'000);
  set_partition_leader_epoch(batch.data(), 3);
  EXPECT_TRUE(verify_batch(batch));
  const auto info = parse_batch_header(batch);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->base_offset, 5'000'000'000);
  EXPECT_EQ(info->last_offset(), 5'000'000'002);
  EXPECT_EQ(info->partition_leader_epoch, 3);
}

TEST(RecordBatch, TheHeadersChecksumCoversEachByteThatTheBatchsLeavesOut) {
  const std::string batch = build(three_records());
  const std::uint32_t before = header_checksum(batch);
  for (std::size_t at = 0; at < kBatchUncheckedBytes; ++at) {
    std::string changed = batch;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_NE(header_checksum(changed), before) << "byte " << at;
  }
}

TEST(RecordBatch, FindsEveryFlippedBitOfThePartItsChecksumCovers) {
  const std::string batch = build(three_records());
  for (std::size_t at = 21; at < batch.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = batch;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      EXPECT_FALSE(verify_batch(changed)) << "byte " << at << " bit " << bit;
    }
  }
}

TEST(RecordBatch, AWrongChecksumIsCorruptAndAWrongLengthIsInvalid) {
  std::string batch = build(three_records());
  batch.back() = static_cast<char>(batch.back() ^ 1);
  EXPECT_EQ(verify_batch(batch).error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(verify_batch(batch + "x").error().code(), ErrorCode::InvalidInput);
}

TEST(RecordBatch, RefusesEveryTruncation) {
  const std::string batch = build(three_records());
  for (std::size_t size = 0; size < batch.size(); ++size) {
    const std::string_view cut = std::string_view(batch).substr(0, size);
    EXPECT_FALSE(verify_batch(cut)) << size;
    EXPECT_FALSE(RecordReader::open(cut)) << size;
    EXPECT_EQ(parse_batch_header(cut).has_value(), size >= kBatchHeaderBytes) << size;
  }
}

TEST(RecordBatch, ReaderRefusesEveryTruncationThatTheHeaderAgreesWith) {
  const std::string batch = build(three_records());
  for (std::size_t size = kBatchHeaderBytes; size < batch.size(); ++size) {
    std::string cut = batch.substr(0, size);
    store_be(cut.data() + 8, static_cast<std::int32_t>(size - kBatchPrefixBytes));
    EXPECT_EQ(refusal(resealed(cut)), ErrorCode::InvalidInput) << size;
  }
}

TEST(RecordBatch, HeaderRefusesOtherMagics) {
  for (const char magic : {'\0', '\1', '\3', '\xff'}) {
    std::string batch = build(three_records());
    batch[16] = magic;
    EXPECT_EQ(parse_batch_header(batch).error().code(), ErrorCode::InvalidInput);
  }
}

TEST(RecordBatch, HeaderRefusesLengthsBelowItsOwn) {
  for (const std::int32_t length : {std::numeric_limits<std::int32_t>::min(), -1, 0, 48}) {
    std::string batch = build(three_records());
    store_be(batch.data() + 8, length);
    EXPECT_FALSE(parse_batch_header(batch)) << length;
  }
}

TEST(RecordBatch, HeaderRefusesCountsThatItsBytesCannotHold) {
  const auto parses = [](std::int32_t count, std::int32_t last_delta) {
    return parse_batch_header(around(raw({}) + raw({.offset_delta = 1}), count, last_delta))
        .has_value();
  };
  EXPECT_TRUE(parses(2, 1));
  EXPECT_FALSE(parses(3, 2));
  EXPECT_FALSE(parses(2, 0));
  EXPECT_FALSE(parses(-1, 1));
  EXPECT_FALSE(parses(0, -1));
  EXPECT_FALSE(
      parses(std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::max()));
}

TEST(RecordBatch, HeaderRefusesOffsetsThatRunOut) {
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
  std::string batch = build(three_records());
  set_base_offset(batch.data(), kLast - 3);
  EXPECT_TRUE(parse_batch_header(batch));
  set_base_offset(batch.data(), kLast - 2);
  EXPECT_FALSE(parse_batch_header(batch));
  set_base_offset(batch.data(), -1);
  EXPECT_FALSE(parse_batch_header(batch));
}

TEST(RecordBatch, AcceptsABatchThatCompactionEmptied) {
  const std::string batch = around("", 0, 41);
  ASSERT_TRUE(verify_batch(batch));
  EXPECT_EQ(parse_batch_header(batch)->next_offset(), 42);
  EXPECT_EQ(read_all(batch), std::vector<OwnedRecord>());
}

TEST(RecordBatch, ReadsABatchFromWhichCompactionTookRecords) {
  const std::string batch = around(raw({.offset_delta = 1}) + raw({.offset_delta = 4}), 2, 5);
  auto reader = RecordReader::open(batch);
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader->next())->offset_delta, 1);
  EXPECT_EQ((*reader->next())->offset_delta, 4);
  EXPECT_FALSE(reader->next()->has_value());
}

TEST(RecordBatch, EveryRecordHasTheBatchsTimeWhereTheLogSetIt) {
  std::string batch = build(three_records(), {.attributes = kLogAppendTime});
  store_be(batch.data() + 35, std::int64_t{42});
  auto reader = RecordReader::open(batch);
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader->next())->timestamp_ms, 42);
  EXPECT_EQ((*reader->next())->timestamp_ms, 42);
}

TEST(RecordBatch, ReaderRefusesCompressedBatches) {
  std::string batch = build(three_records());
  batch[22] = 2;
  const std::string compressed = resealed(batch);
  EXPECT_TRUE(verify_batch(compressed));
  EXPECT_EQ(refusal(compressed), ErrorCode::InvalidInput);
}

TEST(RecordBatch, ReaderRefusesRecordsThatAreNotWhatTheySay) {
  constexpr std::int32_t kHuge = std::numeric_limits<std::int32_t>::max();
  const std::vector<std::pair<const char*, RawRecord>> cases = {
      {"longer than the batch", {.length_error = 1}},
      {"shorter than its fields", {.length_error = -1}},
      {"a negative length", {.length_error = -20}},
      {"bytes after its headers", {.tail = "x"}},
      {"key beyond the record", {.key_bytes = 4}},
      {"huge key", {.key_bytes = kHuge}},
      {"negative key", {.key_bytes = -2}},
      {"huge value", {.value_bytes = kHuge}},
      {"negative value", {.value_bytes = -2}},
      {"negative headers", {.header_count = -1}},
      {"more headers than bytes", {.header_count = kHuge}},
      {"header without a key", {.header_count = 1, .tail = "\x01\x01"}},
      {"header value beyond the record", {.header_count = 1, .tail = std::string("\0\x04", 2)}},
      {"offset beyond the batch", {.offset_delta = 1}},
      {"negative offset", {.offset_delta = -1}},
      {"time beyond 64 bits", {.timestamp_delta = std::numeric_limits<std::int64_t>::max()}},
  };
  ASSERT_EQ(refusal(around(raw({}), 1, 0)), ErrorCode::Internal) << "the sound record is accepted";
  for (const auto& [name, record] : cases) {
    EXPECT_EQ(refusal(around(raw(record), 1, 0)), ErrorCode::InvalidInput) << name;
  }
}

TEST(RecordBatch, ReaderRefusesOffsetsThatDoNotRise) {
  EXPECT_EQ(refusal(around(raw({}) + raw({}), 2, 1)), ErrorCode::InvalidInput);
}

TEST(RecordBatch, ReaderRefusesBytesAfterTheLastRecord) {
  EXPECT_EQ(refusal(around(raw({}) + "x", 1, 0)), ErrorCode::InvalidInput);
}

TEST(RecordBatch, ReaderSaysTheSameWhenAskedAgain) {
  const std::string batch = around(raw({}) + raw({.key_bytes = 4, .tail = "xx"}), 2, 1);
  auto reader = RecordReader::open(batch);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(reader->next());
  const std::string first = reader->next().error().message();
  EXPECT_EQ(reader->next().error().message(), first);
  EXPECT_NE(first.find("record 1 at byte 68"), std::string::npos) << first;
}

TEST(RecordBatchBuilder, TellsTheSizeOfTheBatchToCome) {
  RecordBatchBuilder builder;
  EXPECT_EQ(builder.size_bytes(), kBatchHeaderBytes);
  for (const OwnedRecord& record : three_records()) ASSERT_TRUE(add(builder, record));
  const std::size_t told = builder.size_bytes();
  EXPECT_EQ(builder.finish().size(), told);
}

TEST(RecordBatchBuilder, StartsAnewAfterFinish) {
  RecordBatchBuilder builder;
  ASSERT_TRUE(builder.add(5, "k", "v"));
  const std::string first = builder.finish();
  EXPECT_TRUE(builder.empty());
  ASSERT_TRUE(builder.add(5, "k", "v"));
  EXPECT_EQ(builder.finish(), first);
}

TEST(RecordBatchBuilder, TakesABatchAtItsLimitAndRefusesOneByteMore) {
  const std::string value(100, 'v');
  RecordBatchBuilder measure;
  ASSERT_TRUE(measure.add(1, "k", value));
  RecordBatchBuilder exact(0, measure.size_bytes());
  EXPECT_TRUE(exact.add(1, "k", value));
  EXPECT_EQ(exact.add(1, std::nullopt, std::nullopt).error().code(), ErrorCode::Exhausted);
  EXPECT_EQ(exact.record_count(), 1);
  RecordBatchBuilder less(0, measure.size_bytes() - 1);
  EXPECT_EQ(less.add(1, "k", value).error().code(), ErrorCode::Exhausted);
  EXPECT_TRUE(less.empty());
}

TEST(RecordBatchBuilder, RefusesATimeThatNoDeltaReaches) {
  RecordBatchBuilder builder;
  ASSERT_TRUE(builder.add(-1, "k", "v"));
  EXPECT_EQ(builder.add(std::numeric_limits<std::int64_t>::max(), "k", "v").error().code(),
            ErrorCode::InvalidInput);
  EXPECT_EQ(read_all(builder.finish())->size(), 1u);
}

TEST(Headers, FindsTheLastOfAName) {
  const std::string batch =
      build({{1, "k", "v", {{"a", "1"}, {"b", "2"}, {"a", "3"}, {"n", std::nullopt}}}});
  auto reader = RecordReader::open(batch);
  ASSERT_TRUE(reader);
  auto record = reader->next();
  ASSERT_TRUE(record);
  EXPECT_EQ((*record)->headers.find_last("a"), "3");
  EXPECT_EQ((*record)->headers.find_last("b"), "2");
  EXPECT_EQ((*record)->headers.find_last("n"), std::nullopt);
  EXPECT_EQ((*record)->headers.find_last("z"), std::nullopt);
}

TEST(RecordBatch, ReadsBackWhateverWasBuilt) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<OwnedRecord> records = Generator(seed).records();
    const std::string batch = build(records);
    ASSERT_TRUE(verify_batch(batch)) << "seed " << seed;
    ASSERT_TRUE(read_all(batch) == records) << "seed " << seed;
  }
}

}  // namespace
}  // namespace myelin::kafka
