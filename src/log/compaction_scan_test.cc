#include "log/compaction_scan.h"

#include <gtest/gtest.h>

#include "log/compaction_test_support.h"

namespace myelin::log {
namespace {

using kafka::ControlType;

constexpr SipKey kKey{3, 4};
constexpr std::size_t kUnpackedMax = 1u << 20;
constexpr std::int64_t kPro = 7;
constexpr std::int64_t kOther = 8;

// Batches one behind the other, offsets from 0 on.
class CompactionScanTest : public ::testing::Test {
 protected:
  BatchRef batch(std::string bytes) {
    kafka::set_base_offset(bytes.data(), next_.value);
    auto owner = std::make_shared<const std::string>(std::move(bytes));
    BatchRef made;
    made.bytes = *owner;
    made.owner = owner;
    const auto info = kafka::parse_batch_header(made.bytes);
    made.base_offset = next_;
    made.last_offset = Offset(info->last_offset());
    next_ = made.last_offset + 1;
    return made;
  }
  Result<bool> add(std::string bytes) { return scan->add(batch(std::move(bytes))); }
  // Gives its base offset.
  Offset must_add(std::string bytes) {
    const auto made = batch(std::move(bytes));
    const auto added = scan->add(made);
    EXPECT_TRUE(added && *added);
    return made.base_offset;
  }
  void begin_at(Offset from) { scan.emplace(keys, from, kUnpackedMax); }

  static std::string plain(std::vector<KeyedRecord> records) { return keyed_batch(records); }
  static std::string of(std::int64_t producer, std::vector<KeyedRecord> records) {
    return keyed_batch(records, kafka::Compression::None, {producer, 0, true});
  }
  kafka::BatchInfo info_at(Offset base, std::int64_t producer, bool transactional = true) {
    kafka::BatchInfo info;
    info.base_offset = base.value;
    info.producer_id = producer;
    info.attributes = transactional ? kafka::kTransactional : 0;
    return info;
  }

