#include "broker/record_check.h"

#include <gmock/gmock.h>

#include <array>
#include <random>

#include "base/bytes.h"
#include "formats/kafka/batch_test_support.h"
#include "formats/kafka/unpacked_batch.h"

namespace myelin::broker {
namespace {

using kafka::Compression;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::int64_t kNowMs = 1'800'000'000'000;
const Timestamp kNow = timestamp_from_ms(kNowMs);
constexpr Compression kCodecs[] = {Compression::None, Compression::Gzip, Compression::Snappy,
                                   Compression::Lz4, Compression::Zstd};

kafka::OwnedRecord record(std::string value, std::optional<std::string> key = "key",
                          std::int64_t at = kNowMs) {
  return {at, std::move(key), std::move(value), {}};
}

std::string packed(Compression codec, const std::vector<kafka::OwnedRecord>& records) {
  auto plain = kafka::build(records);
  if (codec == Compression::None) return plain;
  auto info = *kafka::parse_batch_header(plain);
  info.attributes = static_cast<std::int16_t>(codec);
  auto bytes = plain.substr(0, kafka::kBatchHeaderBytes) +
               kafka::compress(codec, plain.substr(kafka::kBatchHeaderBytes)).value();
  kafka::write_batch_header(bytes, info);
  return bytes;
}

Compression codec_of(std::string_view batch) {
  return static_cast<Compression>(kafka::parse_batch_header(batch)->attributes &
                                  kafka::kCompressionMask);
}

std::vector<std::string> values(std::string_view bytes) {
  const auto batch = kafka::unpack(bytes, 1u << 30).value();
  auto reader = batch.reader();
  std::vector<std::string> found;
  for (auto next = reader.next(); next && *next; next = reader.next())
    found.emplace_back((*next)->value.value_or("null"));
  return found;
}

TEST(RecordCheckTest, TakesEachCodecAsItCame) {
  for (const auto codec : kCodecs) {
    const auto sent = packed(codec, {record("a"), record("b")});
    const auto checked = check_records(sent, {}, kNow);
    ASSERT_TRUE(checked.batch) << checked.refusal.what;
    EXPECT_EQ(checked.batch->bytes, sent);
    EXPECT_EQ(checked.batch->record_count, 2);
    EXPECT_EQ(checked.batch->max_timestamp_ms, kNowMs);
  }
}

TEST(RecordCheckTest, PacksEachCodecAsEachTopicWants) {
  for (const auto from : kCodecs) {
    for (const auto to : kCodecs) {
      RecordRules rules;
      rules.compression = to;
      const auto checked =
          check_records(packed(from, {record(std::string(900, 'a')), record("b")}), rules, kNow);
      ASSERT_TRUE(checked.batch) << checked.refusal.what;
      EXPECT_EQ(codec_of(checked.batch->bytes), to);
      EXPECT_TRUE(kafka::verify_batch(checked.batch->bytes));
      EXPECT_THAT(values(checked.batch->bytes), ::testing::ElementsAre(std::string(900, 'a'), "b"));
    }
  }
}

TEST(RecordCheckTest, PackedAnewABatchHasTheTopicsTimeToo) {
  RecordRules rules;
  rules.compression = Compression::Lz4;
  rules.log_append_time = true;
  const auto checked =
      check_records(packed(Compression::Gzip, {record("a", "key", kNowMs - 5000)}), rules, kNow);
  ASSERT_TRUE(checked.batch);
  const auto info = kafka::parse_batch_header(checked.batch->bytes);
  EXPECT_TRUE(info->has_log_append_time());
  EXPECT_EQ(info->max_timestamp, kNowMs);
  EXPECT_TRUE(kafka::verify_batch(checked.batch->bytes));
}

TEST(RecordCheckTest, ABatchTooLargeOnceItIsPackedAsTheTopicWantsIsRefused) {
  RecordRules rules;
  rules.compression = Compression::None;
  rules.batch_bytes_max = 10'000;
  const auto sent = packed(Compression::Zstd, {record(std::string(50'000, 'a'))});
  ASSERT_LT(sent.size(), 1000u);
  const auto checked = check_records(sent, rules, kNow);
  ASSERT_FALSE(checked.batch);
  EXPECT_EQ(checked.refusal.fault, RecordFault::TooLarge);
  EXPECT_THAT(checked.refusal.what, HasSubstr("max.message.bytes"));
}

TEST(RecordCheckTest, ABatchThatUnpacksBeyondAllMeasureIsRefused) {
  RecordRules rules;
  rules.unpacked_bytes_max = 1u << 20;
  for (const auto codec : kCodecs) {
    if (codec == Compression::None) continue;
    const auto checked =
        check_records(packed(codec, {record(std::string(2u << 20, 'a'))}), rules, kNow);
    ASSERT_FALSE(checked.batch);
    EXPECT_EQ(checked.refusal.fault, RecordFault::TooLarge);
  }
}

TEST(RecordCheckTest, FindsARecordWithoutAKeyInsideACompressedBatch) {
  RecordRules rules;
  rules.key_required = true;
  const auto checked = check_records(
      packed(Compression::Zstd, {record("a"), record("b", std::nullopt)}), rules, kNow);
  ASSERT_FALSE(checked.batch);
  EXPECT_EQ(checked.refusal.fault, RecordFault::Invalid);
  ASSERT_THAT(checked.refusal.records, SizeIs(1));
  EXPECT_EQ(checked.refusal.records[0].index, 1);
}

TEST(RecordCheckTest, HoldsTimesAgainstBothLimits) {
  RecordRules rules;
  rules.timestamp_before_ms_max = 1000;
  rules.timestamp_after_ms_max = 2000;
  const auto fault = [&](std::int64_t at) {
    const auto checked =
        check_records(packed(Compression::None, {record("a", "key", at)}), rules, kNow);
    return checked.batch ? std::optional<RecordFault>() : checked.refusal.fault;
  };
  EXPECT_EQ(fault(kNowMs - 1001), RecordFault::Timestamp);
  EXPECT_EQ(fault(kNowMs - 1000), std::nullopt);
  EXPECT_EQ(fault(kNowMs + 2000), std::nullopt);
  EXPECT_EQ(fault(kNowMs + 2001), RecordFault::Timestamp);
}

TEST(RecordCheckTest, TakesNoControlBatchFromAClient) {
  auto sent = packed(Compression::None, {record("a")});
  auto info = *kafka::parse_batch_header(sent);
  info.attributes = static_cast<std::int16_t>(info.attributes | kafka::kControl);
  kafka::write_batch_header(sent, info);
  const auto checked = check_records(sent, {}, kNow);
  ASSERT_FALSE(checked.batch);
  EXPECT_EQ(checked.refusal.fault, RecordFault::Invalid);
  EXPECT_THAT(checked.refusal.what, HasSubstr("control"));
}

std::optional<RecordFault> fault_of(std::string_view sent) {
  const auto checked = check_records(sent, {}, kNow);
  if (checked.batch) return std::nullopt;
  return checked.refusal.fault;
}

TEST(RecordCheckTest, CallsCorruptOnlyWhatMayComeThroughWhenItIsSentAgain) {
  const auto sound = packed(Compression::None, {record("a")});
  for (const std::size_t bytes : {0u, 5u, 12u, 16u, 17u, 40u, 61u})
    EXPECT_EQ(fault_of(sound.substr(0, bytes)), RecordFault::Invalid) << bytes;
  EXPECT_EQ(fault_of(sound + "x"), RecordFault::Invalid);
  auto cut = sound;
  store_be(cut.data() + 8, std::int32_t{52});
  EXPECT_EQ(fault_of(cut), RecordFault::Corrupt);
  EXPECT_EQ(fault_of(sound + sound), RecordFault::Invalid);
  auto shorter = sound;
  store_be(shorter.data() + 8, std::int32_t{13});
  EXPECT_EQ(fault_of(shorter), RecordFault::Corrupt);
  EXPECT_EQ(fault_of(shorter.substr(0, 14)), RecordFault::Corrupt);
  auto flipped = sound;
  flipped.back() ^= 1;
  EXPECT_EQ(fault_of(flipped), RecordFault::Corrupt);
  const auto of_magic = [&](char magic) {
    auto other = sound;
    other[16] = magic;
    return fault_of(other);
  };
  EXPECT_EQ(of_magic(0), RecordFault::UnsupportedFormat);
  EXPECT_EQ(of_magic(1), RecordFault::UnsupportedFormat);
  EXPECT_EQ(of_magic(3), RecordFault::Corrupt);
  EXPECT_EQ(of_magic(-1), RecordFault::Corrupt);
}

TEST(RecordCheckTest, TakesABatchAtOffsetZeroAlone) {
  auto sent = packed(Compression::None, {record("a")});
  kafka::set_base_offset(sent.data(), 77);
  EXPECT_EQ(fault_of(sent), RecordFault::Invalid);
}

TEST(RecordCheckTest, CompressedBytesThatAreNoneAreInvalid) {
  auto sent = packed(Compression::None, {record("a")});
  auto info = *kafka::parse_batch_header(sent);
  for (const std::int16_t codec : std::to_array<std::int16_t>({1, 2, 3, 4, 5, 7})) {
    info.attributes = codec;
    kafka::write_batch_header(sent, info);
    EXPECT_EQ(fault_of(sent), RecordFault::Invalid) << codec;
  }
}

TEST(RecordCheckTest, NoFlippedBitComesThrough) {
  const auto sent = packed(Compression::Lz4, {record("a"), record("b")});
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    auto flipped = sent;
    const auto at = random() % flipped.size();
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (random() % 8)));
    const auto checked = check_records(flipped, {}, kNow);
    // The leader epoch is the server's to write.
    const bool ours = at >= 12 && at < 16;
    EXPECT_TRUE(ours || !checked.batch) << at;
  }
}

}  // namespace
}  // namespace myelin::broker
