// What log compaction does to one batch: keeps some of its records, as Kafka's log cleaner does.
//
// The batch keeps base offset, last offset delta, leader epoch, producer id, epoch and base
// sequence, its codec and its kind of timestamps; each kept record keeps offset, time, key, value
// and headers. Base and maximum timestamp become those of what is kept (of log append time, the
// maximum stays).
//
// A tombstone may go only once every reader had time to see it. When that is, the delete horizon,
// stands in the batch: attribute bit 6, and the base timestamp is the horizon. The first rewriting
// that sees a tombstone sets it; it is never moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/kafka/record_batch.h"

namespace myelin::kafka {

// The batch's delete horizon in milliseconds since the epoch, where it has one.
std::optional<std::int64_t> delete_horizon(const BatchInfo& info);

enum class WhenEmpty : std::uint8_t {
  Drop,
  // A header of 61 bytes stays: the last batch of a producer, whose sequence must not be forgotten.
  KeepHeader,
};

// Whether the batch is a marker that ends a transaction of which no record is left. Only the caller
// sees that; such a marker gets a delete horizon as a tombstone does.
enum class EndsEmptyTransaction : std::uint8_t { No, Yes };

struct RewriteOptions {
  // The horizon for batches that need one and have none: now and the topic's delete.retention.ms.
  // Not negative. Absent, none is set.
  std::optional<std::int64_t> delete_horizon_ms = {};
  WhenEmpty when_empty = WhenEmpty::Drop;
  EndsEmptyTransaction ends_empty_transaction = EndsEmptyTransaction::No;
  // What the records of a compressed batch may take once decompressed.
  std::size_t unpacked_bytes_max = std::size_t{128} << 20;
};

struct RewrittenBatch {
  enum class Outcome : std::uint8_t {
    Unchanged,  // The batch stays as it is, byte for byte; `bytes` is empty.
    Rewritten,  // `bytes` is the new batch.
    Emptied,    // `bytes` is the header alone, with no records.
    Dropped,    // Nothing is left; `bytes` is empty.
  };

  Outcome outcome = Outcome::Unchanged;
  std::string bytes = {};
  std::int32_t records_kept = 0;
};

// `keep` is asked once for each record, in order; its views live for that call.
//
// Corrupt where the batch's CRC is wrong: rewriting would hide it. InvalidInput for what is not
// exactly one sound batch, Exhausted beyond `unpacked_bytes_max`. The new batch may be larger than
// the old one: a horizon lies far from the records' times, and another encoder packed the old one.
// Memory: the unpacked records twice, their count in bits, and the packed result.
//
// A batch whose records' times lie further from the horizon than 64 bits reach gets none.
Result<RewrittenBatch> rewrite_batch(std::string_view batch,
                                     const std::function<bool(const RecordView&)>& keep,
                                     const RewriteOptions& options = {});

}  // namespace myelin::kafka
