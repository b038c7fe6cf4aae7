// What the modes of log_load share: arguments that are printed with the result, a broker in a
// directory, batches, what the process takes of the machine.
//
// A mode that cannot go on ends the program with one line: half a measurement is none.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "bench/histogram.h"
#include "broker/broker.h"
#include "log/housekeeping.h"

namespace myelin::bench {

// "--name value" pairs. What a mode asks for, given or not, is a setting of the run.
class Arguments {
 public:
  static Result<Arguments> parse(std::span<const std::string> args);

  std::uint64_t number(const std::string& name, std::uint64_t otherwise);
  std::string text(const std::string& name, const std::string& otherwise);
  // Once everything was asked for: ends the program when something else was given.
  void check_known() const;
  const std::map<std::string, std::string>& settings() const { return settings_; }

 private:
  std::map<std::string, std::string> given_;
  std::map<std::string, std::string> settings_;
};

// The one JSON object that a mode prints: its settings, then its figures.
class Report {
 public:
  Report(std::string_view mode, const Arguments& arguments);
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  Report& add(std::string_view name, std::uint64_t value);
  Report& add(std::string_view name, double value);
  Report& add(std::string_view name, const std::vector<double>& values);
  // <prefix>count, p50_us, p90_us, p99_us, p999_us, max_us.
  Report& add(const std::string& prefix, const Histogram& histogram);
  void print();

 private:
  std::string text_;
  JsonWriter json_{text_};
};

// Ends the program with the error.
[[noreturn]] void give_up(std::string_view what, const Error& error);
template <class T>
T value_of(Result<T> result, std::string_view what) {
  if (!result) give_up(what, result.error());
  return std::move(*result);
}
void must(const Status& status, std::string_view what);

// --dir, --flush-interval-ms, --large-batch-bytes, --segment-bytes, --buffer-bytes-max with the
// log's own values where they are not given.
log::Options log_options(Arguments& arguments);

// A broker on the machine's disk (or on one that a mode gives).
class BenchBroker {
 public:
  // Makes the directory. `partitions` is of topics made from now on.
  BenchBroker(log::Options options, std::uint64_t partitions,
              std::unique_ptr<log::Disk> disk = log::make_posix_disk());
  ~BenchBroker();
  BenchBroker(const BenchBroker&) = delete;
  BenchBroker& operator=(const BenchBroker&) = delete;

  broker::Broker& broker() { return *broker_; }
  log::Log& log() { return broker_->log(); }
  log::Disk& disk() { return *disk_; }
  const std::string& directory() const { return directory_; }
  // From the call until appends are taken.
  double open_seconds() const { return open_seconds_; }
  double close();

  // bench-00000 and so on; made where they are missing.
  std::vector<broker::TopicPtr> topics(std::uint64_t count);

 private:
  const std::string directory_;
  std::unique_ptr<log::Disk> disk_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<broker::Broker> broker_;
  double open_seconds_ = 0;
};

struct Target {
  broker::TopicPtr topic;
  broker::PartitionIndex partition;
};
// Every partition of the topics.
std::vector<Target> targets_of(const std::vector<broker::TopicPtr>& topics);

// What a server does besides: retention by bytes of a partition (0: everything is kept), compaction
// of the first `compacted` topics, the scrub. An error ends the program. Not started yet.
struct Upkeep {
  std::uint64_t retention_bytes = 0;
  std::uint64_t segment_bytes = 1u << 30;
  std::uint64_t compacted = 0;
  std::chrono::milliseconds interval{30'000};
};
std::unique_ptr<log::Housekeeper> make_housekeeper(BenchBroker& broker,
                                                   const std::vector<broker::TopicPtr>& topics,
                                                   const Upkeep& upkeep);

// Record batches of about this many bytes in `records` records whose values no file system and no
// disk can make smaller. `count` different ones.
std::vector<std::string> make_batches(std::size_t bytes, std::uint64_t records, std::size_t count);

// Of this process, after the allocator gave back what it can.
std::uint64_t resident_bytes();
std::uint64_t open_descriptors();
// Of all regular files below.
std::uint64_t directory_bytes(const std::string& directory);
// Asks the kernel to drop the files' pages, after writing them.
void evict(const std::string& directory);
// What runs here: kernel and processors.
std::string machine();

}  // namespace myelin::bench
