#include "broker/commit_reader.h"

#include <gmock/gmock.h>

#include <random>

#include "broker/broker_test_support.h"

namespace myelin::broker {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Matcher kAll{{}, {"*"}};
constexpr std::size_t kMuch = 1u << 20;

struct Delivered {
  std::string topic;
  std::string value;
  CommitPosition at;
  std::int64_t offset = 0;
};

class Reading {
 public:
  Reading(TestBroker& broker, CommitPosition start, const Matcher& matcher = kAll)
      : reader_(*broker.broker, matcher, start) {}

  // One batch or more; false when there is nothing yet.
  bool step(std::size_t bytes_max) {
    auto live = reader_.next_live(bytes_max);
    if (!live) {
      auto stored = reader_.next_stored(bytes_max);
      EXPECT_TRUE(stored) << stored.error().message();
      if (!stored) return false;
      take(*stored);
      for (auto& gap : reader_.take_gaps()) gaps.push_back(std::move(gap));
      return true;
    }
    take(*live);
    return !live->empty();
  }
  void drain(std::size_t bytes_max = kMuch) {
    while (step(bytes_max)) {
    }
  }
  // What came since this was last asked for.
  std::vector<std::string> values() {
    std::vector<std::string> taken;
    for (; told_ < delivered.size(); ++told_) taken.push_back(delivered[told_].value);
    return taken;
  }
  CommitReader& reader() { return reader_; }

  std::vector<Delivered> delivered;
  std::vector<std::string> gaps;

 private:
  void take(const std::vector<TopicBatchRef>& batches) {
    for (const auto& [topic, batch] : batches) {
      std::vector<log::ReadRecord> records;
      log::collect(batch, records);
      for (const auto& record : records) {
        delivered.push_back({topic->name.name,
                             record.value.value_or("-"),
                             {CommitNumber(record.commit), record.place},
                             record.offset});
      }
    }
  }

  CommitReader reader_;
  std::size_t told_ = 0;
};

const CommitPosition kEarliest{CommitNumber(0), kWholeCommit};

class CommitReaderTest : public ::testing::Test {
 protected:
  CommitPosition now() const { return {broker.broker->log().visible(), kWholeCommit}; }
  // A segment each.
  void fill(const std::string& topic, int from, int count) {
    for (int i = from; i < from + count; ++i) {
      broker.put(topic, fmt::format("k{}", i), fmt::format("{}{}", topic, i));
      auto& partition = broker.partition(topic);
      partition.segment_bytes = 0;
    }
  }
  void damage(const std::string& topic, std::size_t segment) {
    broker.flip(broker.log_path(topic, segment), 70);
  }
  Offset remove_before(const std::string& topic, std::int64_t before) {
    const auto start =
        broker.broker->delete_records(TestBroker::name(topic), PartitionIndex(0), Offset(before));
    EXPECT_TRUE(start);
    broker.keep_house();
    return *start;
  }

  TestBroker broker;
};

// Damage.

TEST_F(CommitReaderTest, PassesOverDamageAndTellsOnce) {
  fill("a", 0, 3);
  fill("b", 0, 2);
  broker.settle();
  damage("a", 1);
  Reading reading(broker, kEarliest);
  reading.drain(1);
  EXPECT_THAT(reading.values(), ElementsAre("a0", "a2", "b0", "b1"));
  EXPECT_THAT(reading.gaps, ElementsAre(AllOf(HasSubstr("topic a, partition 0"),
                                              HasSubstr("before offset 2"), HasSubstr("damaged"))));
  // Later passes find it again and say nothing.
  for (int i = 3; i < 6; ++i) {
    fill("a", i, 1);
    broker.settle();
    reading.drain();
  }
  EXPECT_THAT(reading.values(), ElementsAre("a3", "a4", "a5"));
  EXPECT_THAT(reading.gaps, SizeIs(1));
}

TEST_F(CommitReaderTest, TellsOfEachDamagedRange) {
  fill("a", 0, 6);
  broker.settle();
  damage("a", 0);
  damage("a", 2);
  damage("a", 3);
  damage("a", 5);
  Reading reading(broker, kEarliest);
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("a1", "a4"));
  EXPECT_THAT(reading.gaps,
              ElementsAre(HasSubstr("before offset 1"), HasSubstr("before offset 3"),
                          HasSubstr("before offset 4"), HasSubstr("before offset 6")));
}

