#include "formats/kafka/compaction.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "formats/kafka/batch_test_support.h"
#include "formats/kafka/control_record.h"
#include "formats/kafka/unpacked_batch.h"

namespace myelin::kafka {
namespace {

using Outcome = RewrittenBatch::Outcome;

constexpr std::int64_t kHorizon = 1'700'086'400'000;
constexpr std::int64_t kFarthest = std::numeric_limits<std::int64_t>::max();

struct Placed {
  std::int32_t offset_delta = 0;
  OwnedRecord record;
  friend bool operator==(const Placed&, const Placed&) = default;
};

std::optional<std::vector<Placed>> read_all(std::string_view batch) {
  const auto unpacked = unpack(batch, kBatchBytesMax);
  if (!unpacked) return std::nullopt;
  RecordReader reader = unpacked->reader();
  std::vector<Placed> records;
  while (true) {
    auto next = reader.next();
    if (!next) return std::nullopt;
    if (!*next) return records;
    records.push_back({(*next)->offset_delta, own(**next)});
  }
}

// Keeps the records at which `mask` has a 1.
Result<RewrittenBatch> rewrite(std::string_view batch, std::string_view mask,
                               const RewriteOptions& options = {}) {
  std::size_t asked = 0;
  auto rewritten =
      rewrite_batch(batch, [&](const RecordView&) { return mask.at(asked++) == '1'; }, options);
  if (rewritten) EXPECT_EQ(asked, mask.size());
  return rewritten;
}

std::vector<Placed> chosen(const std::vector<Placed>& records, std::string_view mask) {
  std::vector<Placed> kept;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (mask[i] == '1') kept.push_back(records[i]);
  }
  return kept;
}

// three_records() at offset 500 from a producer, of its own times or of the log's.
std::string three(std::int16_t attributes = 0) {
  std::string batch = build(three_records(), {.partition_leader_epoch = 9,
                                              .attributes = attributes,
                                              .producer_id = 4242,
                                              .producer_epoch = 3,
                                              .base_sequence = 17});
  set_base_offset(batch.data(), 500);
  if (attributes & kLogAppendTime) store_be(batch.data() + 35, std::int64_t{1'700'000'099'000});
  return resealed(batch);
}

// What rewriting does not touch, whatever is kept.
void expect_same_place(const BatchInfo& after, const BatchInfo& before) {
  EXPECT_EQ(after.base_offset, before.base_offset);
  EXPECT_EQ(after.last_offset_delta, before.last_offset_delta);
  EXPECT_EQ(after.partition_leader_epoch, before.partition_leader_epoch);
  EXPECT_EQ(after.producer_id, before.producer_id);
  EXPECT_EQ(after.producer_epoch, before.producer_epoch);
  EXPECT_EQ(after.base_sequence, before.base_sequence);
}

struct Case {
  const char* name;
  std::string batch;
  std::string mask;
  RewriteOptions options;
  std::string expected;
};

// MemoryRecords.filterTo of Apache Kafka 4.3.0 at 1700000000000 ms with a retention of a day.
std::vector<Case> kafkas_cases() {
  const RewriteOptions drop{.delete_horizon_ms = kHorizon};
  const RewriteOptions header{.delete_horizon_ms = kHorizon, .when_empty = WhenEmpty::KeepHeader};
  const RewriteOptions empty_transaction{.delete_horizon_ms = kHorizon,
                                         .ends_empty_transaction = EndsEmptyTransaction::Yes};
  return {
      {"one of three", three(), "010", drop,
       from_hex("00000000000001f40000003800000009029365b4d70000000000020000018bcfe564180000018bcfe5"
                "64180000000000001092000300000011000000010c000002010000")},
      {"a tombstone kept", three(), "101", drop,
       from_hex("00000000000001f40000005e00000009028724cbcf0040000000020000018bd50bc4000000018bcfe6"
                "b9800000000000001092000300000011000000024400ffefb252000a5049442d310a68656c6c6f0408"
                "7479706506414454086e6f6e65011200ffa9a85204000100")},
      {"nothing kept", three(), "000", header,
       from_hex("00000000000001f4000000310000000902195664d0000000000002ffffffffffffffff0000018bcfe6"
                "b980000000000000109200030000001100000000")},
      {"of the log's time", three(kLogAppendTime), "110", drop,
       from_hex("00000000000001f40000005800000009028cad9a6a0008000000020000018bcfe6eab80000018bcfe6"
                "eab80000000000001092000300000011000000023e0000000a5049442d310a68656c6c6f0408747970"
                "6506414454086e6f6e65010c000002010000")},
      {"nothing kept of the log's time", three(kLogAppendTime), "000", header,
       from_hex("00000000000001f4000000310000000902dc098fe9000800000002ffffffffffffffff0000018bcfe6"
                "eab8000000000000109200030000001100000000")},
      {"a tombstone of the log's time", three(kLogAppendTime), "001", drop,
       from_hex("00000000000001f40000003b000000090279702eed0048000000020000018bd50bc4000000018bcfe6"
                "eab800000000000010920003000000110000000112008fe5a65204000100")},
      {"the marker of an empty transaction",
       build_control_batch(4242, 3, ControlType::Commit, 1'700'000'000'000, 12), "1",
       empty_transaction,
       from_hex("0000000000000000000000450000000002f37502b40070000000000000018bd50bc4000000018bcfe5"
                "680000000000000010920003ffffffff000000012600ffefb2520008000000010c00000000000c0"
                "0")},
  };
}

TEST(Compaction, WritesTheBytesOfKafkasOwnCleaner) {
  for (const Case& c : kafkas_cases()) {
    const auto rewritten = rewrite(c.batch, c.mask, c.options);
    ASSERT_TRUE(rewritten) << c.name << ": " << rewritten.error().message();
    EXPECT_EQ(rewritten->bytes, c.expected) << c.name;
  }
}

TEST(Compaction, GivesBackExactlyWhatIsKept) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    const std::string plain = build(Generator(seed).records(),
                                    {.producer_id = 5, .producer_epoch = 1, .base_sequence = 80});
    const auto records = *read_all(plain);
    std::string mask;
    for (std::size_t i = 0; i < records.size(); ++i) mask += random() % 2 == 0 ? '1' : '0';
    mask[random() % mask.size()] = '0';
    const auto kept = chosen(records, mask);
    if (kept.empty()) continue;
    for (const Compression codec : kCodecs) {
      const std::string batch = packed(plain, codec);
      const auto rewritten = rewrite(batch, mask, {.delete_horizon_ms = kHorizon});
      ASSERT_TRUE(rewritten) << rewritten.error().message();
      ASSERT_EQ(rewritten->outcome, Outcome::Rewritten);
      ASSERT_TRUE(verify_batch(rewritten->bytes));
      ASSERT_TRUE(read_all(rewritten->bytes) == kept) << to_string(codec) << " seed " << seed;
      const auto info = *parse_batch_header(rewritten->bytes);
      expect_same_place(info, *parse_batch_header(batch));
      EXPECT_EQ(info.record_count, rewritten->records_kept);
      EXPECT_EQ(*compression_of(info.attributes), codec);
    }
  }
}

