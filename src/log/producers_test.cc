#include "log/producers.h"

#include <gmock/gmock.h>

#include <limits>

#include "formats/kafka/record_batch.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;

constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();

// A table that appends what it does not refuse, one record an offset.
class ProducersTest : public ::testing::Test {
 protected:
  BatchOutcome send(std::int64_t id, std::int16_t epoch, std::int32_t sequence, int records = 1,
                    std::int16_t attributes = 0) {
    kafka::BatchInfo batch;
    batch.base_offset = next_;
    batch.producer_id = id;
    batch.producer_epoch = epoch;
    batch.base_sequence = sequence;
    batch.last_offset_delta = records - 1;
    batch.record_count = records;
    batch.max_timestamp = 1000 + next_;
    batch.attributes = attributes;
    const auto outcome = producers_.check(batch);
    if (outcome.fate == BatchFate::Appended) {
      EXPECT_EQ(outcome.base_offset, Offset(next_));
      producers_.note(batch, timestamp_from_ms(now_), total_);
      next_ += records;
    }
    return outcome;
  }
  BatchFate fate(std::int64_t id, std::int16_t epoch, std::int32_t sequence, int records = 1) {
    return send(id, epoch, sequence, records).fate;
  }
  std::vector<std::int64_t> ids() const {
    std::vector<std::int64_t> ids;
    for (const auto& state : producers_.list()) ids.push_back(state.id);
    return ids;
  }

  Producers producers_;
  ProducerTotal total_{0, 1000};
  std::int64_t next_ = 0;
  std::int64_t now_ = 1'700'000'000'000;
};

TEST_F(ProducersTest, TakesSequencesOneBehindTheOther) {
  EXPECT_EQ(fate(7, 0, 0, 3), BatchFate::Appended);
  EXPECT_EQ(fate(7, 0, 3), BatchFate::Appended);
  EXPECT_EQ(fate(7, 0, 4, 10), BatchFate::Appended);
  EXPECT_EQ(producers_.find(7)->last_sequence(), 13);
}

TEST_F(ProducersTest, RefusesAGapAndWhatOverlaps) {
  EXPECT_EQ(fate(7, 0, 0, 3), BatchFate::Appended);
  EXPECT_EQ(fate(7, 0, 4), BatchFate::OutOfOrderSequence);
  EXPECT_EQ(fate(7, 0, 2), BatchFate::OutOfOrderSequence);
  EXPECT_EQ(fate(7, 0, 0, 2), BatchFate::OutOfOrderSequence);  // Not the same batch.
  EXPECT_EQ(fate(7, 0, 1, 2), BatchFate::OutOfOrderSequence);
  EXPECT_EQ(fate(7, 0, 3), BatchFate::Appended);
}

TEST_F(ProducersTest, TellsWhereADuplicateIs) {
  send(7, 0, 0, 3);
  send(8, 0, 0);
  send(7, 0, 3, 2);
  const auto first = send(7, 0, 0, 3);
  EXPECT_EQ(first.fate, BatchFate::Duplicate);
  EXPECT_EQ(first.base_offset, Offset(0));
  EXPECT_EQ(first.timestamp_ms, 1000);
  const auto last = send(7, 0, 3, 2);
  EXPECT_EQ(last.fate, BatchFate::Duplicate);
  EXPECT_EQ(last.base_offset, Offset(4));
  EXPECT_EQ(last.timestamp_ms, 1004);
}

TEST_F(ProducersTest, KnowsTheLastFiveBatchesAgain) {
  for (int i = 0; i < 6; ++i) EXPECT_EQ(fate(7, 0, i), BatchFate::Appended);
  EXPECT_EQ(fate(7, 0, 0), BatchFate::OutOfOrderSequence);
  for (int i = 1; i < 6; ++i) EXPECT_EQ(fate(7, 0, i), BatchFate::Duplicate) << i;
  EXPECT_EQ(fate(7, 0, 6), BatchFate::Appended);
  EXPECT_EQ(fate(7, 0, 1), BatchFate::OutOfOrderSequence);
}

TEST_F(ProducersTest, CountsFrom0AgainBehindTheLargestSequence) {
  EXPECT_EQ(fate(7, 0, kMax - 1, 2), BatchFate::Appended);
  EXPECT_EQ(fate(7, 0, 0), BatchFate::Appended);
  EXPECT_EQ(fate(7, 0, kMax - 1, 2), BatchFate::Duplicate);
  EXPECT_EQ(fate(7, 0, 0), BatchFate::Duplicate);
}

TEST_F(ProducersTest, TakesABatchThatHoldsTheLargestSequenceInItsMiddle) {
  EXPECT_EQ(fate(7, 0, kMax - 1, 4), BatchFate::Appended);
  EXPECT_EQ(producers_.find(7)->last_sequence(), 1);
  EXPECT_EQ(producers_.find(7)->batches[0].first_sequence(), kMax - 1);
  EXPECT_EQ(fate(7, 0, kMax - 1, 4), BatchFate::Duplicate);
  EXPECT_EQ(fate(7, 0, 1), BatchFate::OutOfOrderSequence);
  EXPECT_EQ(fate(7, 0, 2), BatchFate::Appended);
}

TEST_F(ProducersTest, LetsAProducerThatItDoesNotKnowBeginAnywhere) {
  EXPECT_EQ(fate(7, 3, 41), BatchFate::Appended);
  EXPECT_EQ(fate(7, 3, 42), BatchFate::Appended);
  EXPECT_EQ(fate(7, 3, 41), BatchFate::Duplicate);
  EXPECT_EQ(fate(8, 0, kMax), BatchFate::Appended);
  EXPECT_EQ(fate(8, 0, 0), BatchFate::Appended);
}