TEST_F(CommitReaderTest, SaysNothingOfDamageInWhatItHasDelivered) {
  fill("a", 0, 3);
  broker.settle();
  Reading reading(broker, kEarliest);
  reading.drain();
  damage("a", 2);
  fill("b", 0, 1);
  broker.settle();
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("a0", "a1", "a2", "b0"));
  EXPECT_THAT(reading.gaps, IsEmpty());
}

TEST_F(CommitReaderTest, BeginsAtATimeWhoseRecordsAreDamaged) {
  fill("a", 0, 1);
  broker.clock.move(1000);
  const auto time = broker.clock.now();
  fill("a", 1, 2);
  fill("b", 0, 1);
  broker.settle();
  damage("a", 1);
  Reading reading(broker, now());
  const auto sought = reading.reader().seek(time);
  ASSERT_TRUE(sought) << sought.error().message();
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("a2", "b0"));
  EXPECT_THAT(reading.gaps, ElementsAre(HasSubstr("damaged")));
}

TEST_F(CommitReaderTest, FailsWhenTheDiskCannotReadAndGoesOnWhenItCan) {
  fill("a", 0, 3);
  broker.settle();
  broker.disk->fail_when([](std::string_view operation, const std::string& path) {
    return operation == "read" && path.ends_with(".log");
  });
  CommitReader reader(*broker.broker, kAll, kEarliest);
  EXPECT_EQ(reader.next_stored(kMuch).error().code(), ErrorCode::Unavailable);
  broker.disk->fail_when(nullptr);
  EXPECT_THAT(*reader.next_stored(kMuch), SizeIs(3));
  EXPECT_THAT(reader.take_gaps(), IsEmpty());
}

// Removal.

TEST_F(CommitReaderTest, TellsWhatWasRemovedBeforeItWasRead) {
  fill("a", 0, 2);
  broker.settle();
  Reading reading(broker, kEarliest);
  reading.drain();
  fill("a", 2, 4);
  broker.settle();
  remove_before("a", 4);
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("a0", "a1", "a4", "a5"));
  EXPECT_THAT(reading.gaps,
              ElementsAre(AllOf(HasSubstr("topic a, partition 0"), HasSubstr("before offset 4"),
                                HasSubstr("removed before they were read"))));
  fill("a", 6, 1);
  broker.settle();
  reading.drain();
  EXPECT_THAT(reading.gaps, SizeIs(1));
}

TEST_F(CommitReaderTest, TellsWhenEverythingUnreadWasRemoved) {
  fill("a", 0, 1);
  Reading reading(broker, now());
  fill("a", 1, 3);
  broker.settle();
  remove_before("a", 4);
  reading.drain();
  EXPECT_THAT(reading.values(), IsEmpty());
  EXPECT_THAT(reading.gaps, ElementsAre(HasSubstr("before offset 4")));
}

TEST_F(CommitReaderTest, TellsOfATopicThatItNeverReadFrom) {
  Reading reading(broker, now());
  fill("a", 0, 3);
  broker.settle();
  remove_before("a", 2);
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("a2"));
  EXPECT_THAT(reading.gaps, ElementsAre(HasSubstr("before offset 2")));
}

TEST_F(CommitReaderTest, SaysNothingWhenAllThatWentWasRead) {
  fill("a", 0, 3);
  fill("b", 0, 3);
  broker.settle();
  Reading reading(broker, kEarliest);
  reading.drain();
  ASSERT_THAT(reading.values(), SizeIs(6));
  // All of it, and then in part, by a reader that goes through segments and one that is live.
  remove_before("a", -1);
  fill("a", 3, 2);
  reading.drain();
  remove_before("a", 5);
  remove_before("b", 2);
  fill("b", 3, 1);
  broker.settle();
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("a3", "a4", "b3"));
  EXPECT_THAT(reading.gaps, IsEmpty());
}

TEST_F(CommitReaderTest, SaysNothingWhenWhatWentWasReadLive) {
  Reading reading(broker, now());
  fill("a", 0, 3);
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("a0", "a1", "a2"));
  broker.settle();
  remove_before("a", -1);
  fill("b", 0, 1);
  broker.settle();
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("b0"));
  EXPECT_THAT(reading.gaps, IsEmpty());
}

