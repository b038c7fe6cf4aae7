#include "log/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "formats/kafka/record_batch.h"

namespace myelin::log {
namespace {

constexpr std::uint64_t kMetaMagic = 0x4154454d4c45594dull;  // "MYELMETA" in the file.
constexpr std::uint32_t kMetaVersion = 1;
constexpr std::size_t kWriteBytes = 1u << 20;

struct MetaEntry {
  std::uint64_t position = 0;
  Offset base_offset;
  CommitNumber commit;
  std::int64_t received_ms = 0;
  std::uint32_t first_record = 0;
  std::uint32_t record_count = 0;
  std::uint32_t batch_bytes = 0;
  std::int32_t last_offset_delta = 0;
  std::uint32_t header_crc = 0;
};

std::string encode_header(PartitionId partition, Offset base_offset) {
  std::string bytes;
  ByteWriter out(bytes);
  out.le(kMetaMagic);
  out.le(kMetaVersion);
  out.le(partition.partition.value);
  out.bytes(partition.topic.view());
  out.le(base_offset.value);
  bytes.append(kMetaHeaderBytes - 4 - bytes.size(), '\0');
  out.le(crc32c(bytes));
  return bytes;
}

void append_entry(std::string& bytes, std::uint64_t position, const BatchRef& batch) {
  const auto start = bytes.size();
  ByteWriter out(bytes);
  out.le(position);
  out.le(batch.base_offset.value);
  out.le(batch.commit.value);
  out.le(to_ms(batch.received));
  out.le(batch.first_record);
  out.le(batch.record_count);
  out.le(static_cast<std::uint32_t>(batch.bytes.size()));
  out.le(static_cast<std::int32_t>(batch.last_offset - batch.base_offset));
  out.le(kafka::header_checksum(batch.bytes));
  bytes.append(start + kMetaEntryBytes - 4 - bytes.size(), '\0');
  out.le(crc32c(std::string_view(bytes).substr(start)));
}

std::optional<MetaEntry> decode_entry(std::string_view bytes) {
  if (bytes.size() != kMetaEntryBytes ||
      crc32c(bytes.substr(0, kMetaEntryBytes - 4)) !=
          load_le<std::uint32_t>(bytes.data() + kMetaEntryBytes - 4)) {
    return std::nullopt;
  }
  ByteReader in(bytes);
  MetaEntry entry;
  entry.position = in.le<std::uint64_t>();
  entry.base_offset = Offset(in.le<std::int64_t>());
  entry.commit = CommitNumber(in.le<std::uint64_t>());
  entry.received_ms = in.le<std::int64_t>();
  entry.first_record = in.le<std::uint32_t>();
  entry.record_count = in.le<std::uint32_t>();
  entry.batch_bytes = in.le<std::uint32_t>();
  entry.last_offset_delta = in.le<std::int32_t>();
  entry.header_crc = in.le<std::uint32_t>();
  return entry;
}

bool reaches(const MetaEntry& entry, Seek seek) {
  switch (seek.by) {
    case Seek::By::Offset:
      return static_cast<std::uint64_t>(entry.base_offset.value + entry.last_offset_delta) >=
             seek.value;
    case Seek::By::Commit: return entry.commit.value >= seek.value;
    case Seek::By::Received: return static_cast<std::uint64_t>(entry.received_ms) >= seek.value;
  }
  return false;
}

// Whether the entry is that of the batch with the offset sought, so that nothing before it matters.
bool holds(const MetaEntry& entry, Seek seek) {
  return seek.by == Seek::By::Offset && reaches(entry, seek) &&
         static_cast<std::uint64_t>(entry.base_offset.value) <= seek.value;
}

Result<MetaEntry> read_entry(File& file, const std::string& path, const SegmentState& state,
                             std::uint64_t index) {
  char bytes[kMetaEntryBytes];
  const auto at = kMetaHeaderBytes + index * kMetaEntryBytes;
  MYELIN_TRY(got, file.read_at(at, bytes, sizeof bytes));
  const auto entry = decode_entry({bytes, got});
  if (!entry || entry->batch_bytes < kafka::kBatchHeaderBytes ||
      entry->position > state.log_bytes || entry->batch_bytes > state.log_bytes - entry->position) {
    return Error(ErrorCode::Corrupt, fmt::format("{} is damaged at byte {}", path, at));
  }
  return *entry;
}

bool is_damaged(const Result<MetaEntry>& entry) {
  return !entry && entry.error().code() == ErrorCode::Corrupt;
}

// Entries of batches that lie one behind the other, from `first` on, up to a damaged one: at least
// one, and no more than `bytes_max` of batches beyond it.
Result<std::vector<MetaEntry>> read_entries(File& file, const std::string& path,
                                            const SegmentState& state, std::uint64_t first,
                                            std::size_t bytes_max) {
  std::vector<MetaEntry> entries;
  std::size_t bytes = 0;
  for (auto i = first; i < state.batch_count; ++i) {
    auto entry = read_entry(file, path, state, i);
    if (!entry && (entries.empty() || !is_damaged(entry))) return std::move(entry).error();
    if (!entry) break;
    if (!entries.empty() &&
        (bytes + entry->batch_bytes > bytes_max ||
         entry->position != entries.back().position + entries.back().batch_bytes)) {
      break;
    }
    bytes += entry->batch_bytes;
    entries.push_back(*entry);
  }
  return entries;
}

}  // namespace

bool Seek::reached_by(const BatchRef& batch) const {
  switch (by) {
    case By::Offset: return static_cast<std::uint64_t>(batch.last_offset.value) >= value;
    case By::Commit: return batch.commit.value >= value;
    case By::Received: return static_cast<std::uint64_t>(to_ms(batch.received)) >= value;
  }
  return false;
}

Segment::Segment(FilePool& files, std::string directory, PartitionId partition, Offset base_offset)
    : files_(files),
      partition_(partition),
      base_offset_(base_offset),
      log_path_(fmt::format("{}/{:020}.log", directory, base_offset.value)),
      meta_path_(fmt::format("{}/{:020}.meta", directory, base_offset.value)) {}

Status Segment::create() {
  // What a file of an earlier start holds is overwritten, or looked at by cut() before it goes.
  MYELIN_TRY(log, files_.create(log_path_, Create::IfMissing));
  MYELIN_TRY(meta, files_.create(meta_path_, Create::IfMissing));
  return meta->write_at(0, encode_header(partition_, base_offset_));
}

Status Segment::append(std::span<const BatchRef> batches, SegmentState& state) {
  MYELIN_TRY(log, files_.get(log_path_));
  MYELIN_TRY(meta, files_.get(meta_path_));
  std::string entries;
  std::string pending;
  auto written = state.log_bytes;
  auto position = state.log_bytes;
  for (const auto& batch : batches) {
    append_entry(entries, position, batch);
    position += batch.bytes.size();
    pending.append(batch.bytes);
    if (pending.size() >= kWriteBytes) {
      MYELIN_TRY_VOID(log->write_at(written, pending));
      written = position;
      pending.clear();
    }
  }
  if (!pending.empty()) MYELIN_TRY_VOID(log->write_at(written, pending));
  MYELIN_TRY_VOID(meta->write_at(kMetaHeaderBytes + state.batch_count * kMetaEntryBytes, entries));
  state.log_bytes = position;
  state.batch_count += batches.size();
  return {};
}

// A damaged entry makes its own range unreadable and no other: the search goes on with the next one
// that can be read.
Result<std::uint64_t> Segment::find(const SegmentState& state, Seek seek) const {
  MYELIN_TRY(meta, files_.get(meta_path_));
  std::uint64_t low = 0;
  std::uint64_t high = state.batch_count;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    // A damaged entry hides its own batch, not those around it: the next readable one decides.
    auto probe = middle;
    auto entry = read_entry(*meta, meta_path_, state, probe);
    while (is_damaged(entry) && ++probe < high) {
      entry = read_entry(*meta, meta_path_, state, probe);
    }
    if (!entry && !is_damaged(entry)) return std::move(entry).error();
    if (entry && holds(*entry, seek)) return probe;
    if (!entry || reaches(*entry, seek)) {
      high = middle;
    } else {
      low = probe + 1;
    }
  }
  return low;
}

