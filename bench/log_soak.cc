// The soak: an open loop at a steady rate for hours, one line of CSV for each second.
//
// A time counts from when the append should have been made until its waiter is told, so that a
// stall is paid for by every append that it delays.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "base/mutex.h"
#include "bench/log_modes.h"
#include "bench/wire.h"

namespace myelin::bench {
namespace {

// Since the last take(), and of the whole run.
class Times {
 public:
  void add(std::int64_t ns) {
    MutexLock lock(mutex_);
    second_.add(ns);
    all_.add(ns);
  }
  Histogram take() {
    MutexLock lock(mutex_);
    const Histogram taken = second_;
    second_.clear();
    return taken;
  }
  Histogram all() {
    MutexLock lock(mutex_);
    return all_;
  }

 private:
  Mutex mutex_;
  Histogram second_ MYELIN_GUARDED_BY(mutex_);
  Histogram all_ MYELIN_GUARDED_BY(mutex_);
};

class TimedAppend final : public log::AppendWaiter {
 public:
  TimedAppend(Times& times, std::int64_t intended) : times_(times), intended_(intended) {}
  void numbered(const std::vector<log::BatchOutcome>&) override {}
  void completed(Result<log::CommitNumber> commit) override {
    if (!commit) give_up("append", commit.error());
    times_.add(now_ns() - intended_);
  }

 private:
  Times& times_;
  const std::int64_t intended_;
};

struct SoakOptions {
  std::uint64_t rate = 0;
  std::uint64_t seconds = 0;
  std::uint64_t warm_up = 0;
  std::uint64_t size_every = 0;
};

class Soak {
 public:
  Soak(BenchBroker& broker, std::vector<Target> targets, std::vector<std::string> batches,
       const SoakOptions& options, const std::string& csv)
      : broker_(broker),
        targets_(std::move(targets)),
        batches_(std::move(batches)),
        options_(options),
        csv_(csv) {}

  void run();
  void report(Report& report);

 private:
  void produce();
  void append(std::uint64_t number, std::int64_t intended);
  void sample(std::uint64_t second);

  BenchBroker& broker_;
  const std::vector<Target> targets_;
  const std::vector<std::string> batches_;
  const SoakOptions options_;
  std::ofstream csv_;
  Times times_;
  std::int64_t start_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::uint64_t directory_bytes_ = 0;
  std::uint64_t resident_first_ = 0;  // After the warm-up.
  std::uint64_t resident_max_ = 0;
  std::uint64_t descriptors_max_ = 0;
};

// As the kernel counts it: nothing is given back for the sake of a sample.
std::uint64_t resident_now() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void Soak::append(std::uint64_t number, std::int64_t intended) {
  const auto& target = targets_[number % targets_.size()];
  const auto waiter = std::make_shared<TimedAppend>(times_, intended);
  for (;;) {
    std::vector<broker::TopicBatch> batches;
    batches.push_back({target.topic, target.partition, batches_[number % batches_.size()]});
    const auto appended = broker_.broker().append(std::move(batches), waiter);
    if (appended) return;
    if (appended.error().code() != ErrorCode::Exhausted) give_up("append", appended.error());
    ++refused_;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

void Soak::produce() {
  const auto total = options_.rate * (options_.warm_up + options_.seconds);
  for (std::uint64_t i = 0; i < total; ++i) {
    const auto intended = start_ + static_cast<std::int64_t>(1e9 * static_cast<double>(i) /
                                                             static_cast<double>(options_.rate));
    const auto left = intended - now_ns();
    if (left > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(left));
    append(i, intended);
  }
}

void Soak::sample(std::uint64_t second) {
  if (second == 1 || second % options_.size_every == 0)
    directory_bytes_ = directory_bytes(broker_.directory());
  const auto resident = resident_now();
  const auto descriptors = open_descriptors();
  const auto times = times_.take();
  csv_ << fmt::format("{},{:.2f},{},{},{:.1f},{:.1f},{:.1f},{:.1f},{},{:.2f}\n", second,
                      static_cast<double>(resident) / 1e6, descriptors, times.count(),
                      times.percentile_us(0.5), times.percentile_us(0.99), times.max_us(),
                      static_cast<double>(directory_bytes_) / 1e6, broker_.log().checkpoint_count(),
                      cpu_seconds());
  csv_.flush();
  if (second == options_.warm_up) resident_first_ = resident;
  resident_max_ = std::max(resident_max_, resident);
  descriptors_max_ = std::max(descriptors_max_, descriptors);
}

void Soak::run() {
  csv_ << "second,resident_mb,descriptors,appends,p50_us,p99_us,max_us,directory_mb,checkpoints,"
          "cpu_s\n";
  start_ = now_ns();
  std::thread producer([this] { produce(); });
  for (std::uint64_t second = 1; second <= options_.warm_up + options_.seconds; ++second) {
    const auto due = start_ + static_cast<std::int64_t>(second) * 1'000'000'000;
    std::this_thread::sleep_for(
        std::chrono::nanoseconds(std::max<std::int64_t>(0, due - now_ns())));
    sample(second);
  }
  producer.join();
}

void Soak::report(Report& report) {
  report.add("", times_.all())
      .add("refused_and_tried_again", refused_.load())
      .add("resident_after_warm_up_bytes", resident_first_)
      .add("resident_max_bytes", resident_max_)
      .add("resident_end_bytes", resident_now())
      .add("descriptors_max", descriptors_max_)
      .add("directory_end_bytes", directory_bytes(broker_.directory()))
      .add("checkpoints", broker_.log().checkpoint_count());
}

}  // namespace

void run_soak(Arguments& arguments) {
  auto options = log_options(arguments);
  const auto topic_count = arguments.number("topics", 2000);
  const auto batch_bytes = arguments.number("batch-bytes", 1024);
  Upkeep upkeep;
  upkeep.retention_bytes = arguments.number("retention-bytes", 1u << 20);
  upkeep.compacted = arguments.number("compacted-topics", topic_count / 10);
  upkeep.interval = std::chrono::milliseconds(arguments.number("housekeeping-ms", 30'000));
  upkeep.segment_bytes = options.segment_bytes;
  const auto csv = arguments.text("csv", "soak.csv");
  SoakOptions soak_options;
  soak_options.rate = arguments.number("rate", 2000);
  soak_options.seconds = arguments.number("seconds", 3600);
  soak_options.warm_up = arguments.number("warm-up", 10);
  soak_options.size_every = arguments.number("size-every", 10);
  Report report("soak", arguments);
  BenchBroker broker(options, 1);
  const auto topics = broker.topics(topic_count);
  const auto housekeeper = make_housekeeper(broker, topics, upkeep);
  housekeeper->start();
  Soak soak(broker, targets_of(topics), make_batches(batch_bytes, 1, 64), soak_options, csv);
  soak.run();
  housekeeper->stop();
  soak.report(report);
  report.add("removed_files", housekeeper->counts().removed_files)
      .add("compactions", housekeeper->compactor().counts().passes)
      .add("compacted_away_records", housekeeper->compactor().counts().removed_records)
      .add("close_s", broker.close());
  report.print();
}

}  // namespace myelin::bench
