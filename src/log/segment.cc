#include "log/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "formats/kafka/record_batch.h"
#include "log/frame.h"

namespace myelin::log {
namespace {

constexpr std::uint64_t kMetaMagic = 0x4154454d4c45594dull;  // "MYELMETA" in the file.
constexpr std::uint64_t kEntriesARead = 256;

std::int64_t max_timestamp(std::string_view batch) {
  return load_be<std::int64_t>(batch.data() + 35);
}

std::string encode_header(PartitionId partition, Offset base_offset, std::uint32_t version) {
  std::string bytes;
  ByteWriter out(bytes);
  out.le(kMetaMagic);
  out.le(version);
  out.le(partition.partition.value);
  out.bytes(partition.topic.view());
  out.le(base_offset.value);
  bytes.append(kMetaHeaderBytes - 4 - bytes.size(), '\0');
  out.le(crc32c(bytes));
  return bytes;
}

void append_entry(std::string& bytes, std::uint64_t position, const BatchRef& batch,
                  std::int64_t max_timestamp_ms) {
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
  out.le(max_timestamp_ms);
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
  entry.max_timestamp_ms = in.le<std::int64_t>();
  return entry;
}

bool reaches(const MetaEntry& entry, Seek seek) {
  switch (seek.by) {
    case Seek::By::Offset:
      return static_cast<std::uint64_t>(entry.base_offset.value + entry.last_offset_delta) >=
             seek.value;
    case Seek::By::Commit: return entry.commit.value >= seek.value;
    case Seek::By::Received: return static_cast<std::uint64_t>(entry.received_ms) >= seek.value;
    case Seek::By::Claimed: return entry.max_timestamp_ms >= static_cast<std::int64_t>(seek.value);
  }
  return false;
}

// Whether the entry is that of the batch with the offset sought, so that nothing before it matters.
bool holds(const MetaEntry& entry, Seek seek) {
  return seek.by == Seek::By::Offset && reaches(entry, seek) &&
         static_cast<std::uint64_t>(entry.base_offset.value) <= seek.value;
}

// Whether what the entry says lies within the segment.
bool fits(const MetaEntry& entry, const SegmentState& state) {
  return entry.batch_bytes >= kafka::kBatchHeaderBytes && entry.batch_bytes <= 2 * kFrameBytesMax &&
         entry.position <= state.log_bytes &&
         entry.batch_bytes <= state.log_bytes - entry.position && entry.last_offset_delta >= 0;
}

std::uint64_t entry_position(std::uint64_t index) {
  return kMetaHeaderBytes + index * kMetaEntryBytes;
}

Result<MetaEntry> read_entry(File& file, const std::string& path, const SegmentState& state,
                             std::uint64_t index) {
  char bytes[kMetaEntryBytes];
  const auto at = entry_position(index);
  MYELIN_TRY(got, file.read_at(at, bytes, sizeof bytes));
  const auto entry = decode_entry({bytes, got});
  if (!entry || !fits(*entry, state)) {
    return Error(ErrorCode::Corrupt, fmt::format("{} is damaged at byte {}", path, at));
  }
  return *entry;
}

// A checkpoint would have to wait for all that is written between two of them, and everybody else
// for the disk meanwhile. A block that is not full yet would be written again, and a few blocks are
// better written together with the next.
void start_writeback(File& file, std::uint64_t from, std::uint64_t to) {
  constexpr std::uint64_t kRunBytes = 32u << 10;
  from = from / kBlockBytes * kBlockBytes;
  to = to / kBlockBytes * kBlockBytes;
  if (to >= from + kRunBytes) file.start_writeback(from, to - from);
}

bool is_damaged(const Result<MetaEntry>& entry) {
  return !entry && entry.error().code() == ErrorCode::Corrupt;
}

}  // namespace

bool Seek::reached_by(const BatchRef& batch) const {
  switch (by) {
    case By::Offset: return static_cast<std::uint64_t>(batch.last_offset.value) >= value;
    case By::Commit: return batch.commit.value >= value;
    case By::Received: return static_cast<std::uint64_t>(to_ms(batch.received)) >= value;
    case By::Claimed: return max_timestamp(batch.bytes) >= static_cast<std::int64_t>(value);
  }
  return false;
}

std::optional<BlockEdges> block_edges(std::uint64_t position, std::size_t bytes) {
  const auto end = position + bytes;
  const auto first = (position + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
  const auto last = end / kBlockBytes * kBlockBytes;
  if (first >= last) return std::nullopt;
  return BlockEdges{static_cast<std::size_t>(first - position),
                    static_cast<std::size_t>(end - last)};
}

std::string segment_path(const std::string& directory, Offset base_offset, std::uint32_t generation,
                         SegmentFile file) {
  const auto* ending = file == SegmentFile::Log ? "log" : "meta";
  if (generation == 0) return fmt::format("{}/{:020}.{}", directory, base_offset.value, ending);
  return fmt::format("{}/{:020}.{}.{}", directory, base_offset.value, generation, ending);
}

Segment::Segment(FilePool& files, const std::string& directory, PartitionId partition,
                 Offset base_offset, std::uint32_t generation)
    : files_(files),
      partition_(partition),
      base_offset_(base_offset),
      log_path_(segment_path(directory, base_offset, generation, SegmentFile::Log)),
      meta_path_(segment_path(directory, base_offset, generation, SegmentFile::Meta)) {}

Status Segment::create() {
  // What a file of an earlier start holds is overwritten, or looked at by cut() before it goes.
  MYELIN_TRY(log, files_.create(log_path_, Create::IfMissing));
  MYELIN_TRY(meta, files_.create(meta_path_, Create::IfMissing));
  return meta->write_at(0, encode_header(partition_, base_offset_, kMetaVersion));
}

Status Segment::append(std::span<const BatchRef> batches, SegmentState& state) {
  MYELIN_TRY(log, files_.get(log_path_));
  MYELIN_TRY(meta, files_.get(meta_path_));
  auto next = state;
  std::string entries;
  entries.reserve(batches.size() * kMetaEntryBytes);
  std::vector<std::string_view> pending;
  pending.reserve(batches.size());
  auto written = state.log_bytes;
  const auto write_pending = [&]() -> Status {
    MYELIN_TRY_VOID(log->write_pieces_at(written, pending));
    pending.clear();
    return {};
  };
  for (const auto& batch : batches) {
    next.max_timestamp_ms = std::max(next.max_timestamp_ms, max_timestamp(batch.bytes));
    append_entry(entries, next.log_bytes, batch, next.max_timestamp_ms);
    const auto edges = batch.in_segment ? block_edges(next.log_bytes, batch.bytes.size())
                                        : std::optional<BlockEdges>();
    next.log_bytes += batch.bytes.size();
    if (edges) {
      pending.push_back(batch.bytes.substr(0, edges->head));
      MYELIN_TRY_VOID(write_pending());
      written = next.log_bytes - edges->tail;
      pending.push_back(batch.bytes.substr(batch.bytes.size() - edges->tail));
    } else {
      pending.push_back(batch.bytes);
    }
  }
  MYELIN_TRY_VOID(write_pending());
  MYELIN_TRY_VOID(meta->write_at(entry_position(state.batch_count), entries));
  if (state.batch_count == 0 && !batches.empty())
    next.first_received_ms = to_ms(batches.front().received);
  next.batch_count += batches.size();
  if (!batches.empty()) {
    next.last_received_ms = to_ms(batches.back().received);
    next.last_commit = batches.back().commit;
  }
  start_writeback(*log, state.log_bytes, next.log_bytes);
  state = next;
  return {};
}

// A damaged entry makes its own range unreadable and no other: the search goes on with the next one
// that can be read.
Result<std::uint64_t> Segment::find(const SegmentState& state, Seek seek) const {
  // The first format did not tell.
  if (seek.by == Seek::By::Claimed && state.meta_version == 1)
    return find_claimed(state, static_cast<std::int64_t>(seek.value));
  MYELIN_TRY(meta, files_.get(meta_path_));
  std::uint64_t low = 0;
  std::uint64_t high = state.batch_count;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    MYELIN_TRY(probe, first_readable(*meta, state, middle, high));
    if (probe && holds(probe->entry, seek)) return probe->index;
    if (!probe || reaches(probe->entry, seek)) {
      high = middle;
    } else {
      low = probe->index + 1;
    }
  }
  return low;
}

// A damaged entry hides its own batch, not those around it.
Result<std::optional<Segment::Readable>> Segment::first_readable(File& meta,
                                                                 const SegmentState& state,
                                                                 std::uint64_t from,
                                                                 std::uint64_t to) const {
  auto entry = read_entry(meta, meta_path_, state, from);
  if (entry) return std::optional(Readable{from, *entry});
  if (!is_damaged(entry)) return std::move(entry).error();
  for (auto at = from + 1; at < to; at += kEntriesARead) {
    MYELIN_TRY(some, entries(state, at, std::min(to - at, kEntriesARead)));
    for (std::size_t i = 0; i < some.size(); ++i)
      if (some[i]) return std::optional(Readable{at + i, *some[i]});
  }
  return std::optional<Readable>();
}

Result<std::uint64_t> Segment::find_claimed(const SegmentState& state,
                                            std::int64_t timestamp_ms) const {
  MYELIN_TRY(log, files_.get(log_path_));
  for (std::uint64_t first = 0; first < state.batch_count; first += kEntriesARead) {
    MYELIN_TRY(found, entries(state, first, kEntriesARead));
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!found[i]) continue;
      char header[kafka::kBatchHeaderBytes];
      MYELIN_TRY(got, log->read_at(found[i]->position, header, sizeof header));
      if (got == sizeof header && max_timestamp({header, got}) >= timestamp_ms) return first + i;
    }
  }
  return state.batch_count;
}