TEST_F(CommitReaderTest, SaysNothingOfRemovedRecordsThatItHoldsInMemory) {
  for (int i = 0; i < 4; ++i) broker.put("a", "k", fmt::format("{}", i));
  broker.settle();
  Reading reading(broker, kEarliest);
  ASSERT_TRUE(reading.step(1));
  remove_before("a", 3);
  reading.drain(1);
  EXPECT_THAT(reading.values(), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(reading.gaps, IsEmpty());
}

TEST_F(CommitReaderTest, GivesABatchWholeThatTheStartIsInTheMidstOf) {
  std::vector<log::KeyedRecord> ten;
  for (int i = 0; i < 10; ++i) ten.push_back({"k", fmt::format("{}", i)});
  ASSERT_TRUE(broker.append({{"a", log::keyed_batch(ten)}}));
  broker.settle();
  Reading reading(broker, kEarliest);
  remove_before("a", 5);
  reading.drain();
  EXPECT_THAT(reading.values(), SizeIs(10));
  EXPECT_THAT(reading.gaps, IsEmpty());
}

TEST_F(CommitReaderTest, SaysNothingOfWhatLiesBeforeItsBeginning) {
  fill("a", 0, 4);
  broker.settle();
  Reading reading(broker, now());
  remove_before("a", -1);
  fill("b", 0, 1);
  broker.settle();
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("b0"));
  EXPECT_THAT(reading.gaps, IsEmpty());
}

TEST_F(CommitReaderTest, SaysNothingOfWhatWasGoneBeforeItBegan) {
  fill("a", 0, 4);
  broker.settle();
  remove_before("a", 2);
  for (const auto& start : {kEarliest, now()}) {
    Reading reading(broker, start);
    reading.drain();
    fill("a", 4, 1);
    broker.settle();
    reading.drain();
    EXPECT_THAT(reading.gaps, IsEmpty());
  }
}

TEST_F(CommitReaderTest, SaysNothingOfWhatLiesBeforeItsTime) {
  fill("a", 0, 4);
  broker.clock.move(1000);
  const auto time = broker.clock.now();
  fill("b", 0, 1);
  broker.settle();
  Reading reading(broker, now());
  ASSERT_TRUE(reading.reader().seek(time));
  remove_before("a", -1);
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("b0"));
  EXPECT_THAT(reading.gaps, IsEmpty());
}

