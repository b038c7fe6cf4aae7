// Random keyed records, transactions, passes, restarts and power cuts by seed, held against what
// compaction may take away and what it must keep.
//
// MYELIN_MODEL_ROUNDS seeds are run, from MYELIN_MODEL_SEED on.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "log/compaction_test_support.h"

namespace myelin::log {
namespace {

using kafka::Compression;
using kafka::ControlType;

constexpr int kKeys = 6;
constexpr std::int64_t kProducers = 3;
constexpr std::int64_t kTombstoneMs = 5000;

// A record as it was written. Only this is ever readable.
struct Written {
  ReadRecord record;  // Without what only a reader knows: its commit, place and receive time.
  bool acknowledged = false;
  std::string seen_as;  // Those, once it was read: they never change.
};

class CompactionModelRun {
 public:
  explicit CompactionModelRun(std::uint64_t seed)
      : random_(seed), disk_(std::make_unique<SimDisk>()), log_(*disk_, policy(), options()) {}

  void run() {
    begin();
    for (auto lives = 2 + below(3); lives > 0; --lives) {
      if (below(2) == 0) disk_->crash_at_step(disk_->steps() + 1 + below(800), random_());
      for (auto steps = 20 + below(60); steps > 0 && !disk_->image_taken(); --steps) step();
      end_life();
      if (::testing::Test::HasFailure()) return;
    }
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  TopicPolicy policy() {
    auto made = compact_policy();
    made.tombstone_time = std::chrono::milliseconds(kTombstoneMs);
    made.segment_bytes = 300u << below(5);
    made.dirty_ratio_min = std::array{0.0, 0.3, 0.7}[below(3)];
    made.compaction_lag_min = std::chrono::milliseconds(below(3) * 1000);
    if (below(2) == 0) made.compaction_lag_max = std::chrono::milliseconds(3000);
    return made;
  }
  Options options() {
    auto made = quiet_options();
    made.journal_file_bytes = (32 + below(64)) * kBlockBytes;
    if (below(2) == 0) made.flush_interval = std::chrono::milliseconds(2);
    return made;
  }

  void begin() {
    log_.put("first", "x");
    note({{"first", "x"}}, {}, true);
    log_.settle();
  }

  void step() {
    const auto kind = below(100);
    if (kind < 45) return append_plain();
    if (kind < 60) return append_transactional();
    if (kind < 70) return end_transaction(1 + static_cast<std::int64_t>(below(kProducers)));
    if (kind < 75) return log_.clock.move(static_cast<std::int64_t>(below(kTombstoneMs)));
    if (kind < 80) return log_.set_policy(policy());
    if (kind < 90) return pass();
    if (kind < 95) return flush();
    check();
  }

  std::vector<KeyedRecord> records() {
    std::vector<KeyedRecord> made(1 + below(4));
    for (auto& record : made) {
      const auto key = below(kKeys + 1);
      if (key < kKeys) record.key = fmt::format("k{}", key);
      if (below(4) != 0)
        record.value = fmt::format("{}-{}", next_value_++, std::string(below(60), 'v'));
    }
    return made;
  }
  Compression codec() { return kafka::kCodecs[below(std::size(kafka::kCodecs))]; }

  // With the sequence that comes next.
  Producer any_producer() {
    Producer producer{1 + static_cast<std::int64_t>(below(kProducers)), 0, false};
    for (const auto& known : log_.log->producers(log_.partition())) {
      if (known.id == producer.id) producer.sequence = known.last_sequence() + 1;
    }
    return producer;
  }

  void append_plain() {
    const auto made = records();
    Producer producer;
    if (below(3) == 0) producer = any_producer();
    // The same producer is idempotent or transactional, not both at once.
    if (producer.id > 0 && open_.contains(producer.id)) producer = {};
    append(keyed_batch(made, codec(), producer), made, producer);
  }
  void append_transactional() {
    const auto made = records();
    auto producer = any_producer();
    producer.transactional = true;
    if (append(keyed_batch(made, codec(), producer), made, producer)) open_.insert(producer.id);
  }
  void end_transaction(std::int64_t id) {
    if (!open_.contains(id)) return;
    const bool aborts = below(2) == 0;
    if (!log_.append({marker(id, aborts ? ControlType::Abort : ControlType::Commit)})) return;
    ReadRecord record;
    record.producer = id;
    record.transactional = record.control = true;
    record.aborts = aborts;
    written_.push_back({record, !disk_->image_taken(), {}});
    open_.erase(id);
  }

  bool append(std::string batch, const std::vector<KeyedRecord>& made, Producer producer) {
    const auto status = log_.append({std::move(batch)});
    if (!status) {
      ADD_FAILURE() << status.error().message();
      return false;
    }
    note(made, producer, !disk_->image_taken());
    return true;
  }
  void note(const std::vector<KeyedRecord>& made, Producer producer, bool acknowledged) {
    for (const auto& each : made) {
      ReadRecord record;
      record.key = each.key;
      record.value = each.value;
      record.producer = producer.id;
      record.transactional = producer.transactional;
      written_.push_back({record, acknowledged, {}});
    }
  }

  void flush() { [[maybe_unused]] const auto status = log_.log->checkpoint(); }

  void pass() {
    flush();
    HousekeepingOptions keeping;
    keeping.compaction = fast_compaction();
    if (below(4) == 0) keeping.compaction.key_map_bytes_max = 1;
    keeping.on_error = [](std::string_view what, const Error& error) {
      ADD_FAILURE() << what << ": " << error.message();
    };
    Housekeeper keeper(*log_.log, std::move(keeping));
    keeper.pass();
    if (below(2) == 0) flush();
    check();
  }

  void end_life() {
    if (below(3) == 0 || disk_->image_taken()) {
      std::unique_ptr<SimDisk> image =
          disk_->image_taken() ? disk_->take_image() : disk_->crash_image(random_());
      const auto opened = log_.reopen(image.get());
      ASSERT_TRUE(opened) << opened.error().message();
      disk_ = std::move(image);
      forget_lost();
    } else {
      const auto opened = log_.reopen();
      ASSERT_TRUE(opened) << opened.error().message();
    }
    check();
    check_files();
  }

  // What was not acknowledged may be gone from the end.
  void forget_lost() {
    const auto end = static_cast<std::size_t>(log_.partition().high_watermark().value);
    ASSERT_LE(end, written_.size());
    for (auto i = end; i < written_.size(); ++i)
      ASSERT_FALSE(written_[i].acknowledged) << "record " << i;
    written_.resize(end);
    open_.clear();
    for (auto& each : written_) {
      each.acknowledged = true;
      if (!each.record.transactional) continue;
      if (each.record.control) {
        open_.erase(each.record.producer);
      } else {
        open_.insert(each.record.producer);
      }
    }
  }

  void check() {
    const auto found = read_all(log_.partition());
    ASSERT_TRUE(found) << found.error().message();
    std::int64_t last = -1;
    for (const auto& record : *found) {
      ASSERT_GT(record.offset, last);
      last = record.offset;
      ASSERT_LT(static_cast<std::size_t>(record.offset), written_.size());
      expect_as_written(record, written_[static_cast<std::size_t>(record.offset)]);
    }
    std::vector<ReadRecord> all;
    all.reserve(written_.size());
    for (std::size_t i = 0; i < written_.size(); ++i) {
      all.push_back(written_[i].record);
      all.back().offset = static_cast<std::int64_t>(i);
    }
    // Values, and that what is deleted stays deleted.
    EXPECT_EQ(committed_state(*found), committed_state(all));
    expect_newest_committed(*found, all);
    expect_all_that_must_stay(*found, all);
  }

  static void expect_as_written(const ReadRecord& read, Written& written) {
    EXPECT_EQ(read.key, written.record.control ? read.key : written.record.key) << read.offset;
    if (!read.control) EXPECT_EQ(read.value, written.record.value) << read.offset;
    EXPECT_EQ(read.control, written.record.control) << read.offset;
    EXPECT_EQ(read.aborts, written.record.aborts) << read.offset;
    EXPECT_EQ(read.producer, written.record.producer) << read.offset;
    EXPECT_EQ(read.transactional, written.record.transactional) << read.offset;
    EXPECT_EQ(read.timestamp_ms, 1'700'000'000'000) << read.offset;
    auto seen =
        fmt::format("commit {}, place {}, received {}", read.commit, read.place, read.received_ms);
    if (written.seen_as.empty()) written.seen_as = seen;
    EXPECT_EQ(written.seen_as, seen) << read.offset;
  }

  // The newest committed value of each key is there at its own offset.
  static void expect_newest_committed(const std::vector<ReadRecord>& found,
                                      const std::vector<ReadRecord>& all) {
    const auto wanted = newest(all);
    const auto there = newest(found);
    for (const auto& [key, offset] : wanted) {
      if (!all[static_cast<std::size_t>(offset)].value) continue;
      const auto it = there.find(key);
      ASSERT_NE(it, there.end()) << key << " at " << offset;
      EXPECT_EQ(it->second, offset) << key;
    }
  }

  // Offsets of the newest committed record of each key.
  static std::map<std::string, std::int64_t> newest(const std::vector<ReadRecord>& records) {
    std::map<std::int64_t, std::vector<const ReadRecord*>> open;
    std::map<std::string, std::int64_t> newest;
    const auto take = [&](const ReadRecord& record) {
      if (!record.key) return;
      auto& offset = newest.emplace(*record.key, record.offset).first->second;
      offset = std::max(offset, record.offset);
    };
    for (const auto& record : records) {
      if (record.control) {
        for (const auto* mine : open[record.producer]) {
          if (!record.aborts) take(*mine);
        }
        open[record.producer].clear();
      } else if (record.transactional) {
        open[record.producer].push_back(&record);
      } else {
        take(record);
      }
    }
    return newest;
  }

  // Markers, records without a key unless they were aborted, and all of open transactions.
  void expect_all_that_must_stay(const std::vector<ReadRecord>& found,
                                 const std::vector<ReadRecord>& all) {
    std::set<std::int64_t> there;
    for (const auto& record : found) there.insert(record.offset);
    std::map<std::int64_t, std::vector<const ReadRecord*>> open;
    const auto must_stay = [&](const ReadRecord& record, std::string_view why) {
      EXPECT_TRUE(there.contains(record.offset)) << why << " at " << record.offset;
    };
    for (const auto& record : all) {
      if (record.control) {
        must_stay(record, "a marker");
        for (const auto* mine : open[record.producer]) {
          if (!record.aborts && !mine->key) must_stay(*mine, "a committed record without a key");
        }
        open[record.producer].clear();
      } else if (record.transactional) {
        open[record.producer].push_back(&record);
      } else if (!record.key) {
        must_stay(record, "a record without a key");
      }
    }
    for (const auto& [producer, mine] : open) {
      for (const auto* record : mine) must_stay(*record, "a record of an open transaction");
    }
  }

  // After a start and a pass nothing lies about.
  void check_files() {
    HousekeepingOptions keeping;
    keeping.compaction = fast_compaction();
    Housekeeper keeper(*log_.log, std::move(keeping));
    keeper.pass();
    flush();
    keeper.pass();
    EXPECT_EQ(log_.files(), log_.listed_files());
    check();
  }

  std::mt19937_64 random_;
  std::unique_ptr<SimDisk> disk_;
  KeyedLog log_;
  std::vector<Written> written_;  // By offset.
  std::set<std::int64_t> open_;   // Producers with an open transaction.
  std::int64_t next_value_ = 0;
};

TEST(CompactionModel, KeepsWhatItMustWhateverIsDoneAndWheneverThePowerIsCut) {
  const auto first = from_environment("MYELIN_MODEL_SEED", 1);
  const auto rounds = from_environment("MYELIN_MODEL_ROUNDS", 40);
  for (auto seed = first; seed < first + rounds; ++seed) {
    SCOPED_TRACE(fmt::format("MYELIN_MODEL_SEED={}", seed));
    CompactionModelRun(seed).run();
    if (HasFailure()) return;
  }
}

// A reader that reads slowly, from the beginning to the end, while everything else goes on.
class SlowReader {
 public:
  // One batch; false at the end.
  bool read_some(const Partition& partition) {
    const auto found = read_from(partition, Seek::to(next_), 1);
    EXPECT_TRUE(found);
    if (!found || found->empty()) return false;
    for (const auto& batch : *found) collect(batch, records_);
    next_ = found->back().last_offset + 1;
    return true;
  }
  KeyedState state() const { return committed_state(records_); }

