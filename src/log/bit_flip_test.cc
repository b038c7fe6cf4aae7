// One flipped bit anywhere in what a server left behind: it is refused, or it is a read error of
// its own records, or it changes nothing. Never a wrong byte served, never a record missing in
// silence, never a file gone.
//
// MYELIN_FLIP_STRIDE=1 MYELIN_FLIP_MASKS=8 flips each bit of each byte of the small directory (one
// bit of every third byte without), MYELIN_FLIP_ROUNDS so many random ones of the large one.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "log/frame.h"
#include "log/log_test_support.h"

namespace myelin::log {
namespace {

// Nothing flushes, checkpoints or closes the tail by itself.
Options still_options() {
  auto options = small_options();
  options.flush_interval = std::chrono::hours(1);
  options.tail_interval = std::chrono::hours(1);
  return options;
}

struct Record {
  std::string value;
  CommitNumber commit;
};

// What must be readable: by topic and offset, from the start on.
struct Expected {
  std::map<std::string, std::map<std::int64_t, Record>> topics;
  CommitNumber last;  // May be missing: its flip is a tear's.
};

struct Tally {
  std::uint64_t refused = 0;
  std::uint64_t read_errors = 0;
  std::uint64_t torn = 0;      // Of the last commit.
  std::uint64_t harmless = 0;  // Everything is served.
};

// Writes a directory and knows what is in it.
class Author {
 public:
  Author(SimDisk& disk, Options options) : log_(disk, std::move(options)) {}

  // One commit: a batch of so many records in a topic, which is made when it is new.
  void append(const std::string& name, std::size_t records, std::size_t value_bytes) {
    Write write;
    auto topic = log_.find(name);
    if (!topic) {
      Uuid id;
      log_.random.fill(id.bytes.data(), id.bytes.size());
      topic = log_.log->make_topic({id, name, 1, "{}"});
      write.topics.push_back(topic);
    }
    kafka::RecordBatchBuilder builder;
    std::vector<std::string> values;
    for (std::size_t i = 0; i < records; ++i) {
      values.push_back(fmt::format("{} {} ", name, ++written_));
      while (values.back().size() < value_bytes)
        values.back().push_back(static_cast<char>('a' + values.back().size() * written_ % 23));
      ASSERT_TRUE(builder.add(1'700'000'000'000, "key", values.back()));
    }
    auto waiter = std::make_shared<TestWaiter>();
    write.batches.push_back({topic->partitions[0].get(), builder.finish()});
    write.waiter = waiter;
    const auto outcomes = log_.log->append(std::move(write));
    ASSERT_TRUE(outcomes);
    const auto commit = waiter->wait();
    ASSERT_TRUE(commit);
    for (std::size_t i = 0; i < records; ++i) {
      expected_.topics[name][(*outcomes)[0].base_offset.value + static_cast<std::int64_t>(i)] = {
          values[i], *commit};
    }
    expected_.last = *commit;
  }

  void move_start(const std::string& name, Offset start) {
    const auto topic = log_.find(name);
    auto waiter = std::make_shared<TestWaiter>();
    Write write;
    write.starts.push_back({topic, topic->partitions[0].get(), start});
    write.waiter = waiter;
    ASSERT_TRUE(log_.log->append(std::move(write)));
    const auto commit = waiter->wait();
    ASSERT_TRUE(commit);
    auto& records = expected_.topics[name];
    records.erase(records.begin(), records.lower_bound(start.value));
    expected_.last = *commit;
  }

  void checkpoint() { ASSERT_TRUE(log_.log->checkpoint()); }
  const Expected& expected() const { return expected_; }

 private:
  LogOnDisk log_;
  Expected expected_;
  std::uint64_t written_ = 0;
};

// A place that a checksum covers.
struct Place {
  std::string path;
  std::size_t byte = 0;
};

// Bytes that count: all of the checkpoint and of segments, of the journal what frames take.
std::vector<Place> places_of(const SimDisk& disk) {
  std::vector<Place> places;
  for (const auto& path : disk.paths()) {
    const auto content = disk.content(path);
    if (!path.ends_with(".journal")) {
      const bool counts =
          path.ends_with(".log") || path.ends_with(".meta") || path.ends_with("/checkpoint");
      for (std::size_t i = 0; counts && i < content.size(); ++i) places.push_back({path, i});
      continue;
    }
    for (std::size_t at = 0; at < content.size(); at += kBlockBytes) {
      const auto header = decode_frame_header(std::string_view(content).substr(at));
      if (!header) continue;
      for (std::size_t i = 0; i < kFrameHeaderBytes + header->body_bytes; ++i)
        places.push_back({path, at + i});
    }
  }
  return places;
}

// Opens the disk, reads everything in several ways and holds it against what was written.
class Reader {
 public:
  Reader(SimDisk& disk, const Expected& expected, const Options& options, Tally& tally,
         std::size_t batch_records_max)
      : disk_(disk), expected_(expected), tally_(tally), batch_records_max_(batch_records_max) {
    const auto before = disk_.paths();
    read(options);
    const auto after = disk_.paths();
    const std::set<std::string> left(after.begin(), after.end());
    for (const auto& path : before) EXPECT_TRUE(left.contains(path)) << path << " is gone";
  }

