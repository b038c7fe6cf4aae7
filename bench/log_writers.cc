#include "bench/log_writers.h"

#include <unistd.h>

#include <thread>

#include "bench/wire.h"
#include "io/wakeup.h"

namespace myelin::bench {
namespace {

void sleep_until_ns(std::int64_t due) {
  const auto left = due - now_ns();
  if (left > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(left));
}

}  // namespace

class Writers::Writer final : public log::AppendWaiter {
 public:
  Writer(Writers& all, std::size_t number) : all_(all), number_(number) {}

  void numbered(const std::vector<log::BatchOutcome>&) override {}
  void completed(Result<log::CommitNumber> commit) override {
    if (!commit) give_up("append", commit.error());
    all_.count_commit(*commit);
    if (all_.options_.on == On::IoThread) {
      durable_.raise(all_.broker_.broker().wakeups());
    } else {
      finish();
      if (start()) return;
      --all_.running_;
      all_.running_.notify_one();
    }
  }

  static io::Task<void> run(std::shared_ptr<Writer> self) {
    while (self->start()) {
      co_await self->durable_.wait_uncanceled();
      self->durable_.reset();
      self->finish();
    }
  }

  // False when the time is over.
  bool start() {
    began_ = now_ns();
    if (began_ >= all_.end_) return false;
    in_checkpoint_ = all_.in_checkpoint_.load(std::memory_order_relaxed);
    append(batch());
    return true;
  }
  void finish() {
    const bool in_checkpoint =
        in_checkpoint_ || all_.in_checkpoint_.load(std::memory_order_relaxed);
    all_.done(began_, now_ns(), in_checkpoint, batch().size());
    ++number_;
  }

 private:
  void append(const std::string& batch) {
    auto target = all_.next_target();
    std::vector<broker::TopicBatch> batches;
    batches.push_back({std::move(target.topic), target.partition, batch});
    // The writer lives as long as the log: the waiter need not own it.
    const auto appended = all_.broker_.broker().append(
        std::move(batches), std::shared_ptr<log::AppendWaiter>(std::shared_ptr<void>(), this));
    if (!appended) give_up("append", appended.error());
  }

  const std::string& batch() const { return all_.batches_[number_ % all_.batches_.size()]; }

  Writers& all_;
  std::size_t number_;
  std::int64_t began_ = 0;
  bool in_checkpoint_ = false;
  io::Signal durable_;
};

Writers::Writers(BenchBroker& broker, std::vector<Target> targets,
                 const std::vector<std::string>& batches, const WriterOptions& options)
    : broker_(broker),
      targets_(std::move(targets)),
      batches_(batches),
      options_(options),
      logger_({}, clock_, STDERR_FILENO) {
  for (std::size_t i = 0; i < options.writers; ++i)
    writers_.push_back(std::make_shared<Writer>(*this, i));
}

Writers::~Writers() = default;

void Writers::run() {
  measured_from_ = now_ns() + std::chrono::nanoseconds(options_.warm_up).count();
  end_ = measured_from_ + std::chrono::nanoseconds(options_.duration).count();
  if (options_.on == On::IoThread) {
    run_on_io_thread();
  } else {
    run_on_committer();
  }
}

void Writers::run_on_io_thread() {
  io::Runtime runtime(logger_, {.threads = 1, .blocking_threads = 1});
  io::TaskScope scope(runtime, "writers");
  for (const auto& writer : writers_) scope.spawn("writer", Writer::run(writer));
  measure();
  if (!scope.join(std::chrono::minutes(5)))
    give_up("writers", Error(ErrorCode::Unavailable, "some never ended"));
}

void Writers::run_on_committer() {
  running_ = writers_.size();
  for (const auto& writer : writers_) writer->start();
  measure();
  for (auto running = running_.load(); running > 0; running = running_.load())
    running_.wait(running);
}

void Writers::measure() {
  sleep_until_ns(measured_from_);
  from_ = counters();
  std::thread checkpointer([this] { ask_for_checkpoints(); });
  sleep_until_ns(end_);
  to_ = counters();
  checkpointer.join();
}

void Writers::ask_for_checkpoints() {
  const auto step = (end_ - measured_from_) / static_cast<std::int64_t>(options_.checkpoints + 1);
  for (std::uint64_t i = 1; i <= options_.checkpoints; ++i) {
    sleep_until_ns(measured_from_ + static_cast<std::int64_t>(i) * step);
    const auto began = now_ns();
    in_checkpoint_ = true;
    must(broker_.log().checkpoint(), "checkpoint");
    in_checkpoint_ = false;
    checkpoint_ms_.push_back(static_cast<double>(now_ns() - began) / 1e6);
  }
}

Writers::Counters Writers::counters() const {
  return {cpu_seconds(), broker_.log().visible().value, broker_.log().checkpoint_count()};
}

void Writers::count_commit(log::CommitNumber commit) {
  if (commit != commit_ && in_commit_ > 0 && now_ns() >= measured_from_)
    commit_sizes_.add(in_commit_);
  in_commit_ = commit == commit_ ? in_commit_ + 1 : 1;
  commit_ = commit;
}

void Writers::done(std::int64_t began, std::int64_t ended, bool in_checkpoint, std::size_t bytes) {
  if (ended >= measured_from_ && ended < end_) {
    ++appends_;
    bytes_ += bytes;
  }
  if (began < measured_from_) return;
  latencies_.add(ended - began);
  if (in_checkpoint) in_checkpoints_.add(ended - began);
}

void Writers::report(Report& report) const {
  const auto seconds = static_cast<double>(options_.duration.count());
  const auto appends = static_cast<double>(appends_);
  const auto commits = static_cast<double>(to_.commits - from_.commits);
  report.add("appends_per_s", appends / seconds)
      .add("mb_per_s", static_cast<double>(bytes_) / 1e6 / seconds)
      .add("batch_bytes", std::uint64_t{batches_.front().size()})
      .add("appends_per_commit", commits > 0 ? appends / commits : 0.0)
      .add("appends_per_commit_p10", commit_sizes_.percentile_us(0.1) * 1000)
      .add("appends_per_commit_p50", commit_sizes_.percentile_us(0.5) * 1000)
      .add("appends_per_commit_p90", commit_sizes_.percentile_us(0.9) * 1000)
      .add("commits_per_s", commits / seconds)
      .add("cpu_s_per_s", (to_.cpu_s - from_.cpu_s) / seconds)
      .add("checkpoints", to_.checkpoints - from_.checkpoints)
      .add("asked_checkpoint_ms", checkpoint_ms_)
      .add("", latencies_)
      .add("in_checkpoints_", in_checkpoints_);
}

}  // namespace myelin::bench