Result<std::vector<std::optional<MetaEntry>>> Segment::entries(const SegmentState& state,
                                                               std::uint64_t first,
                                                               std::uint64_t count) const {
  std::vector<std::optional<MetaEntry>> found;
  if (first >= state.batch_count) return found;
  count = std::min(count, state.batch_count - first);
  MYELIN_TRY(meta, files_.get(meta_path_));
  std::string bytes(count * kMetaEntryBytes, '\0');
  MYELIN_TRY(got, meta->read_at(entry_position(first), bytes.data(), bytes.size()));
  bytes.resize(got);
  found.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto at = std::min<std::size_t>(i * kMetaEntryBytes, bytes.size());
    found.push_back(decode_entry(std::string_view(bytes).substr(at, kMetaEntryBytes)));
    if (found.back() && !fits(*found.back(), state)) found.back().reset();
  }
  return found;
}

// Entries of batches that lie one behind the other, from `first` on, up to a damaged one: at least
// one, and no more than `bytes_max` of batches beyond it.
Result<std::vector<MetaEntry>> Segment::range_of(const SegmentState& state, std::uint64_t first,
                                                 std::size_t bytes_max) const {
  std::vector<MetaEntry> range;
  std::size_t bytes = 0;
  for (auto at = first; at < state.batch_count; at += kEntriesARead) {
    MYELIN_TRY(some, entries(state, at, kEntriesARead));
    for (const auto& entry : some) {
      if (!entry && range.empty()) {
        return Error(ErrorCode::Corrupt,
                     fmt::format("{} is damaged at byte {}", meta_path_, entry_position(first)));
      }
      if (!entry) return range;
      if (!range.empty() && (bytes + entry->batch_bytes > bytes_max ||
                             entry->position != range.back().position + range.back().batch_bytes)) {
        return range;
      }
      bytes += entry->batch_bytes;
      range.push_back(*entry);
    }
  }
  return range;
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
  MYELIN_TRY(range, range_of(state, first, bytes_max));
  MYELIN_TRY(log, files_.get(log_path_));
  const auto start = range.front().position;
  const auto bytes = range.back().position + range.back().batch_bytes - start;
  // As the file's blocks lie, so that a disk may put it there.
  const auto lead = start % kBlockBytes;
  const auto buffer = files_.buffers().take(lead + bytes);
  auto* const to = buffer.get() + lead;
  MYELIN_TRY(got, files_.read_ahead().read(log, start, to, bytes, state.log_bytes));
  batches.reserve(range.size());
  for (const auto& entry : range) {
    const auto at = entry.position - start;
    const std::string_view view(to + at, entry.batch_bytes);
    if (at + entry.batch_bytes > got || kafka::header_checksum(view) != entry.header_crc ||
        !kafka::verify_batch(view)) {
      // What is whole before the damage is still served; the next read begins at it and says so.
      if (!batches.empty()) return batches;
      return Error(ErrorCode::Corrupt,
                   fmt::format("{} is damaged at byte {} (offsets {} to {})", log_path_,
                               entry.position, entry.base_offset.value, entry.last_offset().value));
    }
    batches.push_back({.partition = partition_,
                       .base_offset = entry.base_offset,
                       .last_offset = entry.last_offset(),
                       .commit = entry.commit,
                       .first_record = entry.first_record,
                       .record_count = entry.record_count,
                       .received = timestamp_from_ms(entry.received_ms),
                       .bytes = view,
                       .owner = buffer,
                       .segment = base_offset_,
                       .position = entry.position,
                       .in_segment = true});
  }
  return batches;
}

