// Compactor: keeps of a compacted topic's closed segments the last record of each key.
//
// A pass over a partition reads what was not compacted before, remembers the last offset of each
// key in it, and writes all closed segments anew without the records that a later one replaces; the
// log then puts the new ones in place of the old. Offsets, times, commits and the places of records
// in their commits stay. Control batches stay; records of aborted transactions go; a segment with
// damage is left as it is. Belongs to the housekeeping thread, but for cancel() and counts().
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/siphash.h"
#include "log/log.h"

namespace myelin::log {

struct CompactionOptions {
  std::size_t key_map_bytes_max = 64u << 20;
  std::uint64_t read_bytes_per_second = 64u << 20;  // 0: as fast as it goes.
  std::size_t unpacked_bytes_max = 128u << 20;      // Of one batch.
  SipKey hash_key{};                                // Random.
};

struct CompactionCounts {
  std::uint64_t passes = 0;  // Over partitions, that were finished.
  std::uint64_t removed_records = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
};

class Compactor {
 public:
  Compactor(Log& log, CompactionOptions options);

  // Every partition that is due. Goes on with the next when one cannot be compacted, and gives the
  // first error.
  Status pass();
  void cancel() { canceled_ = true; }
  CompactionCounts counts() const;

 private:
  Log& log_;
  const CompactionOptions options_;
  std::atomic<bool> canceled_ = false;
  std::atomic<std::uint64_t> passes_ = 0;
  std::atomic<std::uint64_t> removed_records_ = 0;
  std::atomic<std::uint64_t> read_bytes_ = 0;
  std::atomic<std::uint64_t> written_bytes_ = 0;

  friend class PartitionCompaction;
};

// The closed segments that may be compacted now: old enough, and enough of them to gain. Empty when
// the partition is not due. `through`: what was compacted before.
std::vector<SegmentState> segments_to_compact(const std::vector<SegmentState>& segments,
                                              Offset through, const TopicPolicy& policy,
                                              std::int64_t now_ms);

}  // namespace myelin::log
