#include "formats/kafka/control_record.h"

#include <gtest/gtest.h>

#include <string>

#include "formats/kafka/batch_test_support.h"

namespace myelin::kafka {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;

Result<ControlRecord> parse(std::optional<std::string_view> key,
                            std::optional<std::string_view> value) {
  RecordView record;
  record.key = key;
  record.value = value;
  return parse_control_record(record);
}

constexpr std::string_view kCommitKey("\0\0\0\1", 4);
constexpr std::string_view kMarker("\0\0\0\0\0\x0c", 6);

TEST(ControlBatch, HasTheBytesOfKafkasOwnWriter) {
  // MemoryRecords.withEndTransactionMarker of Apache Kafka 4.3.0.
  EXPECT_EQ(build_control_batch(4242, 3, ControlType::Commit, kNow, 12),
            from_hex("0000000000000000000000420000000002088602a10030000000000000018bcfe56800000001"
                     "8bcfe5680000000000000010920003ffffffff000000012000000008000000010c0000000000"
                     "0c00"));
  EXPECT_EQ(build_control_batch(4242, 3, ControlType::Abort, kNow, 12),
            from_hex("0000000000000000000000420000000002fcb8d4e90030000000000000018bcfe56800000001"
                     "8bcfe5680000000000000010920003ffffffff000000012000000008000000000c0000000000"
                     "0c00"));
}

TEST(ControlBatch, ReadsBackAsItsMarker) {
  for (const ControlType type : {ControlType::Commit, ControlType::Abort}) {
    const std::string batch = build_control_batch(7, 1, type, kNow, -5);
    auto reader = RecordReader::open(batch);
    ASSERT_TRUE(reader);
    EXPECT_TRUE(reader->info().is_control());
    EXPECT_TRUE(reader->info().is_transactional());
    const auto record = reader->next();
    ASSERT_TRUE(record);
    const auto control = parse_control_record(**record);
    ASSERT_TRUE(control);
    EXPECT_EQ(control->type, type);
    EXPECT_EQ(control->coordinator_epoch, -5);
    EXPECT_TRUE(control->is_marker());
  }
}

TEST(ControlRecord, ReadsLaterVersionsAsItsOwn) {
  const auto control =
      parse(std::string_view("\0\5\0\1more", 8), std::string_view("\0\7\0\0\0\x0cmore", 10));
  ASSERT_TRUE(control);
  EXPECT_EQ(control->type, ControlType::Commit);
  EXPECT_EQ(control->coordinator_epoch, 12);
}

TEST(ControlRecord, OtherTypesAreNoMarkersWhateverTheirValue) {
  for (const std::string_view key :
       {std::string_view("\0\0\0\2", 4), std::string_view("\0\0\xff\xff", 4)}) {
    const auto control = parse(key, std::nullopt);
    ASSERT_TRUE(control);
    EXPECT_FALSE(control->is_marker());
  }
}

TEST(ControlRecord, RefusesWhatIsAbsentTooShortOrOfANegativeVersion) {
  ASSERT_TRUE(parse(kCommitKey, kMarker));
  EXPECT_EQ(parse(std::nullopt, kMarker).error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(parse(kCommitKey, std::nullopt).error().code(), ErrorCode::InvalidInput);
  for (std::size_t size = 0; size < kCommitKey.size(); ++size) {
    EXPECT_FALSE(parse(kCommitKey.substr(0, size), kMarker)) << size;
  }
  for (std::size_t size = 0; size < kMarker.size(); ++size) {
    EXPECT_FALSE(parse(kCommitKey, kMarker.substr(0, size))) << size;
  }
  EXPECT_FALSE(parse(std::string_view("\xff\xff\0\1", 4), kMarker));
  EXPECT_FALSE(parse(kCommitKey, std::string_view("\xff\xff\0\0\0\0", 6)));
}

}  // namespace
}  // namespace myelin::kafka
