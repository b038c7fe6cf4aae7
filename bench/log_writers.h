// Writers: a closed loop of appends. Each writer has one batch on its way, waits until it is
// durable, and sends the next one to the next partition.
//
// On::IoThread: the writers are coroutines of one io thread and are woken as the server's doors
// are: once for each commit, after all its waiters were told. On::Committer: each sends its next
// batch within completed(), on the committer thread; what is left is the log alone, without anybody
// to wake. A time is taken right before append() and when the writer runs again. A closed loop
// sends nothing while the log stands still: the stall counts once for each writer.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "bench/histogram.h"
#include "bench/log_fixture.h"
#include "io/runtime.h"

namespace myelin::bench {

enum class On : std::uint8_t { IoThread, Committer };

struct WriterOptions {
  On on = On::IoThread;
  std::uint64_t writers = 1;
  std::chrono::seconds warm_up{3};  // Appends as all others, not counted.
  std::chrono::seconds duration{10};
  std::uint64_t checkpoints = 0;  // Asked for at equal intervals within the duration.
};

class Writers {
 public:
  Writers(BenchBroker& broker, std::vector<Target> targets, const std::vector<std::string>& batches,
          const WriterOptions& options);
  ~Writers();

  void run();
  void report(Report& report) const;

 private:
  class Writer;
  struct Counters {
    double cpu_s = 0;
    std::uint64_t commits = 0;
    std::uint64_t checkpoints = 0;
  };
  Counters counters() const;
  Target next_target() { return targets_[next_target_++ % targets_.size()]; }
  void done(std::int64_t began, std::int64_t ended, bool in_checkpoint, std::size_t bytes);
  void count_commit(log::CommitNumber commit);
  void run_on_io_thread();
  void run_on_committer();
  void measure();
  void ask_for_checkpoints();

  BenchBroker& broker_;
  const std::vector<Target> targets_;
  const std::vector<std::string>& batches_;
  const WriterOptions options_;
  SystemClock clock_;
  Logger logger_;
  std::vector<std::shared_ptr<Writer>> writers_;
  std::int64_t measured_from_ = 0;
  std::int64_t end_ = 0;
  std::atomic<bool> in_checkpoint_ = false;
  std::vector<double> checkpoint_ms_;
  std::atomic<std::size_t> next_target_ = 0;
  std::atomic<std::size_t> running_ = 0;  // On the committer.

  // The committer's.
  log::CommitNumber commit_{};
  std::int64_t in_commit_ = 0;
  Histogram commit_sizes_;  // Appends, not times.

  // The io thread's, or the committer's.
  Histogram latencies_;
  Histogram in_checkpoints_;  // Of those of them during which a checkpoint asked for ran.
  std::uint64_t appends_ = 0;
  std::uint64_t bytes_ = 0;

  Counters from_;
  Counters to_;
};

}  // namespace myelin::bench
