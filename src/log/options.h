// Options: how a log is opened, and whom it tells.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "log/space.h"

namespace myelin::log {

struct Commit;

struct Options {
  std::string directory;
  std::uint64_t journal_file_bytes = 128u << 20;
  std::uint32_t journal_file_count = 3;
  std::uint64_t segment_bytes = 1u << 30;
  std::size_t group_bytes_max = 1u << 20;  // A commit's frame is closed at this size.
  // A batch at least so large is written straight to its segment; the journal names it.
  std::size_t large_batch_bytes = 256u << 10;
  std::size_t large_group_bytes_max = 8u << 20;  // A commit is closed at this sum of such batches.
  std::size_t queue_bytes_max = 64u << 20;       // What may wait for the committer.
  std::size_t buffer_bytes_max = 64u << 20;      // What may wait for the flusher.
  // So much is flushed after flush_pause, and less when it is flush_interval old.
  std::size_t flush_bytes = 2u << 20;
  std::chrono::milliseconds flush_pause{100};
  std::chrono::milliseconds flush_interval{5000};
  std::chrono::milliseconds tail_interval{50};  // Silence after which the tail is closed.
  SpaceLimits space;
  // Between two thirds of the journal and all of it commits are delayed by up to this.
  std::chrono::milliseconds throttle_max{20};
  std::size_t open_files_max = 1024;
  // Of producers that write with sequences: forgotten after this time without a batch. Kafka's
  // producer.id.expiration.ms.
  std::chrono::milliseconds producer_expiry{std::chrono::hours(24)};
  // Of them in all partitions together, a producer counted in each that it writes to.
  std::size_t producers_max = 1'000'000;
  // Called from the committer after the waiters of a commit were told; without one when it failed.
  std::function<void(const std::shared_ptr<const Commit>&)> on_committed;
  // What to do when durability can no longer be promised. Must not return outside of tests.
  std::function<void(const std::string&)> fail;
};

}  // namespace myelin::log
