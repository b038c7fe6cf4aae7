// What an append costs until it is durable, and a read, on the real disk under MYELIN_BENCH_DIR (or
// the system's temporary directory).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <deque>
#include <filesystem>

#include "base/check.h"
#include "formats/kafka/record_batch.h"
#include "log/log.h"

namespace {

using namespace myelin;
using namespace myelin::log;

class Waiter final : public AppendWaiter {
 public:
  void numbered(const std::vector<BatchOutcome>&) override {}
  void completed(Result<CommitNumber> commit) override {
    MYELIN_CHECK(commit, "an append failed");
    done_.store(true, std::memory_order_release);
    done_.notify_one();
  }
  void wait() { done_.wait(false, std::memory_order_acquire); }

 private:
  std::atomic<bool> done_ = false;
};

// A log in a directory of its own, with one topic.
class BenchLog {
 public:
  BenchLog() {
    const auto* base = std::getenv("MYELIN_BENCH_DIR");
    directory_ = (base ? std::string(base) : std::filesystem::temp_directory_path().string()) +
                 "/myelin-log-bench-XXXXXX";
    MYELIN_CHECK(::mkdtemp(directory_.data()) != nullptr, "a temporary directory");
    Options options;
    options.directory = directory_ + "/data";
    options.flush_interval = std::chrono::hours(1);  // Only when asked for.
    options.fail = [](const std::string& reason) { fatal(reason); };
    log_ = Log::open(*disk_, clock_, random_, options).value();
    Uuid id;
    random_.fill(id.bytes.data(), id.bytes.size());
    topic_ = log_->make_topic({id, "bench", 1, "{}"});
    Write write;
    write.topics.push_back(topic_);
    MYELIN_CHECK(log_->append(std::move(write)), "a topic");
  }
  ~BenchLog() {
    log_.reset();
    std::filesystem::remove_all(directory_);
  }
  BenchLog(const BenchLog&) = delete;
  BenchLog& operator=(const BenchLog&) = delete;

  Log& log() { return *log_; }
  Partition& partition() { return *topic_->partitions[0]; }

  std::shared_ptr<Waiter> append(const std::string& batch) {
    const auto waiter = std::make_shared<Waiter>();
    for (;;) {
      Write write;
      write.batches.push_back({&partition(), batch});
      write.waiter = waiter;
      if (log_->append(std::move(write))) return waiter;
      std::this_thread::yield();  // Too much waits for the disk.
    }
  }

 private:
  std::string directory_;
  std::unique_ptr<Disk> disk_ = make_posix_disk();
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Log> log_;
  std::shared_ptr<Topic> topic_;
};

std::string batch_of(std::size_t bytes) {
  kafka::RecordBatchBuilder builder;
  MYELIN_CHECK(builder.add(1'700'000'000'000, "key", std::string(bytes, 'x')), "a record");
  return builder.finish();
}

// Appends of one record each, so many of them always under way.
void AppendUntilDurable(benchmark::State& state) {
  BenchLog log;
  const auto in_flight = static_cast<std::size_t>(state.range(0));
  const auto batch = batch_of(static_cast<std::size_t>(state.range(1)));
  std::deque<std::shared_ptr<Waiter>> open;
  for (auto _ : state) {
    open.push_back(log.append(batch));
    if (open.size() < in_flight) continue;
    open.front()->wait();
    open.pop_front();
  }
  for (const auto& waiter : open) waiter->wait();
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
}
BENCHMARK(AppendUntilDurable)
    ->ArgNames({"in_flight", "bytes"})
    ->Args({1, 1000})
    ->Args({64, 1000})
    ->Args({1024, 1000})
    ->Args({64, 100'000})
    ->UseRealTime();

constexpr std::int64_t kReadRecords = 20'000;
constexpr std::size_t kReadBytes = 256u << 10;

void fill(BenchLog& log) {
  const auto batch = batch_of(1000);
  std::shared_ptr<Waiter> last;
  for (std::int64_t i = 0; i < kReadRecords; ++i) last = log.append(batch);
  last->wait();
}

void ReadFromBuffers(benchmark::State& state) {
  BenchLog log;
  fill(log);
  // The last records are still in memory.
  const Offset from(log.partition().high_watermark() + -100);
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto found = log.partition().read_buffered(Seek::to(from), kReadBytes);
    if (!found) return state.SkipWithError("the records have left the buffers");
    for (const auto& batch : *found) bytes += batch.bytes.size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(ReadFromBuffers)->MinTime(0.5);

void ReadFromSegments(benchmark::State& state) {
  BenchLog log;
  fill(log);
  MYELIN_CHECK(log.log().checkpoint(), "a checkpoint");
  Offset next(0);
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto found = log.partition().read_stored(Seek::to(next), kReadBytes).value();
    for (const auto& batch : found) bytes += batch.bytes.size();
    next = found.empty() ? Offset(0) : found.back().last_offset + 1;
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(ReadFromSegments);

}  // namespace