Result<std::vector<BatchRef>> Segment::read(const SegmentState& state, Seek seek,
                                            std::size_t bytes_max) const {
  auto batches = read_range(state, seek, bytes_max);
  if (batches || batches.error().code() != ErrorCode::NotFound) return batches;
  return Error(ErrorCode::Corrupt, "it is half deleted: " + batches.error().message());
}

Result<std::vector<BatchRef>> Segment::read_range(const SegmentState& state, Seek seek,
                                                  std::size_t bytes_max) const {
  std::vector<BatchRef> batches;
  MYELIN_TRY(first, find(state, seek));
  if (first == state.batch_count) return batches;
  MYELIN_TRY(meta, files_.get(meta_path_));
  MYELIN_TRY(entries, read_entries(*meta, meta_path_, state, first, bytes_max));

  MYELIN_TRY(log, files_.get(log_path_));
  const auto start = entries.front().position;
  const auto bytes = entries.back().position + entries.back().batch_bytes - start;
  auto buffer = std::make_shared<std::string>(bytes, '\0');
  MYELIN_TRY(got, log->read_at(start, buffer->data(), buffer->size()));
  for (const auto& entry : entries) {
    const auto at = entry.position - start;
    const auto view = std::string_view(*buffer).substr(at, entry.batch_bytes);
    if (at + entry.batch_bytes > got || kafka::header_checksum(view) != entry.header_crc ||
        !kafka::verify_batch(view)) {
      // What is whole before the damage is still served; the next read begins at it and says so.
      if (!batches.empty()) return batches;
      return Error(
          ErrorCode::Corrupt,
          fmt::format("{} is damaged at byte {} (offsets {} to {})", log_path_, entry.position,
                      entry.base_offset.value, entry.base_offset.value + entry.last_offset_delta));
    }
    batches.push_back({partition_, entry.base_offset, entry.base_offset + entry.last_offset_delta,
                       entry.commit, entry.first_record, entry.record_count,
                       timestamp_from_ms(entry.received_ms), view, buffer});
  }
  return batches;
}

