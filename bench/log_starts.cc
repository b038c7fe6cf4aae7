// Directories that are filled, left in a mess, and started again.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "bench/log_modes.h"
#include "bench/wire.h"

namespace myelin::bench {
namespace {

// Counts what is not durable yet.
class Counter final : public log::AppendWaiter {
 public:
  void numbered(const std::vector<log::BatchOutcome>&) override { ++queued_; }
  void completed(Result<log::CommitNumber> commit) override {
    if (!commit) give_up("append", commit.error());
    ++durable_;
  }
  std::uint64_t queued() const { return queued_; }
  std::uint64_t durable() const { return durable_; }

 private:
  std::atomic<std::uint64_t> queued_ = 0;
  std::atomic<std::uint64_t> durable_ = 0;
};

// Appends one batch; waits while too much is queued. False when `until` has come.
bool append(BenchBroker& broker, const Target& target, const std::string& batch,
            const std::shared_ptr<Counter>& counter, std::int64_t until) {
  for (;;) {
    std::vector<broker::TopicBatch> batches;
    batches.push_back({target.topic, target.partition, batch});
    const auto appended = broker.broker().append(std::move(batches), counter);
    if (appended) return true;
    if (appended.error().code() != ErrorCode::Exhausted) give_up("append", appended.error());
    if (now_ns() >= until) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

void append_all(BenchBroker& broker, const std::vector<Target>& targets, std::uint64_t each,
                const std::vector<std::string>& batches) {
  const auto counter = std::make_shared<Counter>();
  for (std::uint64_t i = 0; i < each; ++i) {
    for (const auto& target : targets)
      append(broker, target, batches[i % batches.size()], counter, kNever);
  }
  while (counter->durable() < counter->queued())
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// A disk on which no partition's directory can be made any more, for ever: the flusher waits, and
// the journal fills to its end.
class StallingDisk final : public log::Disk {
 public:
  Result<std::unique_ptr<log::File>> open(const std::string& path, log::Writes writes,
                                          log::Create create) override {
    return disk_->open(path, writes, create);
  }
  Status rename(const std::string& from, const std::string& to) override {
    return disk_->rename(from, to);
  }
  Status remove(const std::string& path) override { return disk_->remove(path); }
  Status make_directory(const std::string& path) override {
    while (path.find("/topics/bench-") != std::string::npos) ::pause();
    return disk_->make_directory(path);
  }
  Result<std::vector<log::DirectoryEntry>> list(const std::string& path) override {
    return disk_->list(path);
  }
  Result<bool> exists(const std::string& path) override { return disk_->exists(path); }
  Status sync_directory(const std::string& path) override { return disk_->sync_directory(path); }
  Status sync_file_system(const std::string& path) override {
    return disk_->sync_file_system(path);
  }
  Result<log::DiskSpace> space(const std::string& path) override { return disk_->space(path); }
  Result<std::unique_ptr<log::DirectoryLock>> lock(const std::string& path) override {
    return disk_->lock(path);
  }
  std::string describe_weakness(const std::string& path) override {
    return disk_->describe_weakness(path);
  }

 private:
  const std::unique_ptr<log::Disk> disk_ = log::make_posix_disk();
};

// Appends until the journal takes no more.
void fill_journal(BenchBroker& broker, const std::vector<Target>& targets,
                  const std::vector<std::string>& batches,
                  const std::shared_ptr<Counter>& counter) {
  constexpr std::int64_t kStandstillNs = 2'000'000'000;
  auto durable = counter->durable();
  auto moved = now_ns();
  for (std::size_t i = 0; now_ns() - moved < kStandstillNs; ++i) {
    append(broker, targets[i % targets.size()], batches[i % batches.size()], counter,
           moved + kStandstillNs);
    if (counter->durable() == durable) continue;
    durable = counter->durable();
    moved = now_ns();
  }
}

std::vector<double> idle_checkpoints_ms(BenchBroker& broker) {
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) {
    const auto began = now_ns();
    must(broker.log().checkpoint(), "checkpoint");
    times.push_back(static_cast<double>(now_ns() - began) / 1e6);
  }
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace

void run_fill(Arguments& arguments) {
  const auto options = log_options(arguments);
  const auto topics = arguments.number("topics", 1);
  const auto partitions = arguments.number("partitions", 1);
  const auto each = arguments.number("batches-each", 10);
  const auto batch_bytes = arguments.number("batch-bytes", 1024);
  Report report("fill", arguments);
  const auto batches = make_batches(batch_bytes, 1, 8);
  BenchBroker broker(options, partitions);
  const auto began = now_ns();
  const auto targets = targets_of(broker.topics(topics));
  const auto made = now_ns();
  append_all(broker, targets, each, batches);
  report.add("make_topics_s", static_cast<double>(made - began) / 1e9)
      .add("append_s", static_cast<double>(now_ns() - made) / 1e9)
      .add("close_s", broker.close());
  report.print();
}

void run_start(Arguments& arguments) {
  const auto options = log_options(arguments);
  const bool cold = arguments.number("cold", 0) != 0;
  Report report("start", arguments);
  if (cold) evict(options.directory);
  const auto before = resident_bytes();
  BenchBroker broker(options, 1);
  std::uint64_t partitions = 0;
  for (const auto& topic : broker.log().topics()) partitions += topic->partitions.size();
  report.add("open_s", broker.open_seconds())
      .add("partitions", partitions)
      .add("resident_before_bytes", before)
      .add("resident_bytes", resident_bytes())
      .add("idle_checkpoint_ms", idle_checkpoints_ms(broker))
      .add("resident_after_checkpoints_bytes", resident_bytes())
      .add("checkpoint_bytes",
           std::uint64_t{std::filesystem::file_size(options.directory + "/checkpoint")})
      .add("directory_bytes", directory_bytes(options.directory))
      .add("close_s", broker.close());
  report.print();
}

void run_crash(Arguments& arguments) {
  auto options = log_options(arguments);
  const auto topics = arguments.number("topics", 1);
  const auto partitions = arguments.number("partitions", 1);
  const auto each = arguments.number("batches-each", 1);
  const auto batch_bytes = arguments.number("batch-bytes", 1024);
  const bool full = arguments.number("until-full", 0) != 0;
  Report report("crash", arguments);
  const auto batches = make_batches(batch_bytes, 1, 8);
  auto disk = full ? std::make_unique<StallingDisk>() : log::make_posix_disk();
  BenchBroker broker(options, partitions, std::move(disk));
  const auto targets = targets_of(broker.topics(topics));
  const auto counter = std::make_shared<Counter>();
  if (full) {
    fill_journal(broker, targets, batches, counter);
  } else {
    append_all(broker, targets, each, batches);
  }
  report.add("durable", full ? counter->durable() : each * targets.size())
      .add("journal_used", broker.log().journal_used())
      .add("checkpoints", broker.log().checkpoint_count());
  report.print();
  ::kill(::getpid(), SIGKILL);
  ::pause();
}

}  // namespace myelin::bench