Result<std::optional<Offset>> Segment::behind_damage(const SegmentState& state, Seek seek) const {
  MYELIN_TRY(first, find(state, seek));
  if (first >= state.batch_count) return std::optional<Offset>();
  MYELIN_TRY(meta, files_.get(meta_path_));
  MYELIN_TRY(found, first_readable(*meta, state, first, state.batch_count));
  if (!found) return std::optional<Offset>();
  // The damage is in the first entry's batch, or in the entries before this one.
  const auto& entry = found->entry;
  return std::optional(found->index == first ? entry.last_offset() + 1 : entry.base_offset);
}

void Segment::start_read(const SegmentState& state) const {
  if (const auto log = files_.find(log_path_)) log->start_read(state.log_bytes, 1);
  if (const auto meta = files_.find(meta_path_))
    meta->start_read(entry_position(state.batch_count), 1);
}

Result<Segment::Length> Segment::check(const SegmentState& state) const {
  MYELIN_TRY(log, files_.get(log_path_));
  MYELIN_TRY(meta, files_.get(meta_path_));
  MYELIN_TRY(log_bytes, log->size_bytes());
  MYELIN_TRY(meta_bytes, meta->size_bytes());
  const auto expected = entry_position(state.batch_count);
  if (log_bytes < state.log_bytes || meta_bytes < expected) {
    return Error(ErrorCode::Corrupt,
                 fmt::format("{} is shorter than the checkpoint says: {} bytes of {}",
                             log_bytes < state.log_bytes ? log_path_ : meta_path_,
                             log_bytes < state.log_bytes ? log_bytes : meta_bytes,
                             log_bytes < state.log_bytes ? state.log_bytes : expected));
  }
  std::string header(kMetaHeaderBytes, '\0');
  MYELIN_TRY(got, meta->read_at(0, header.data(), header.size()));
  if (got != header.size() ||
      header != encode_header(partition_, base_offset_, state.meta_version)) {
    return Error(ErrorCode::Corrupt,
                 fmt::format("{} is damaged at byte 0, or another partition's", meta_path_));
  }
  return log_bytes > state.log_bytes || meta_bytes > expected ? Length::Longer : Length::Exact;
}

Result<bool> Segment::cut(const SegmentState& state, CommitNumber through) {
  MYELIN_TRY(log, files_.get(log_path_));
  MYELIN_TRY(meta, files_.get(meta_path_));
  MYELIN_TRY(log_bytes, log->size_bytes());
  MYELIN_TRY(meta_bytes, meta->size_bytes());
  const auto expected = entry_position(state.batch_count);
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
