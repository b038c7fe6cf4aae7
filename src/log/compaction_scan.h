// CompactionScan: what a compaction has to know before it writes: the last offset of each key,
// which transactions were aborted and which are open, the last batch of each producer.
//
// Keys of a transaction count once its end is seen, so an aborted record never replaces another.
// Not thread-safe.
#pragma once

#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/kafka/unpacked_batch.h"
#include "log/key_map.h"
#include "log/types.h"

namespace myelin::log {

class CompactionScan {
 public:
  // Keys are taken from `from` on; what lies before was compacted already.
  CompactionScan(KeyMap& keys, Offset from, std::size_t unpacked_bytes_max)
      : keys_(keys), from_(from), end_(from), unpacked_bytes_max_(unpacked_bytes_max) {}

  // Batches in order. False when no more keys fit: then the scan is over, in the midst of the
  // batch.
  Result<bool> add(const BatchRef& batch);

  // Batches from `from` on cannot be read. Nobody knows how the transactions that are open ended,
  // so their records replace nothing and are not taken for aborted.
  void skip(Offset from);

  // Records from here on stay as they are: their keys were not looked at, or a transaction is open.
  Offset end() const;
  bool is_replaced(std::string_view key, Offset offset) const;
  // Whether what the batch's tombstones delete is gone from all that lies before it, so that one
  // day they may go themselves: it was scanned, and all before it could be read.
  bool knows_all_before(const kafka::BatchInfo& info) const {
    return info.last_offset() >= from_.value && info.base_offset < skipped_.value;
  }
  // Whether the batch's records are of a transaction that was aborted.
  bool is_aborted(const kafka::BatchInfo& info) const;
  // Whether nothing later of its producer was seen.
  bool is_last_of_producer(const kafka::BatchInfo& info) const;

 private:
  using Key = std::pair<std::string, Offset>;
  struct Transaction {
    Offset first;  // Of its first batch.
    std::vector<Key> keys;
  };
  struct Range {
    std::int64_t first = 0;
    std::int64_t last = 0;
  };
  Result<bool> add_keys(const kafka::UnpackedBatch& batch);
  Result<bool> end_transaction(const kafka::UnpackedBatch& batch);
  bool put(std::string_view key, Offset offset);

  KeyMap& keys_;
  const Offset from_;
  Offset end_;
  const std::size_t unpacked_bytes_max_;
  Offset skipped_{std::numeric_limits<std::int64_t>::max()};      // The first that cannot be read.
  std::size_t open_bytes_ = 0;                                    // Of keys in open transactions.
  std::unordered_map<std::int64_t, Transaction> open_;            // By producer.
  std::unordered_map<std::int64_t, std::vector<Range>> aborted_;  // By producer, rising.
  std::unordered_map<std::int64_t, std::int64_t> last_batches_;   // Producer to a base offset.
};

}  // namespace myelin::log
