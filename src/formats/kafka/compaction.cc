#include "formats/kafka/compaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "formats/kafka/compression.h"
#include "formats/kafka/unpacked_batch.h"

namespace myelin::kafka {
namespace {

constexpr std::int64_t kNoTimestamp = -1;
// The attributes that Kafka's cleaner carries over.
constexpr std::int16_t kKnownAttributes =
    kCompressionMask | kLogAppendTime | kTransactional | kControl | kDeleteHorizon;

// What the first pass learns of the records, so that the second can write them.
struct Kept {
  std::vector<bool> records;  // A bit for each of the batch.
  std::int32_t count = 0;
  bool has_tombstone = false;
  std::int64_t first_timestamp = 0;
  std::int64_t lowest_timestamp = 0;
  std::int64_t highest_timestamp = 0;

  bool all() const { return static_cast<std::size_t>(count) == records.size(); }
};

Result<Kept> choose(const UnpackedBatch& batch,
                    const std::function<bool(const RecordView&)>& keep) {
  Kept kept;
  RecordReader reader = batch.reader();
  while (true) {
    MYELIN_TRY(record, reader.next());
    if (!record) return kept;
    kept.records.push_back(keep(*record));
    if (!kept.records.back()) continue;
    const std::int64_t timestamp = record->timestamp_ms;
    if (kept.count++ == 0) {
      kept.first_timestamp = kept.lowest_timestamp = kept.highest_timestamp = timestamp;
    }
    kept.lowest_timestamp = std::min(kept.lowest_timestamp, timestamp);
    kept.highest_timestamp = std::max(kept.highest_timestamp, timestamp);
    if (!record->value) kept.has_tombstone = true;
  }
}

// Whether each kept record's time is base + a delta of 64 bits.
bool reaches(std::int64_t base, const Kept& kept) {
  std::int64_t delta = 0;
  return !__builtin_sub_overflow(kept.lowest_timestamp, base, &delta) &&
         !__builtin_sub_overflow(kept.highest_timestamp, base, &delta);
}

bool lacks_horizon(const BatchInfo& info, const Kept& kept, const RewriteOptions& options) {
  return options.delete_horizon_ms && !info.has_delete_horizon() &&
         (kept.has_tombstone || options.ends_empty_transaction == EndsEmptyTransaction::Yes) &&
         reaches(*options.delete_horizon_ms, kept);
}

std::string header_alone(BatchInfo info) {
  info.attributes &= kLogAppendTime | kTransactional | kControl;
  info.base_timestamp = kNoTimestamp;
  info.record_count = 0;
  std::string batch(kBatchHeaderBytes, '\0');
  write_batch_header(batch, info);
  return batch;
}

// The kept records with their times told from `base_timestamp`.
Result<std::string> write_records(const UnpackedBatch& batch, const Kept& kept,
                                  std::int64_t base_timestamp) {
  std::string records;
  records.reserve(batch.records().size());
  ByteWriter out(records);
  std::string deltas;
  RecordReader reader = batch.reader();
  for (const bool is_kept : kept.records) {
    MYELIN_TRY(record, reader.next());
    MYELIN_CHECK(record.has_value(), "records changed since they were read");
    if (!is_kept) continue;
    deltas.clear();
    deltas.push_back('\0');  // The record's own attributes: none are defined.
    // Of log append time, the delta is never read, and may lie out of range.
    ByteWriter(deltas).varlong(
        static_cast<std::int64_t>(static_cast<std::uint64_t>(record->timestamp_ms) -
                                  static_cast<std::uint64_t>(base_timestamp)));
    ByteWriter(deltas).varint(record->offset_delta);
    const std::size_t size = deltas.size() + record->body.size();
    if (size > std::numeric_limits<std::int32_t>::max()) {
      return Error(ErrorCode::Exhausted, "record batch: a record outgrows its length");
    }
    out.varint(static_cast<std::int32_t>(size));
    out.bytes(deltas);
    out.bytes(record->body);
  }
  return records;
}

Result<std::string> write_batch(const UnpackedBatch& batch, const Kept& kept,
                                std::optional<std::int64_t> new_horizon_ms) {
  BatchInfo info = batch.info();
  info.attributes &= kKnownAttributes;
  info.record_count = kept.count;
  if (new_horizon_ms) {
    info.attributes |= kDeleteHorizon;
    info.base_timestamp = *new_horizon_ms;
  } else if (!info.has_delete_horizon() && reaches(kept.first_timestamp, kept)) {
    info.base_timestamp = kept.first_timestamp;
  }
  if (!info.has_log_append_time()) {
    info.max_timestamp = std::max(kept.highest_timestamp, kNoTimestamp);
  }
  MYELIN_TRY(records, write_records(batch, kept, info.base_timestamp));
  MYELIN_TRY(codec, compression_of(info.attributes));
  if (codec != Compression::None) {
    MYELIN_TRY(packed, compress(codec, records));
    records = std::move(packed);
  }
  if (records.size() > kBatchBytesMax - kBatchHeaderBytes) {
    return Error(ErrorCode::Exhausted, "record batch: rewritten, it outgrows its length");
  }
  records.insert(0, kBatchHeaderBytes, '\0');
  write_batch_header(records, info);
  return records;
}

}  // namespace

std::optional<std::int64_t> delete_horizon(const BatchInfo& info) {
  return info.has_delete_horizon() ? std::optional(info.base_timestamp) : std::nullopt;
}

Result<RewrittenBatch> rewrite_batch(std::string_view batch,
                                     const std::function<bool(const RecordView&)>& keep,
                                     const RewriteOptions& options) {
  using Outcome = RewrittenBatch::Outcome;
  MYELIN_CHECK(options.delete_horizon_ms.value_or(0) >= 0, "a delete horizon before the epoch");
  MYELIN_TRY_VOID(verify_batch(batch));
  MYELIN_TRY(unpacked, unpack(batch, options.unpacked_bytes_max));
  MYELIN_TRY(kept, choose(unpacked, keep));
  if (kept.count == 0) {
    if (options.when_empty == WhenEmpty::Drop) return RewrittenBatch{.outcome = Outcome::Dropped};
    std::string header = header_alone(unpacked.info());
    if (header == batch) return RewrittenBatch{.outcome = Outcome::Unchanged};
    return RewrittenBatch{.outcome = Outcome::Emptied, .bytes = std::move(header)};
  }
  const bool sets_horizon = lacks_horizon(unpacked.info(), kept, options);
  if (kept.all() && !sets_horizon) {
    return RewrittenBatch{.outcome = Outcome::Unchanged, .records_kept = kept.count};
  }
  MYELIN_TRY(bytes,
             write_batch(unpacked, kept, sets_horizon ? options.delete_horizon_ms : std::nullopt));
  return RewrittenBatch{
      .outcome = Outcome::Rewritten, .bytes = std::move(bytes), .records_kept = kept.count};
}

}  // namespace myelin::kafka
