// Arbitrary damage to the files of a small data directory that a real log made: opening it says
// what is wrong, or works and serves only records that were written, in their order; it never
// crashes and never serves anything else.
//
// The input is a list of damages of eight bytes each: which file, what to do, where, with which
// value.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <future>
#include <span>

#include "base/bytes.h"
#include "base/check.h"
#include "formats/kafka/record_batch.h"
#include "log/log.h"
#include "log/sim_disk.h"

namespace {

using namespace myelin;
using namespace myelin::log;

constexpr int kRecords = 12;
constexpr std::size_t kDamageBytes = 8;
constexpr std::size_t kDamagesMax = 16;

// The same in each run, so that an input means the same damage.
class FixedRandom final : public Random {
 public:
  void fill(void* to, std::size_t size) override {
    auto* bytes = static_cast<std::uint8_t*>(to);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = ++last_;
  }

 private:
  std::uint8_t last_ = 0;
};

class Waiter final : public AppendWaiter {
 public:
  void numbered(const std::vector<BatchOutcome>&) override {}
  void completed(Result<CommitNumber> commit) override { done.set_value(commit.has_value()); }
  std::promise<bool> done;
};

std::string value_of(int i) { return fmt::format("record {}", i); }

Options options() {
  Options options;
  options.directory = "/data";
  options.journal_file_bytes = 16 * kBlockBytes;
  options.segment_bytes = 512;
  options.flush_interval = std::chrono::hours(1);
  options.tail_interval = std::chrono::hours(1);
  options.fail = [](const std::string&) {};
  return options;
}

void append(Log& log, const std::shared_ptr<Topic>& topic, int i) {
  kafka::RecordBatchBuilder builder;
  MYELIN_CHECK(builder.add(1000 + i, std::nullopt, value_of(i)), "a record fits");
  Write write;
  if (log.topics().empty()) write.topics.push_back(topic);
  write.batches.push_back({topic->partitions[0].get(), builder.finish()});
  const auto waiter = std::make_shared<Waiter>();
  write.waiter = waiter;
  MYELIN_CHECK(log.append(std::move(write)), "an append to a whole log");
  MYELIN_CHECK(waiter->done.get_future().get(), "a commit of a whole log");
}

using Files = std::vector<std::pair<std::string, std::string>>;

// A directory after a crash: a checkpoint in the middle, segments, frames behind it.
Files make_files() {
  SimDisk disk;
  FixedRandom random;
  const ManualClock clock;
  auto log = Log::open(disk, clock, random, options()).value();
  Uuid id;
  id.bytes.fill(3);
  const auto topic = log->make_topic({id, "a", 1, "{}"});
  for (int i = 0; i < kRecords; ++i) {
    append(*log, topic, i);
    if (i == kRecords / 2) MYELIN_CHECK(log->checkpoint(), "a checkpoint of a whole log");
  }
  Files files;
  for (const auto& path : disk.paths()) files.emplace_back(path, disk.content(path));
  return files;
}

void apply(std::string& content, std::span<const std::uint8_t> damage) {
  const auto at = load_le<std::uint32_t>(damage.data() + 2) & 0xffffff;
  const auto value = load_le<std::uint16_t>(damage.data() + 6);
  if (content.empty()) return;
  const auto place = at % content.size();
  switch (damage[1] % 5) {
    case 0: content[place] = static_cast<char>(content[place] ^ (1 << (value % 8))); return;
    case 1: content[place] = static_cast<char>(value); return;
    case 2: content.resize(place); return;
    case 3:
      std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(place),
                  std::min<std::size_t>(value, content.size() - place), '\0');
      return;
    case 4: content.append(value, static_cast<char>(at)); return;
  }
}

void check_served(const Log& log) {
  for (const auto& topic : log.topics()) {
    const auto& partition = *topic->partitions.at(0);
    Offset next(0);
    while (next < partition.high_watermark()) {
      auto found = partition.read_buffered(Seek::to(next), 1);
      if (!found) {
        auto stored = partition.read_stored(Seek::to(next), 1);
        if (!stored || stored->empty()) {
          next = next + 1;  // Said to be damaged: not served.
          continue;
        }
        found = std::move(*stored);
      }
      if (found->empty()) return;
      const auto& batch = found->front();
      MYELIN_CHECK(batch.base_offset >= next && batch.base_offset.value < kRecords,
                   "an offset that was written");
      auto reader = kafka::RecordReader::open(batch.bytes);
      MYELIN_CHECK(reader, "what is served is a batch");
      const auto record = reader->next();
      MYELIN_CHECK(record && *record &&
                       (*record)->value == value_of(static_cast<int>(batch.base_offset.value)),
                   "a record is served at its offset, as it was written");
      next = batch.last_offset + 1;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Files whole = make_files();
  auto files = whole;
  const std::span<const std::uint8_t> input(data, size);
  for (std::size_t i = 0; (i + 1) * kDamageBytes <= size && i < kDamagesMax; ++i) {
    const auto damage = input.subspan(i * kDamageBytes, kDamageBytes);
    apply(files[damage[0] % files.size()].second, damage);
  }
  SimDisk disk;
  for (const std::string directory : {"/data", "/data/journal", "/data/topics", "/data/topics/a-0"})
    MYELIN_CHECK(disk.make_directory(directory), "a folder");
  for (auto& [path, content] : files) disk.set_content(path, std::move(content));
  FixedRandom random;
  const ManualClock clock;
  const auto log = Log::open(disk, clock, random, options());
  if (log) check_served(**log);
  return 0;
}
