#include "formats/kafka/unpacked_batch.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "formats/kafka/batch_test_support.h"

namespace myelin::kafka {
namespace {

constexpr std::size_t kLimit = std::size_t{64} << 20;

std::optional<std::vector<OwnedRecord>> read_all(const UnpackedBatch& batch) {
  RecordReader reader = batch.reader();
  std::vector<OwnedRecord> records;
  while (true) {
    auto next = reader.next();
    if (!next) return std::nullopt;
    if (!*next) return records;
    records.push_back(own(**next));
  }
}

// MemoryRecordsBuilder of Apache Kafka 4.3.0 with three_records() from offset 500 on, once for each
// codec.
const std::vector<std::string>& kafkas_batches() {
  static const std::vector<std::string> batches = {
      from_hex("00000000000001f40000006200000009021c8a4c2c0000000000020000018bcfe568000000018b"
               "cfe6b9800000000000001092000300000011000000033e0000000a5049442d310a68656c6c6f04"
               "087479706506414454086e6f6e65010e00cf0f02010000100080c60a04000100"),
      from_hex("00000000000001f4000000760000000902adae83610001000000020000018bcfe568000000018b"
               "cfe6b9800000000000001092000300000011000000031f8b08000000000000ffb3636060e00af0"
               "74d135e4ca48cdc9c967e128a92c4865737409e1c8cbcf4b65e46338cfcfc4c8c020c0d0708c8b"
               "8581910100cf1eb3bf31000000"),
      from_hex("00000000000001f40000007800000009024568baf80002000000020000018bcfe568000000018b"
               "cfe6b98000000000000010920003000000110000000382534e4150505900000000010000000100"
               "00003331c03e0000000a5049442d310a68656c6c6f04087479706506414454086e6f6e65010e00"
               "cf0f02010000100080c60a04000100"),
      from_hex("00000000000001f4000000710000000902d53e8c760003000000020000018bcfe568000000018b"
               "cfe6b98000000000000010920003000000110000000304224d18604082310000803e0000000a50"
               "49442d310a68656c6c6f04087479706506414454086e6f6e65010e00cf0f02010000100080c60a"
               "0400010000000000"),
      from_hex("00000000000001f40000006e0000000902f1d3d5090004000000020000018bcfe568000000018b"
               "cfe6b98000000000000010920003000000110000000328b52ffd00588801003e0000000a504944"
               "2d310a68656c6c6f04087479706506414454086e6f6e65010e00cf0f02010000100080c60a0400"
               "0100010000")};
  return batches;
}

TEST(UnpackedBatch, ReadsWhatKafkasOwnWriterPacked) {
  int codec = 0;
  for (const std::string& batch : kafkas_batches()) {
    ASSERT_TRUE(verify_batch(batch)) << codec;
    const auto unpacked = unpack(batch, kLimit);
    ASSERT_TRUE(unpacked) << codec << ": " << unpacked.error().message();
    EXPECT_EQ(read_all(*unpacked), three_records()) << codec;
    EXPECT_EQ(unpacked->info().attributes, codec);
    EXPECT_EQ(unpacked->info().base_offset, 500);
    ++codec;
  }
}

TEST(UnpackedBatch, CopiesNothingOfAnUncompressedBatch) {
  const std::string batch = build(three_records());
  const auto unpacked = unpack(batch, 0);
  ASSERT_TRUE(unpacked);
  EXPECT_EQ(unpacked->records().data(), batch.data() + kBatchHeaderBytes);
  EXPECT_EQ(unpacked->records().size(), batch.size() - kBatchHeaderBytes);
}

TEST(UnpackedBatch, ReadersStayGoodWhenItMoves) {
  // So few bytes that a moved string would hold them in another place.
  const std::string batch = packed(build({{5, "k", std::nullopt, {}}}), Compression::Snappy);
  auto unpacked = unpack(batch, kLimit);
  ASSERT_TRUE(unpacked);
  RecordReader reader = unpacked->reader();
  const UnpackedBatch moved = *std::move(unpacked);
  EXPECT_EQ((*reader.next())->key, "k");
  EXPECT_EQ(read_all(moved)->size(), 1u);
}

TEST(UnpackedBatch, ReadsBackWhateverWasPacked) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const std::vector<OwnedRecord> records = Generator(seed).records();
    for (const Compression codec : kCodecs) {
      const std::string batch = packed(build(records), codec);
      ASSERT_TRUE(verify_batch(batch));
      const auto unpacked = unpack(batch, kLimit);
      ASSERT_TRUE(unpacked) << unpacked.error().message();
      ASSERT_TRUE(read_all(*unpacked) == records) << to_string(codec) << " seed " << seed;
    }
  }
}

TEST(UnpackedBatch, RefusesRecordsBeyondItsLimit) {
  const std::string batch =
      packed(build({{5, "k", std::string(1'000'000, 'v'), {}}}), Compression::Zstd);
  EXPECT_EQ(unpack(batch, 1'000'000).error().code(), ErrorCode::Exhausted);
  EXPECT_TRUE(unpack(batch, 1'000'100));
}

TEST(UnpackedBatch, RefusesBytesThatAreNotOneBatch) {
  const std::string batch = kafkas_batches().back();
  EXPECT_EQ(unpack(batch + "x", kLimit).error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(unpack(batch.substr(0, batch.size() - 1), kLimit).error().code(),
            ErrorCode::InvalidInput);
  EXPECT_EQ(unpack("", kLimit).error().code(), ErrorCode::InvalidInput);
}

TEST(UnpackedBatch, RefusesCodecsThatDoNotExist) {
  for (char codec = 5; codec <= 7; ++codec) {
    std::string batch = build(three_records());
    batch[22] = codec;
    EXPECT_EQ(unpack(resealed(batch), kLimit).error().code(), ErrorCode::InvalidInput);
  }
}

TEST(UnpackedBatch, AnEmptyBatchMayNameACodec) {
  BatchInfo info;
  info.attributes = static_cast<std::int16_t>(Compression::Gzip);
  info.last_offset_delta = 4;
  std::string batch(kBatchHeaderBytes, '\0');
  write_batch_header(batch, info);
  const auto unpacked = unpack(batch, kLimit);
  ASSERT_TRUE(unpacked);
  EXPECT_EQ(read_all(*unpacked)->size(), 0u);
}

TEST(UnpackedBatch, FewerRecordsThanTheHeaderSaysAreRefusedByTheReader) {
  // A chunk of snappy-java's framing lost at its end leaves sound bytes.
  std::string batch = packed(build({{5, "k", std::string(40'000, 'v'), {}}}), Compression::Snappy);
  const auto first_chunk = load_be<std::uint32_t>(batch.data() + kBatchHeaderBytes + 16);
  BatchInfo info = *parse_batch_header(batch);
  batch.resize(kBatchHeaderBytes + 20 + first_chunk);
  write_batch_header(batch, info);
  const auto unpacked = unpack(batch, kLimit);
  ASSERT_TRUE(unpacked);
  EXPECT_FALSE(read_all(*unpacked));
}

}  // namespace
}  // namespace myelin::kafka
