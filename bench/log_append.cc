// Closed-loop appends, and the cost of one.
#include <filesystem>
#include <thread>

#include "base/bytes.h"
#include "bench/log_modes.h"
#include "bench/log_writers.h"
#include "bench/wire.h"

namespace myelin::bench {

void run_append(Arguments& arguments) {
  auto options = log_options(arguments);
  const auto topic_count = arguments.number("topics", 1);
  const auto partitions = arguments.number("partitions", 1);
  const auto batch_bytes = arguments.number("batch-bytes", 1024);
  const auto records = arguments.number("records", 1);
  Upkeep upkeep;
  upkeep.retention_bytes = arguments.number("retention-bytes", 0);
  upkeep.segment_bytes = options.segment_bytes;
  upkeep.interval = std::chrono::milliseconds(arguments.number("housekeeping-ms", 30'000));
  WriterOptions writer_options;
  writer_options.writers = arguments.number("writers", 1);
  writer_options.warm_up = std::chrono::seconds(arguments.number("warm-up", 3));
  writer_options.duration = std::chrono::seconds(arguments.number("seconds", 10));
  writer_options.checkpoints = arguments.number("checkpoints", 0);
  writer_options.on =
      arguments.text("on", "io-thread") == "committer" ? On::Committer : On::IoThread;
  Report report("append", arguments);

  const auto batches = make_batches(batch_bytes, records, 8);
  BenchBroker broker(options, partitions);
  const auto topics = broker.topics(topic_count);
  must(broker.log().checkpoint(), "checkpoint");  // The topics are there before the first append.
  const auto housekeeper = make_housekeeper(broker, topics, upkeep);
  housekeeper->start();
  Writers writers(broker, targets_of(topics), batches, writer_options);
  writers.run();
  housekeeper->stop();
  writers.report(report);
  report.add("removed_files", housekeeper->counts().removed_files)
      .add("checkpoint_bytes",
           std::uint64_t{std::filesystem::file_size(broker.directory() + "/checkpoint")})
      .add("close_s", broker.close());
  report.print();
}

namespace {

// Names a producer in a batch without one, and its next sequence. The checksum, which an append
// does not look at, is not made right.
void put_sequence(std::string& batch, std::int64_t producer, std::int32_t sequence) {
  store_be(batch.data() + 43, producer);
  store_be(batch.data() + 51, std::int16_t{0});
  store_be(batch.data() + 53, sequence);
}

// Keeps so many appends on their way, from the caller's thread; of so many idempotent producers in
// turn, where there are some.
class Window final : public log::AppendWaiter {
 public:
  Window(BenchBroker& broker, Target target, std::uint64_t limit, std::uint64_t producers)
      : broker_(broker), target_(std::move(target)), limit_(limit), producers_(producers) {}

  void numbered(const std::vector<log::BatchOutcome>&) override {}
  void completed(Result<log::CommitNumber> commit) override {
    if (!commit) give_up("append", commit.error());
    open_.fetch_sub(1, std::memory_order_release);
    open_.notify_one();
  }
  void append(const std::string& batch) {
    wait_below(limit_);
    open_.fetch_add(1, std::memory_order_relaxed);
    std::vector<broker::TopicBatch> batches;
    batches.push_back({target_.topic, target_.partition, batch});
    if (producers_ > 0) {
      const auto turn = turn_++;
      put_sequence(batches.back().bytes, static_cast<std::int64_t>(turn % producers_),
                   static_cast<std::int32_t>(turn / producers_));
    }
    const auto appended = broker_.broker().append(
        std::move(batches), std::shared_ptr<log::AppendWaiter>(std::shared_ptr<void>(), this));
    if (!appended) give_up("append", appended.error());
  }
  void wait_below(std::uint64_t limit) {
    for (auto open = open_.load(std::memory_order_acquire); open >= limit;
         open = open_.load(std::memory_order_acquire))
      open_.wait(open, std::memory_order_acquire);
  }

 private:
  BenchBroker& broker_;
  const Target target_;
  const std::uint64_t limit_;
  const std::uint64_t producers_;
  std::uint64_t turn_ = 0;
  std::atomic<std::uint64_t> open_ = 0;
};

}  // namespace

// Two runs with different numbers of appends have everything in common but the appends.
void run_cost(Arguments& arguments) {
  auto options = log_options(arguments);
  const auto appends = arguments.number("appends", 10'000);
  const auto in_flight = arguments.number("in-flight", 1);
  const auto batch_bytes = arguments.number("batch-bytes", 1024);
  const auto producers = arguments.number("producers", 0);
  Report report("cost", arguments);
  const auto batches = make_batches(batch_bytes, 1, 1);
  BenchBroker broker(options, 1);
  Window window(broker, targets_of(broker.topics(1)).front(), in_flight, producers);
  window.append(batches.front());
  window.wait_below(1);
  const auto commits = broker.log().visible();
  const auto allocated = allocations();
  count_allocations(true);
  for (std::uint64_t i = 0; i < appends; ++i) window.append(batches.front());
  window.wait_below(1);
  count_allocations(false);
  const auto count = static_cast<double>(appends);
  report.add("allocations_per_append", static_cast<double>(allocations() - allocated) / count)
      .add("appends_per_commit", count / static_cast<double>(broker.log().visible() - commits));
  broker.close();
  report.print();
}

}  // namespace myelin::bench