 private:
  void read(const Options& options) {
    SystemClock clock;
    SystemRandom random;
    auto opened = Log::open(disk_, clock, random, options);
    if (!opened) {
      const auto code = opened.error().code();
      EXPECT_TRUE(code == ErrorCode::Corrupt || code == ErrorCode::Conflict)
          << opened.error().message();
      ++tally_.refused;
      return;
    }
    std::map<std::string, TopicPtr> topics;
    for (const auto& topic : (*opened)->topics()) topics[topic->spec.name] = topic;
    for (const auto& [name, records] : expected_.topics) {
      if (topics.contains(name)) {
        read(*topics[name]->partitions[0], records);
      } else {
        for (const auto& [offset, record] : records) miss(record, name);
      }
    }
    EXPECT_LE(unreadable_, batch_records_max_) << "more than its own range";
    if (unreadable_ > 0) {
      ++tally_.read_errors;
    } else if (torn_) {
      ++tally_.torn;
    } else {
      ++tally_.harmless;
    }
  }

  void miss(const Record& record, const std::string& where) {
    torn_ = true;
    EXPECT_EQ(record.commit, expected_.last) << where << " is missing";
  }

  void read(const Partition& partition, const std::map<std::int64_t, Record>& records) {
    if (records.empty()) return;
    EXPECT_EQ(partition.start().value, records.begin()->first);
    EXPECT_LE(partition.high_watermark().value, records.rbegin()->first + 1);
    auto by_commit = CommitNumber();
    Offset next;  // Behind what was read.
    for (const auto& [offset, record] : records) {
      if (offset < next.value) continue;
      const auto found = seek(partition, Seek::to(Offset(offset)));
      if (!found) {
        ++unreadable_;
        continue;
      }
      if (found->empty()) {
        miss(record, fmt::format("offset {}", offset));
        continue;
      }
      EXPECT_LE(found->front().base_offset.value, offset) << "a record is passed over";
      for (const auto& batch : *found) compare(batch, records);
      next = found->back().last_offset + 1;
      if (record.commit == by_commit) continue;
      by_commit = record.commit;
      const auto again = seek(partition, Seek::to(record.commit));
      if (!again) continue;
      ASSERT_FALSE(again->empty()) << "by commit";
      EXPECT_EQ(again->front().commit, record.commit) << "a commit is passed over";
    }
  }

  static Result<std::vector<BatchRef>> seek(const Partition& partition, Seek seek) {
    if (auto buffered = partition.read_buffered(seek, 1)) return std::move(*buffered);
    auto stored = partition.read_stored(seek, 1);
    if (!stored) {
      EXPECT_EQ(stored.error().code(), ErrorCode::Corrupt) << stored.error().message();
    }
    return stored;
  }

  static void compare(const BatchRef& batch, const std::map<std::int64_t, Record>& records) {
    const auto values = values_of({batch});
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto record = records.find(batch.base_offset.value + static_cast<std::int64_t>(i));
      if (record == records.end()) continue;  // Before the start.
      EXPECT_EQ(values[i] == record->second.value, true) << "a wrong byte is served";
      EXPECT_EQ(batch.commit, record->second.commit);
    }
  }

