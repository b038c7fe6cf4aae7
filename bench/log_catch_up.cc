// Catching up: reads a partition from its start through segments.
#include <filesystem>

#include "bench/log_modes.h"
#include "bench/wire.h"

namespace myelin::bench {
namespace {

struct Pass {
  std::uint64_t bytes = 0;
  std::uint64_t batches = 0;
  std::uint64_t reads = 0;
  double seconds = 0;

  void add(const Pass& other) {
    bytes += other.bytes;
    batches += other.batches;
    reads += other.reads;
    seconds += other.seconds;
  }
};

void fill(BenchBroker& broker, const Target& target, const std::vector<std::string>& batches,
          std::uint64_t total_bytes) {
  std::uint64_t done = 0;
  for (std::size_t i = 0; done < total_bytes; ++i) {
    const auto& batch = batches[i % batches.size()];
    const auto appended =
        broker.broker().append({{target.topic, target.partition, batch}}, nullptr);
    if (appended) {
      done += batch.size();
    } else if (appended.error().code() == ErrorCode::Exhausted) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } else {
      give_up("append", appended.error());
    }
  }
  must(broker.log().checkpoint(), "checkpoint");
}

Pass read_all(const log::Partition& partition, std::size_t read_bytes) {
  Pass pass;
  const auto began = now_ns();
  for (auto next = partition.start(); next < partition.high_watermark();) {
    const auto found = value_of(partition.read_stored(log::Seek::to(next), read_bytes), "read");
    if (found.empty()) give_up("read", Error(ErrorCode::Corrupt, "records are missing"));
    for (const auto& batch : found) pass.bytes += batch.bytes.size();
    pass.batches += found.size();
    ++pass.reads;
    next = found.back().last_offset + 1;
  }
  pass.seconds = static_cast<double>(now_ns() - began) / 1e9;
  return pass;
}

}  // namespace

void run_catch_up(Arguments& arguments) {
  const auto options = log_options(arguments);
  const auto batch_bytes = arguments.number("batch-bytes", 16 << 10);
  const auto records = arguments.number("records", 16);
  const auto total_bytes = arguments.number("total-bytes", 1u << 30);
  const auto read_bytes = arguments.number("read-bytes", 1u << 20);
  const auto seconds = arguments.number("seconds", 10);
  const bool cold = arguments.number("cold", 0) != 0;
  Report report("catch-up", arguments);
  BenchBroker broker(options, 1);
  const auto target = targets_of(broker.topics(1)).front();
  auto& partition = target.topic->partition(target.partition);
  if (partition.high_watermark() == log::Offset(0))
    fill(broker, target, make_batches(batch_bytes, records, 64), total_bytes);
  evict(options.directory);
  read_all(partition, read_bytes);  // The warm-up; in memory after it.
  Pass all;
  const auto cpu = cpu_seconds();
  std::vector<double> passes_mb_per_s;
  while (all.seconds < static_cast<double>(seconds)) {
    if (cold) evict(options.directory);
    const auto pass = read_all(partition, read_bytes);
    passes_mb_per_s.push_back(static_cast<double>(pass.bytes) / 1e6 / pass.seconds);
    all.add(pass);
  }
  report.add("mb_per_s", static_cast<double>(all.bytes) / 1e6 / all.seconds)
      .add("batches_per_s", static_cast<double>(all.batches) / all.seconds)
      .add("bytes_per_read", static_cast<double>(all.bytes) / static_cast<double>(all.reads))
      .add("stored_batch_bytes", static_cast<double>(all.bytes) / static_cast<double>(all.batches))
      .add("cpu_s_per_s", (cpu_seconds() - cpu) / all.seconds)
      .add("passes_mb_per_s", passes_mb_per_s);
  broker.close();
  report.print();
}

}  // namespace myelin::bench