Status Segment::check(const SegmentState& state) const {
  MYELIN_TRY(log, files_.get(log_path_));
  MYELIN_TRY(meta, files_.get(meta_path_));
  MYELIN_TRY(log_bytes, log->size_bytes());
  MYELIN_TRY(meta_bytes, meta->size_bytes());
  const auto expected = kMetaHeaderBytes + state.batch_count * kMetaEntryBytes;
  if (log_bytes < state.log_bytes || meta_bytes < expected) {
    return Error(ErrorCode::Corrupt,
                 fmt::format("{} is shorter than the checkpoint says: {} bytes of {}",
                             log_bytes < state.log_bytes ? log_path_ : meta_path_,
                             log_bytes < state.log_bytes ? log_bytes : meta_bytes,
                             log_bytes < state.log_bytes ? state.log_bytes : expected));
  }
  std::string header(kMetaHeaderBytes, '\0');
  MYELIN_TRY(got, meta->read_at(0, header.data(), header.size()));
  if (got != header.size() || header != encode_header(partition_, base_offset_)) {
    return Error(ErrorCode::Corrupt,
                 fmt::format("{} is damaged at byte 0, or another partition's", meta_path_));
  }
  return {};
}

Result<bool> Segment::cut(const SegmentState& state, CommitNumber through) {
  MYELIN_TRY(log, files_.get(log_path_));
  MYELIN_TRY(meta, files_.get(meta_path_));
  MYELIN_TRY(log_bytes, log->size_bytes());
  MYELIN_TRY(meta_bytes, meta->size_bytes());
  const auto expected = kMetaHeaderBytes + state.batch_count * kMetaEntryBytes;
  if (meta_bytes > expected) {
    // Records come here only from durable commits: one that the journal does not know was lost
    // there.
    auto unbounded = state;
    unbounded.log_bytes = std::numeric_limits<std::uint64_t>::max();
    const auto next = read_entry(*meta, meta_path_, unbounded, state.batch_count);
    if (next && next->commit > through) {
      return Error(ErrorCode::Corrupt,
                   fmt::format("{} holds commit {}, which the journal no longer has", meta_path_,
                               next->commit.value));
    }
  }
  if (log_bytes > state.log_bytes) MYELIN_TRY_VOID(log->truncate(state.log_bytes));
  if (meta_bytes > expected) MYELIN_TRY_VOID(meta->truncate(expected));
  return log_bytes > state.log_bytes || meta_bytes > expected;
}

}  // namespace myelin::log