TEST(Compaction, InTwoStepsIsTheSameAsInOne) {
  const std::string batch = build(
      {{10, "a", "1", {}}, {30, "b", std::nullopt, {}}, {20, "c", "3", {}}, {40, "d", "4", {}}});
  for (int first = 1; first < 16; ++first) {
    std::string mask;
    std::string rest;
    for (int i = 0; i < 4; ++i) {
      mask += (first >> i) & 1 ? '1' : '0';
      if ((first >> i) & 1) rest += i == 1 ? '0' : '1';
    }
    std::string both = mask;
    both[1] = '0';
    const auto once = rewrite(batch, both, {.when_empty = WhenEmpty::KeepHeader});
    const auto step = rewrite(batch, mask);
    ASSERT_TRUE(once && step);
    const std::string between = step->outcome == Outcome::Unchanged ? batch : step->bytes;
    const auto twice = rewrite(between, rest, {.when_empty = WhenEmpty::KeepHeader});
    ASSERT_TRUE(twice);
    // An emptied header keeps the last maximum time, which the step between may have lowered.
    if (twice->outcome == Outcome::Emptied) continue;
    EXPECT_EQ(twice->outcome == Outcome::Unchanged ? between : twice->bytes,
              once->outcome == Outcome::Unchanged ? batch : once->bytes)
        << mask;
  }
}

TEST(Compaction, SaysThatNothingChangesWhereAllIsKept) {
  for (const Compression codec : kCodecs) {
    const auto rewritten = rewrite(packed(three(), codec), "111");
    ASSERT_TRUE(rewritten);
    EXPECT_EQ(rewritten->outcome, Outcome::Unchanged);
    EXPECT_EQ(rewritten->bytes, "");
    EXPECT_EQ(rewritten->records_kept, 3);
  }
}

TEST(Compaction, DropsABatchOfWhichNothingIsKept) {
  const auto rewritten = rewrite(three(), "000");
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(rewritten->outcome, Outcome::Dropped);
  EXPECT_EQ(rewritten->bytes, "");
}

TEST(Compaction, AnEmptiedBatchIsAHeaderThatStaysAsItIs) {
  for (const Compression codec : kCodecs) {
    const RewriteOptions options{.when_empty = WhenEmpty::KeepHeader};
    const auto emptied = rewrite(packed(three(kTransactional), codec), "000", options);
    ASSERT_TRUE(emptied);
    EXPECT_EQ(emptied->outcome, Outcome::Emptied);
    EXPECT_EQ(emptied->bytes.size(), kBatchHeaderBytes);
    ASSERT_TRUE(verify_batch(emptied->bytes));
    const auto info = *parse_batch_header(emptied->bytes);
    expect_same_place(info, *parse_batch_header(three()));
    EXPECT_EQ(info.attributes, kTransactional);
    EXPECT_EQ(info.max_timestamp, 1'700'000'086'400);
    EXPECT_EQ(rewrite(emptied->bytes, "", options)->outcome, Outcome::Unchanged);
    EXPECT_EQ(rewrite(emptied->bytes, "")->outcome, Outcome::Dropped);
  }
}