  SimDisk& disk_;
  const Expected& expected_;
  Tally& tally_;
  const std::size_t batch_records_max_;
  std::size_t unreadable_ = 0;
  bool torn_ = false;
};

// The disk of a server whose power went right after its last commit.
std::unique_ptr<SimDisk> power_off(SimDisk& disk) {
  EXPECT_TRUE(disk.sync_file_system("/data"));
  return disk.crash_image(0);
}

void print(const char* name, const Tally& tally) {
  fmt::print("{}: {} refused, {} read errors, {} torn off the last commit, {} harmless\n", name,
             tally.refused, tally.read_errors, tally.torn, tally.harmless);
}

TEST(LogBitFlip, OfASmallDirectoryIsNeverServedAndNeverSilent) {
  auto options = still_options();
  options.journal_file_bytes = 16 * kBlockBytes;
  options.segment_bytes = 600;
  options.large_batch_bytes = 9 << 10;
  SimDisk disk;
  std::unique_ptr<SimDisk> image;
  Expected expected;
  {
    Author author(disk, options);
    for (int i = 0; i < 6; ++i) author.append("a", 2, 40);
    author.append("b", 1, 10);
    author.checkpoint();
    author.append("b", 1, 12'000);
    author.move_start("a", Offset(5));
    author.append("a", 3, 30);
    author.checkpoint();
    author.append("b", 1, 10'000);
    author.append("c", 2, 20);
    author.append("a", 1, 50);
    author.move_start("a", Offset(9));
    author.append("c", 1, 30);
    image = power_off(disk);
    expected = author.expected();
  }
  Tally tally;
  {
    const auto whole = image->crash_image(0);
    Reader(*whole, expected, options, tally, 3);
    ASSERT_EQ(tally.harmless, 1u) << "the directory is not what the test thinks";
  }
  const auto stride = std::max<std::uint64_t>(from_environment("MYELIN_FLIP_STRIDE", 3), 1);
  const auto masks = from_environment("MYELIN_FLIP_MASKS", 1);
  const auto places = places_of(*image);
  ASSERT_GT(places.size(), 20'000u);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& place = places[i];
    // Inside of large batches one byte is as good as another.
    const bool large = image->content(place.path).size() > 8'000 && place.path.ends_with(".log");
    if (i % (large && stride > 1 ? stride * 20 : stride) != 0) continue;
    for (std::uint64_t m = 0; m < masks; ++m) {
      SCOPED_TRACE(fmt::format("{} byte {} mask {}", place.path, place.byte, (i + m) % 8));
      const auto flipped = image->crash_image(0);
      auto content = flipped->content(place.path);
      content[place.byte] = static_cast<char>(content[place.byte] ^ (1 << ((i + m) % 8)));
      flipped->set_content(place.path, std::move(content));
      Reader(*flipped, expected, options, tally, 3);
      if (HasFailure()) return;
    }
  }
  print("small directory", tally);
  EXPECT_GT(tally.refused, 0u);
  EXPECT_GT(tally.read_errors, 0u);
  EXPECT_GT(tally.torn, 0u);
}

TEST(LogBitFlip, OfALargeDirectoryIsNeverServedAndNeverSilent) {
  constexpr std::size_t kRecordsMax = 20;
  auto options = still_options();
  options.journal_file_bytes = 1 << 20;
  options.segment_bytes = 100'000;
  options.large_batch_bytes = 64 << 10;
  SimDisk disk;
  std::unique_ptr<SimDisk> image;
  Expected expected;
  std::mt19937_64 random(from_environment("MYELIN_FLIP_SEED", 1));
  {
    Author author(disk, options);
    for (int i = 0; i < 600; ++i) {
      const auto topic = fmt::format("topic-{}", random() % 12);
      const bool large = random() % 50 == 0;
      author.append(topic, large ? 1 : 1 + random() % kRecordsMax,
                    large ? 70'000 + random() % 50'000 : 10 + random() % 100);
      if (i % 97 == 96) author.checkpoint();
      if (i % 83 == 82) {
        const auto& records = author.expected().topics.at(topic);
        const auto first = records.begin()->first;
        const auto start = first + (records.rbegin()->first - first) / 2;
        author.move_start(topic, Offset(start));
      }
    }
    image = power_off(disk);
    expected = author.expected();
  }
  Tally tally;
  {
    const auto whole = image->crash_image(0);
    Reader(*whole, expected, options, tally, kRecordsMax);
    ASSERT_EQ(tally.harmless, 1u) << "the directory is not what the test thinks";
  }
  const auto places = places_of(*image);
  const auto rounds = from_environment("MYELIN_FLIP_ROUNDS", 200);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const auto& place = places[random() % places.size()];
    const auto bit = static_cast<int>(random() % 8);
    SCOPED_TRACE(fmt::format("{} byte {} bit {}", place.path, place.byte, bit));
    const auto flipped = image->crash_image(0);
    auto content = flipped->content(place.path);
    content[place.byte] = static_cast<char>(content[place.byte] ^ (1 << bit));
    flipped->set_content(place.path, std::move(content));
    Reader(*flipped, expected, options, tally, kRecordsMax);
    if (HasFailure()) return;
  }
  print("large directory", tally);
  EXPECT_GT(tally.read_errors, 0u);
}

}  // namespace
}  // namespace myelin::log