  KeyMap keys{1, kKey};
  std::optional<CompactionScan> scan{std::in_place, keys, Offset(0), kUnpackedMax};
  Offset next_;
};

TEST_F(CompactionScanTest, FindsRecordsThatALaterOneReplaces) {
  must_add(plain({{"a", "1"}, {"b", "1"}}));
  must_add(plain({{"a", "2"}}));
  EXPECT_TRUE(scan->is_replaced("a", Offset(0)));
  EXPECT_FALSE(scan->is_replaced("b", Offset(1)));
  EXPECT_FALSE(scan->is_replaced("a", Offset(2)));
  EXPECT_FALSE(scan->is_replaced("c", Offset(0)));
  EXPECT_EQ(scan->end(), Offset(3));
}

TEST_F(CompactionScanTest, TakesNoKeysOfWhatWasCompactedBefore) {
  begin_at(Offset(2));
  must_add(plain({{"a", "1"}, {"a", "2"}}));
  EXPECT_FALSE(scan->is_replaced("a", Offset(0)));
  EXPECT_EQ(scan->end(), Offset(2));
  must_add(plain({{"a", "3"}}));
  EXPECT_TRUE(scan->is_replaced("a", Offset(1)));
}

TEST_F(CompactionScanTest, GoesOnInTheMidstOfABatch) {
  begin_at(Offset(1));
  must_add(plain({{"a", "1"}, {"b", "1"}}));
  EXPECT_FALSE(keys.find("a"));
  EXPECT_EQ(keys.find("b"), Offset(1));
}

TEST_F(CompactionScanTest, NeverPassesATransactionThatIsOpen) {
  must_add(plain({{"a", "1"}}));
  const auto first = must_add(of(kPro, {{"a", "2"}, {"b", "2"}}));
  must_add(plain({{"c", "1"}}));
  EXPECT_EQ(scan->end(), first);
  EXPECT_FALSE(scan->is_replaced("a", Offset(0)));
}

TEST_F(CompactionScanTest, NeverPassesTheFirstOfSeveralOpenTransactions) {
  const auto first = must_add(of(kPro, {{"a", "1"}}));
  const auto second = must_add(of(kOther, {{"a", "2"}}));
  must_add(marker(kPro, ControlType::Commit));
  EXPECT_EQ(scan->end(), second);
  EXPECT_LT(first, second);
}

TEST_F(CompactionScanTest, NeverPassesATransactionWithoutKeys) {
  const auto first = must_add(of(kPro, {{std::nullopt, "1"}}));
  must_add(plain({{"c", "1"}}));
  EXPECT_EQ(scan->end(), first);
}

TEST_F(CompactionScanTest, TakesKeysOfATransactionOnceItIsCommitted) {
  must_add(plain({{"a", "1"}}));
  const auto base = must_add(of(kPro, {{"a", "2"}}));
  must_add(marker(kPro, ControlType::Commit));
  EXPECT_TRUE(scan->is_replaced("a", Offset(0)));
  EXPECT_FALSE(scan->is_aborted(info_at(base, kPro)));
  EXPECT_EQ(scan->end(), next_);
}

TEST_F(CompactionScanTest, TakesNoKeysOfAnAbortedTransaction) {
  must_add(plain({{"a", "1"}}));
  const auto base = must_add(of(kPro, {{"a", "2"}}));
  must_add(marker(kPro, ControlType::Abort));
  EXPECT_FALSE(scan->is_replaced("a", Offset(0)));
  EXPECT_TRUE(scan->is_aborted(info_at(base, kPro)));
  EXPECT_EQ(scan->end(), next_);
}

TEST_F(CompactionScanTest, KnowsABatchAsAbortedThatBeginsWithARecordWithoutAKey) {
  const auto base = must_add(of(kPro, {{std::nullopt, "1"}, {"a", "2"}}));
  must_add(marker(kPro, ControlType::Abort));
  EXPECT_TRUE(scan->is_aborted(info_at(base, kPro)));
}

TEST_F(CompactionScanTest, TellsTransactionsOfOneProducerApart) {
  std::vector<std::pair<Offset, bool>> batches;
  for (const bool aborts : {true, false, true, true, false}) {
    batches.emplace_back(must_add(of(kPro, {{"a", "1"}})), aborts);
    must_add(of(kPro, {{"a", "2"}}));
    must_add(marker(kPro, aborts ? ControlType::Abort : ControlType::Commit));
  }
  for (const auto& [base, aborts] : batches) {
    EXPECT_EQ(scan->is_aborted(info_at(base, kPro)), aborts) << base.value;
    EXPECT_EQ(scan->is_aborted(info_at(base + 1, kPro)), aborts) << base.value;
    EXPECT_FALSE(scan->is_aborted(info_at(base, kOther)));
  }
}

TEST_F(CompactionScanTest, TakesNothingElseOfAProducerForAborted) {
  must_add(of(kPro, {{"a", "1"}}));
  const auto within = must_add(plain({{"b", "1"}}));
  must_add(marker(kPro, ControlType::Abort));
  EXPECT_FALSE(scan->is_aborted(info_at(within, kPro, false)));
  EXPECT_FALSE(scan->is_aborted(info_at(next_, kPro)));
}

TEST_F(CompactionScanTest, IsIndifferentToAMarkerWithoutATransaction) {
  must_add(plain({{"a", "1"}}));
  must_add(marker(kPro, ControlType::Abort));
  must_add(marker(kPro, ControlType::Commit));
  EXPECT_EQ(scan->end(), next_);
  EXPECT_FALSE(scan->is_aborted(info_at(Offset(0), kPro)));
}

TEST_F(CompactionScanTest, EndsInTheMidstOfABatchWhenTheMapIsFull) {
  std::vector<KeyedRecord> many;
  for (int i = 0; i < 1000; ++i) many.push_back({fmt::format("k{}", i), "x"});
  const auto added = add(keyed_batch(many, kafka::Compression::Lz4));
  ASSERT_TRUE(added);
  EXPECT_FALSE(*added);
  EXPECT_EQ(scan->end(), Offset(768));
}

TEST_F(CompactionScanTest, LeavesATransactionOpenWhoseKeysFindNoRoom) {
  std::vector<KeyedRecord> many;
  for (int i = 0; i < 700; ++i) many.push_back({fmt::format("k{}", i), "x"});
  must_add(plain(many));
  for (auto& record : many) record.key = "t" + *record.key;
  const auto base = must_add(of(kPro, many));
  const auto added = add(marker(kPro, ControlType::Commit));
  ASSERT_TRUE(added);
  EXPECT_FALSE(*added);
  EXPECT_EQ(scan->end(), base);
}

TEST_F(CompactionScanTest, KnowsTheLastBatchOfEachProducer) {
  const auto first = must_add(keyed_batch({{"a", "1"}}, kafka::Compression::None, {kPro, 0}));
  const auto second = must_add(keyed_batch({{"a", "2"}}, kafka::Compression::None, {kPro, 1}));
  const auto other = must_add(keyed_batch({{"a", "3"}}, kafka::Compression::None, {kOther, 0}));
  must_add(marker(kPro, ControlType::Commit));
  EXPECT_FALSE(scan->is_last_of_producer(info_at(first, kPro, false)));
  EXPECT_TRUE(scan->is_last_of_producer(info_at(second, kPro, false)));
  EXPECT_TRUE(scan->is_last_of_producer(info_at(other, kOther, false)));
  EXPECT_FALSE(scan->is_last_of_producer(info_at(other, -1, false)));
}

TEST_F(CompactionScanTest, KnowsTheLastBatchOfAProducerAlsoInWhatWasCompactedBefore) {
  begin_at(Offset(5));
  const auto base = must_add(keyed_batch({{"a", "1"}}, kafka::Compression::None, {kPro, 0}));
  EXPECT_TRUE(scan->is_last_of_producer(info_at(base, kPro, false)));
  EXPECT_EQ(scan->end(), Offset(5));
}

TEST_F(CompactionScanTest, KeepsBothOfAProducersTransactionsWhenDamageHidesTheFirstsEnd) {
  must_add(plain({{"a", "0"}}));
  const auto hidden_end = must_add(of(kPro, {{"a", "1"}}));
  scan->skip(next_);
  const auto second = must_add(of(kPro, {{"b", "1"}}));
  must_add(marker(kPro, ControlType::Commit));
  // It may have been aborted, so it replaces nothing.
  EXPECT_FALSE(scan->is_replaced("a", Offset(0)));
  EXPECT_FALSE(scan->is_aborted(info_at(hidden_end, kPro)));
  const auto third = must_add(of(kPro, {{"c", "1"}}));
  must_add(marker(kPro, ControlType::Abort));
  EXPECT_FALSE(scan->is_aborted(info_at(hidden_end, kPro)));
  EXPECT_FALSE(scan->is_aborted(info_at(second, kPro)));
  EXPECT_TRUE(scan->is_aborted(info_at(third, kPro)));
  EXPECT_EQ(scan->end(), next_);
}

TEST_F(CompactionScanTest, DoesNotTakeARecordForAbortedWhoseOwnEndIsHidden) {
  const auto hidden_end = must_add(of(kPro, {{"a", "1"}}));
  scan->skip(next_);
  must_add(of(kPro, {{"b", "1"}}));
  must_add(marker(kPro, ControlType::Abort));
  EXPECT_FALSE(scan->is_aborted(info_at(hidden_end, kPro)));
}

TEST_F(CompactionScanTest, KnowsAllBeforeABatchThatNothingUnreadableComesBefore) {
  begin_at(Offset(10));
  kafka::BatchInfo info;
  info.base_offset = 8;
  info.last_offset_delta = 1;
  EXPECT_FALSE(scan->knows_all_before(info));  // Scanned in an earlier pass.
  info.base_offset = 9;
  EXPECT_TRUE(scan->knows_all_before(info));
  info.base_offset = 30;
  scan->skip(Offset(20));
  EXPECT_FALSE(scan->knows_all_before(info));
  info.base_offset = 15;
  EXPECT_TRUE(scan->knows_all_before(info));
}

TEST_F(CompactionScanTest, RefusesABatchThatUnpacksToTooMuch) {
  scan.emplace(keys, Offset(0), std::size_t{1000});
  const auto added = add(keyed_batch({{"a", std::string(2000, 'x')}}, kafka::Compression::Zstd));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code(), ErrorCode::Exhausted);
  EXPECT_EQ(scan->end(), Offset(0));
}

}  // namespace
}  // namespace myelin::log