TEST(Compaction, AsksForEachRecordOnceAndInOrder) {
  std::vector<std::int32_t> asked;
  ASSERT_TRUE(rewrite_batch(three(), [&](const RecordView& record) {
    asked.push_back(record.offset_delta);
    return record.offset_delta == 1;
  }));
  EXPECT_EQ(asked, (std::vector<std::int32_t>{0, 1, 2}));
}

TEST(DeleteHorizon, IsSetWhereATombstoneIsKeptThoughNothingGoes) {
  for (const Compression codec : kCodecs) {
    const std::string batch = packed(three(), codec);
    const auto rewritten = rewrite(batch, "111", {.delete_horizon_ms = kHorizon});
    ASSERT_TRUE(rewritten);
    EXPECT_EQ(rewritten->outcome, Outcome::Rewritten);
    EXPECT_EQ(delete_horizon(*parse_batch_header(rewritten->bytes)), kHorizon);
    EXPECT_EQ(read_all(rewritten->bytes), read_all(batch));
  }
}

TEST(DeleteHorizon, NeverMovesAndStaysWhenItsTombstonesGo) {
  const auto first = rewrite(three(), "111", {.delete_horizon_ms = kHorizon});
  ASSERT_TRUE(first);
  const RewriteOptions later{.delete_horizon_ms = kHorizon + 1000};
  EXPECT_EQ(rewrite(first->bytes, "111", later)->outcome, Outcome::Unchanged);
  for (const char* mask : {"101", "110"}) {
    const auto second = rewrite(first->bytes, mask, later);
    ASSERT_TRUE(second);
    EXPECT_EQ(delete_horizon(*parse_batch_header(second->bytes)), kHorizon);
    EXPECT_EQ(read_all(second->bytes), chosen(*read_all(three()), mask));
  }
}

TEST(DeleteHorizon, IsNotSetWithoutTombstonesOrWithoutBeingAskedFor) {
  const auto without = rewrite(three(), "110", {.delete_horizon_ms = kHorizon});
  EXPECT_EQ(delete_horizon(*parse_batch_header(without->bytes)), std::nullopt);
  const auto unasked = rewrite(three(), "101");
  EXPECT_EQ(delete_horizon(*parse_batch_header(unasked->bytes)), std::nullopt);
  const std::string marker = build_control_batch(7, 1, ControlType::Abort, 1000, 1);
  EXPECT_EQ(rewrite(marker, "1", {.delete_horizon_ms = kHorizon})->outcome, Outcome::Unchanged);
}

TEST(DeleteHorizon, ATimeTooFarFromItIsKeptRight) {
  const std::string batch =
      build({{-kFarthest, "a", std::nullopt, {}}, {-kFarthest, "b", "2", {}}});
  const auto all = rewrite(batch, "11", {.delete_horizon_ms = kHorizon});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->outcome, Outcome::Unchanged);
  const auto one = rewrite(batch, "10", {.delete_horizon_ms = kHorizon});
  ASSERT_TRUE(one);
  EXPECT_EQ(read_all(one->bytes), chosen(*read_all(batch), "10"));
}

TEST(Compaction, TimesTooFarFromTheFirstKeptAreToldFromTheOldBase) {
  const std::string batch =
      build({{0, "a", "1", {}}, {-kFarthest, "b", "2", {}}, {kFarthest, "c", "3", {}}});
  const auto rewritten = rewrite(batch, "011");
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(read_all(rewritten->bytes), chosen(*read_all(batch), "011"));
  EXPECT_EQ(parse_batch_header(rewritten->bytes)->max_timestamp, kFarthest);
}

TEST(Compaction, DoesNotHideAWrongChecksum) {
  std::string batch = three();
  batch.back() = static_cast<char>(batch.back() ^ 1);
  EXPECT_EQ(rewrite(batch, "110").error().code(), ErrorCode::Corrupt);
}

TEST(Compaction, RefusesWhatIsNotOneSoundBatch) {
  EXPECT_EQ(rewrite(three() + "x", "").error().code(), ErrorCode::InvalidInput);
  std::string batch = three();
  batch[60] = 2;  // Of three records.
  EXPECT_EQ(rewrite(resealed(batch), "11").error().code(), ErrorCode::InvalidInput);
}

TEST(Compaction, RefusesABatchThatUnpacksBeyondTheLimit) {
  const std::string bomb =
      packed(build({{5, "k", std::string(1'000'000, 'v'), {}}}), Compression::Lz4);
  EXPECT_EQ(rewrite(bomb, "", {.unpacked_bytes_max = 100'000}).error().code(),
            ErrorCode::Exhausted);
}

}  // namespace
}  // namespace myelin::kafka