TEST_F(ProducersTest, RefusesAnOlderEpochWhateverItSends) {
  EXPECT_EQ(fate(7, 2, 0), BatchFate::Appended);
  EXPECT_EQ(fate(7, 1, 0), BatchFate::InvalidProducerEpoch);
  EXPECT_EQ(fate(7, 1, 1), BatchFate::InvalidProducerEpoch);
  EXPECT_EQ(fate(7, 2, 1), BatchFate::Appended);
}

TEST_F(ProducersTest, BeginsANewEpochWithSequence0) {
  for (int i = 0; i < 3; ++i) send(7, 0, i);
  EXPECT_EQ(fate(7, 1, 3), BatchFate::OutOfOrderSequence);
  EXPECT_EQ(fate(7, 1, 1), BatchFate::OutOfOrderSequence);
  EXPECT_EQ(fate(7, 0, 3), BatchFate::Appended);  // The refused ones changed nothing.
  EXPECT_EQ(fate(7, 1, 0), BatchFate::Appended);
  EXPECT_EQ(fate(7, 1, 1), BatchFate::Appended);
  EXPECT_EQ(producers_.find(7)->batch_count, 2);
}

TEST_F(ProducersTest, KeepsProducersApart) {
  EXPECT_EQ(fate(7, 0, 0), BatchFate::Appended);
  EXPECT_EQ(fate(8, 5, 0), BatchFate::Appended);
  EXPECT_EQ(fate(7, 0, 1), BatchFate::Appended);
  EXPECT_EQ(fate(8, 5, 0), BatchFate::Duplicate);
}

TEST_F(ProducersTest, LooksAtTheEpochOfAControlBatchAlone) {
  send(7, 1, 0);
  EXPECT_EQ(send(7, 0, -1, 1, kafka::kControl).fate, BatchFate::InvalidProducerEpoch);
  EXPECT_EQ(send(7, 1, -1, 1, kafka::kControl).fate, BatchFate::Appended);
  EXPECT_EQ(fate(7, 1, 0), BatchFate::Duplicate);
  EXPECT_EQ(fate(7, 1, 1), BatchFate::Appended);
  // One that raises the epoch lets nobody of the older one in.
  EXPECT_EQ(send(7, 2, -1, 1, kafka::kControl).fate, BatchFate::Appended);
  EXPECT_EQ(fate(7, 1, 2), BatchFate::InvalidProducerEpoch);
  EXPECT_EQ(fate(7, 2, 3), BatchFate::OutOfOrderSequence);
  EXPECT_EQ(fate(7, 2, 0), BatchFate::Appended);
}

TEST_F(ProducersTest, TakesBatchesWithoutASequenceByTheirEpoch) {
  EXPECT_EQ(fate(7, 1, -1), BatchFate::Appended);
  EXPECT_EQ(fate(7, 1, -1), BatchFate::Appended);
  EXPECT_EQ(fate(7, 0, -1), BatchFate::InvalidProducerEpoch);
  EXPECT_EQ(producers_.find(7)->last_sequence(), -1);
}

TEST_F(ProducersTest, ForgetsThoseThatAreIdleForTooLong) {
  for (std::int64_t id = 1; id <= 4; ++id) {
    now_ += 100;
    send(id, 0, 0);
  }
  now_ += 100;
  send(2, 0, 1);
  EXPECT_THAT(ids(), ElementsAre(1, 3, 4, 2));
  EXPECT_FALSE(producers_.expire(timestamp_from_ms(now_ - 200), total_));
  EXPECT_THAT(ids(), ElementsAre(4, 2));
  EXPECT_EQ(total_.count, 2u);
  EXPECT_EQ(fate(1, 0, 9), BatchFate::Appended);  // Not known any more.
  EXPECT_EQ(fate(2, 0, 1), BatchFate::Duplicate);
}

TEST_F(ProducersTest, ForgetsSomeAtATime) {
  for (std::int64_t id = 1; id <= 5; ++id) send(id, 0, 0);
  EXPECT_TRUE(producers_.expire(timestamp_from_ms(now_), total_, 2));
  EXPECT_THAT(ids(), ElementsAre(3, 4, 5));
  EXPECT_FALSE(producers_.expire(timestamp_from_ms(now_), total_, 3));
  EXPECT_TRUE(producers_.empty());
  EXPECT_EQ(total_.count, 0u);
}

TEST_F(ProducersTest, ForgetsTheOneIdleForLongestWhenThereAreTooMany) {
  total_.max = 3;
  for (std::int64_t id = 1; id <= 3; ++id) send(id, 0, 0);
  send(1, 0, 1);
  send(4, 0, 0);
  EXPECT_THAT(ids(), ElementsAre(3, 1, 4));
  EXPECT_EQ(total_.count, 3u);
}

TEST_F(ProducersTest, KeepsTheLastOneWhateverOtherPartitionsHave) {
  total_ = {5, 3};
  send(1, 0, 0);
  EXPECT_THAT(ids(), ElementsAre(1));
  send(2, 0, 0);
  EXPECT_THAT(ids(), ElementsAre(2));
  EXPECT_EQ(total_.count, 6u);
}

TEST_F(ProducersTest, IsCopiedWithItsOrder) {
  for (std::int64_t id = 1; id <= 3; ++id) send(id, 0, 0);
  auto copy = producers_;
  EXPECT_EQ(copy, producers_);
  send(1, 0, 1);
  EXPECT_FALSE(copy == producers_);
  copy.expire(timestamp_from_ms(now_), total_, 1);
  EXPECT_EQ(copy.find(1), nullptr);
  EXPECT_EQ(producers_.find(1)->last_sequence(), 1);
}

}  // namespace
}  // namespace myelin::log