 private:
  Offset next_;
  std::vector<ReadRecord> records_;
};

TEST(CompactionModel, ShowsTheFinalStateToAReaderThatTakesLessThanTheTimeOfTombstones) {
  constexpr int kMany = 30;
  const auto first = from_environment("MYELIN_MODEL_SEED", 1);
  const auto rounds = from_environment("MYELIN_MODEL_ROUNDS", 40) / 2;
  for (auto seed = first; seed < first + rounds; ++seed) {
    SCOPED_TRACE(fmt::format("MYELIN_MODEL_SEED={}", seed));
    std::mt19937_64 random(seed);
    SimDisk disk;
    auto policy = compact_policy();
    policy.tombstone_time = std::chrono::milliseconds(kTombstoneMs);
    policy.segment_bytes = 400;
    KeyedLog log(disk, policy);
    const auto pass = [&] {
      log.settle();
      ASSERT_TRUE(log.compact());
      log.settle();
      for (const auto& path : log.log->removables().list()) {
        ASSERT_TRUE(disk.remove(path));
        log.log->removables().forget(path);
      }
    };
    for (int i = 0; i < kMany; ++i) log.put(fmt::format("k{}", i), "x");
    // Deleted behind the reader's back, and nothing but tombstones says so in the end.
    SlowReader reader;
    auto left = kTombstoneMs;
    for (int writes = 80, more = 1; writes > 0 || more > 0;) {
      if (writes > 0) {
        if (random() % 2 == 0) {
          log.remove(fmt::format("k{}", random() % kMany));
        } else {
          log.put(fmt::format("other{}", random() % 1000), "y");
        }
        --writes;
      }
      if (random() % 3 == 0) pass();
      if (random() % 3 == 0) more = reader.read_some(log.partition()) ? 1 : 0;
      const auto by = std::min<std::int64_t>(left, static_cast<std::int64_t>(random() % 100));
      log.clock.move(by);
      left -= by;
    }
    EXPECT_EQ(reader.state(), log.state());
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace myelin::log