TEST_F(CommitReaderTest, TellsWhatWasRemovedInTheMidstOfAPass) {
  fill("b", 0, 1);
  for (int i = 0; i < 40; ++i)
    broker.put("a", "k", fmt::format("{:02}{}", i, std::string(30'000, 'x')));
  broker.settle();
  Reading reading(broker, kEarliest);
  ASSERT_TRUE(reading.step(1));
  remove_before("a", -1);
  reading.drain();
  const auto first = reading.values();
  ASSERT_LT(first.size(), 41u);
  EXPECT_THAT(reading.gaps, ElementsAre(HasSubstr("before offset 40")));
}

TEST_F(CommitReaderTest, SaysNothingOfWhatCompactionRemoved) {
  fill("a", 0, 1);
  broker.configure("a", {{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0"}});
  Reading reading(broker, kEarliest);
  for (int i = 0; i < 5; ++i) broker.put("a", "same", fmt::format("{}", i));
  broker.roll("a");
  broker.keep_house();
  reading.drain();
  EXPECT_THAT(reading.values(), ElementsAre("a0", "4", "x"));
  EXPECT_THAT(reading.gaps, IsEmpty());
}

// Topics that come and go.

TEST_F(CommitReaderTest, ReadsATopicThatTakesTheNameOfARemovedOne) {
  for (const bool stored : {false, true}) {
    TestBroker fresh;
    fresh.put("a", "k", "old");
    Reading reading(fresh, kEarliest);
    reading.drain();
    EXPECT_THAT(reading.values(), ElementsAre("old"));
    ASSERT_TRUE(fresh.broker->remove(TestBroker::name("a")));
    fresh.put("a", "k", "new");
    fresh.put("a", "k", "newer");
    if (stored) fresh.settle();
    reading.drain();
    EXPECT_THAT(reading.values(), ElementsAre("new", "newer"));
    EXPECT_THAT(reading.gaps, IsEmpty());
  }
}

TEST_F(CommitReaderTest, GivesNothingOfATopicThatIsRemovedInTheMidstOfAPass) {
  fill("b", 0, 2);
  for (int i = 0; i < 40; ++i) broker.put("a", "k", std::string(30'000, 'x'));
  fill("c", 0, 1);
  broker.settle();
  Reading reading(broker, kEarliest);
  ASSERT_TRUE(reading.step(1));
  ASSERT_TRUE(broker.broker->remove(TestBroker::name("a")));
  broker.keep_house();
  reading.drain();
  ASSERT_LT(reading.delivered.size(), 43u);
  EXPECT_EQ(reading.delivered.back().value, "c0");
}

// Positions.

TEST_F(CommitReaderTest, ResumesAtEveryPositionAfterACompaction) {
  const ConfigChanges compact{{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0"}};
  for (const auto* topic : {"a", "b"}) {
    ASSERT_TRUE(broker.broker->ensure(TestBroker::name(topic)));
    broker.configure(topic, compact);
  }
  for (int i = 0; i < 8; ++i) {
    const auto value = fmt::format("{}", i);
    ASSERT_TRUE(broker.append(
        {{"a", log::keyed_batch({{"same", value}, {"a" + value, value}, {"same", value}})},
         {"b",
          log::keyed_batch({{"b" + value, value}, {"same", value}}, kafka::Compression::Lz4)}}));
  }
  for (const auto* topic : {"a", "b"}) broker.roll(topic);
  Reading before(broker, kEarliest);
  before.drain();
  broker.keep_house();
  Reading after(broker, kEarliest);
  after.drain();
  ASSERT_LT(after.delivered.size(), before.delivered.size());
  for (const auto& from : before.delivered) {
    Reading resumed(broker, from.at);
    resumed.drain(1);
    std::vector<CommitPosition> wanted;
    for (const auto& record : after.delivered) {
      if (record.at > from.at) wanted.push_back(record.at);
    }
    std::vector<CommitPosition> got;
    for (const auto& record : resumed.delivered) {
      // The first batch may begin with records before the position.
      if (record.at > from.at) got.push_back(record.at);
    }
    EXPECT_EQ(got, wanted);
  }
}

// Readers that a compaction overtakes between any two reads.
TEST_F(CommitReaderTest, DeliversNothingTwiceAndLosesNothingWhileCompactionGoesOn) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    TestBroker fresh;
    for (const auto* topic : {"a", "b"}) {
      ASSERT_TRUE(fresh.broker->ensure(TestBroker::name(topic)));
      fresh.configure(topic, {{"cleanup.policy", "compact"},
                              {"min.cleanable.dirty.ratio", "0"},
                              {"segment.bytes", "4096"}});
    }
    std::map<std::pair<std::string, std::string>, std::string> newest;
    Reading reading(fresh, kEarliest);
    int written = 0;
    for (int step = 0; step < 150; ++step) {
      const auto kind = random() % 10;
      if (kind < 5) {
        const std::string topic = random() % 2 == 0 ? "a" : "b";
        std::vector<log::KeyedRecord> records(1 + random() % 3);
        for (auto& record : records) {
          record = {fmt::format("k{}", random() % 5),
                    fmt::format("{}{}", written++, std::string(random() % 300, 'v'))};
          newest[{topic, *record.key}] = *record.value;
        }
        ASSERT_TRUE(fresh.append({{topic, log::keyed_batch(records)}}));
      } else if (kind == 5) {
        fresh.settle();
      } else if (kind == 6) {
        fresh.keep_house();
      } else {
        reading.step(random() % 2 == 0 ? 1 : 2000);
      }
    }
    reading.drain();
    std::set<std::string> seen;
    CommitPosition last;
    for (const auto& record : reading.delivered) {
      EXPECT_TRUE(seen.insert(record.value).second) << record.value << " came twice";
      EXPECT_LT(last, record.at);
      last = record.at;
    }
    for (const auto& [key, value] : newest) EXPECT_TRUE(seen.contains(value)) << value;
    EXPECT_THAT(reading.gaps, IsEmpty());
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace myelin::broker
