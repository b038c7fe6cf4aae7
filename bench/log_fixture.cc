#include "bench/log_fixture.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/check.h"
#include "bench/wire.h"
#include "formats/kafka/record_batch.h"

namespace myelin::bench {

namespace fs = std::filesystem;

Result<Arguments> Arguments::parse(std::span<const std::string> args) {
  Arguments arguments;
  for (std::size_t i = 0; i < args.size(); i += 2) {
    if (!args[i].starts_with("--") || i + 1 == args.size())
      return Error(ErrorCode::InvalidInput, "expected --name value, found " + args[i]);
    arguments.given_[args[i].substr(2)] = args[i + 1];
  }
  return arguments;
}

std::uint64_t Arguments::number(const std::string& name, std::uint64_t otherwise) {
  const auto text_value = text(name, std::to_string(otherwise));
  std::uint64_t value = 0;
  const auto* end = text_value.data() + text_value.size();
  const auto parsed = std::from_chars(text_value.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    give_up(name, Error(ErrorCode::InvalidInput, "expected a whole number"));
  return value;
}

std::string Arguments::text(const std::string& name, const std::string& otherwise) {
  const auto found = given_.find(name);
  return settings_[name] = found == given_.end() ? otherwise : found->second;
}

void Arguments::check_known() const {
  for (const auto& [name, value] : given_) {
    if (!settings_.contains(name))
      give_up(name, Error(ErrorCode::InvalidInput, "this mode has no such argument"));
  }
}

Report::Report(std::string_view mode, const Arguments& arguments) {
  arguments.check_known();
  json_.begin_object();
  json_.key("mode");
  json_.string(mode);
  json_.key("machine");
  json_.string(machine());
  json_.key("settings");
  json_.begin_object();
  for (const auto& [name, value] : arguments.settings()) {
    if (name == "dir") continue;
    json_.key(name);
    json_.string(value);
  }
  json_.end_object();
}

Report& Report::add(std::string_view name, std::uint64_t value) {
  json_.key(name);
  json_.integer(value);
  return *this;
}

Report& Report::add(std::string_view name, double value) {
  json_.key(name);
  json_.number(value);
  return *this;
}

Report& Report::add(std::string_view name, const std::vector<double>& values) {
  json_.key(name);
  json_.begin_array();
  for (const auto value : values) json_.number(value);
  json_.end_array();
  return *this;
}

Report& Report::add(const std::string& prefix, const Histogram& histogram) {
  return add(prefix + "count", histogram.count())
      .add(prefix + "p50_us", histogram.percentile_us(0.5))
      .add(prefix + "p90_us", histogram.percentile_us(0.9))
      .add(prefix + "p99_us", histogram.percentile_us(0.99))
      .add(prefix + "p999_us", histogram.percentile_us(0.999))
      .add(prefix + "max_us", histogram.max_us());
}

void Report::print() {
  json_.end_object();
  std::printf("%s\n", text_.c_str());
  std::fflush(stdout);
}

void give_up(std::string_view what, const Error& error) {
  fatal(fmt::format("log_load: {}: {}", what, error.message()));
}

void must(const Status& status, std::string_view what) {
  if (!status) give_up(what, status.error());
}

log::Options log_options(Arguments& arguments) {
  log::Options options;
  options.directory = fs::absolute(arguments.text("dir", "log-bench-data")).lexically_normal();
  options.flush_interval = std::chrono::milliseconds(arguments.number(
      "flush-interval-ms", static_cast<std::uint64_t>(options.flush_interval.count())));
  options.large_batch_bytes = arguments.number("large-batch-bytes", options.large_batch_bytes);
  options.segment_bytes = arguments.number("segment-bytes", options.segment_bytes);
  options.buffer_bytes_max = arguments.number("buffer-bytes-max", options.buffer_bytes_max);
  options.fail = [](const std::string& reason) { fatal(reason); };
  return options;
}

BenchBroker::BenchBroker(log::Options options, std::uint64_t partitions,
                         std::unique_ptr<log::Disk> disk)
    : directory_(options.directory), disk_(std::move(disk)) {
  fs::create_directories(directory_);
  broker::Settings settings;
  settings.topics_max = 1'000'000;
  settings.partitions_default = static_cast<std::int32_t>(partitions);
  const auto began = now_ns();
  broker_ =
      value_of(broker::Broker::open(*disk_, clock_, random_, std::move(options), settings), "open");
  open_seconds_ = static_cast<double>(now_ns() - began) / 1e9;
}

BenchBroker::~BenchBroker() = default;

double BenchBroker::close() {
  const auto began = now_ns();
  must(broker_->close(), "close");
  return static_cast<double>(now_ns() - began) / 1e9;
}

std::vector<broker::TopicPtr> BenchBroker::topics(std::uint64_t count) {
  std::vector<broker::TopicPtr> topics;
  for (std::uint64_t i = 0; i < count; ++i)
    topics.push_back(value_of(broker_->ensure({{}, fmt::format("bench-{:05}", i)}), "topic"));
  return topics;
}

std::vector<Target> targets_of(const std::vector<broker::TopicPtr>& topics) {
  std::vector<Target> targets;
  for (const auto& topic : topics) {
    for (std::int32_t i = 0; i < topic->partition_count(); ++i)
      targets.push_back({topic, broker::PartitionIndex(i)});
  }
  return targets;
}

std::unique_ptr<log::Housekeeper> make_housekeeper(BenchBroker& broker,
                                                   const std::vector<broker::TopicPtr>& topics,
                                                   const Upkeep& upkeep) {
  log::TopicPolicy policy;
  policy.segment_bytes = upkeep.segment_bytes;
  if (upkeep.retention_bytes > 0) policy.retention_bytes = upkeep.retention_bytes;
  for (std::size_t i = 0; i < topics.size(); ++i) {
    policy.compact = i < upkeep.compacted;
    broker.log().set_policy(*topics[i]->stored, policy);
  }
  log::HousekeepingOptions options;
  options.interval = upkeep.interval;
  options.on_error = [](std::string_view what, const Error& error) { give_up(what, error); };
  return std::make_unique<log::Housekeeper>(broker.log(), options);
}

std::vector<std::string> make_batches(std::size_t bytes, std::uint64_t records, std::size_t count) {
  SystemRandom random;
  std::vector<std::string> batches;
  std::string value(bytes / records, '\0');
  for (std::size_t i = 0; i < count; ++i) {
    kafka::RecordBatchBuilder builder(bytes + 4096);
    for (std::uint64_t record = 0; record < records; ++record) {
      random.fill(value.data(), value.size());
      must(builder.add(1'700'000'000'000, fmt::format("key-{}-{}", i, record), value), "a record");
    }
    batches.push_back(builder.finish());
  }
  return batches;
}

std::uint64_t resident_bytes() {
  ::malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
  std::uint64_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

std::uint64_t directory_bytes(const std::string& directory) {
  std::uint64_t bytes = 0;
  std::error_code gone;  // Files may be removed while this looks.
  for (auto it = fs::recursive_directory_iterator(directory, gone);
       it != fs::recursive_directory_iterator(); it.increment(gone)) {
    std::error_code error;
    if (!it->is_regular_file(error)) continue;
    const auto size = it->file_size(error);
    if (!error) bytes += size;
  }
  return bytes;
}

void evict(const std::string& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ::fdatasync(fd);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

std::string machine() {
  utsname names{};
  ::uname(&names);
  return fmt::format("{} {} {}, {} processors", names.sysname, names.release, names.machine,
                     std::thread::hardware_concurrency());
}

}  // namespace myelin::bench
