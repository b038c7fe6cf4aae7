// Segment: a partition's records from one base offset on, in two files: <base>.log holds Kafka
// record batches exactly as on the wire, <base>.meta holds 64 bytes a batch about it.
// docs/formats/segment.md has every byte.
//
// The companion is not a hint: Kafka's CRC leaves out a batch's offset, length and epoch, and a
// batch knows neither when it was received nor in which commit. Its entries rise in offset, commit
// and receive time, so it is the look-up index too. Writing belongs to the flusher thread; reading
// may happen on any thread that may block, within the bounds of a SegmentState that the caller got
// from the partition.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "log/checkpoint.h"
#include "log/disk.h"
#include "log/file_pool.h"
#include "log/types.h"

namespace myelin::log {

inline constexpr std::size_t kMetaHeaderBytes = 64;
inline constexpr std::size_t kMetaEntryBytes = 64;

// What to look a batch up by: the first batch that reaches the value.
struct Seek {
  enum class By : std::uint8_t {
    Offset,    // Its last offset is at or behind the value.
    Commit,    // Its commit is.
    Received,  // Its receive time, in ms since the epoch, is.
    Claimed,   // The largest time that its records claim, in ms since the epoch, is.
  };
  By by = By::Offset;
  std::uint64_t value = 0;

  static Seek to(Offset offset) { return {By::Offset, static_cast<std::uint64_t>(offset.value)}; }
  static Seek to(CommitNumber commit) { return {By::Commit, commit.value}; }
  static Seek to(Timestamp received) {
    return {By::Received, static_cast<std::uint64_t>(std::max<std::int64_t>(to_ms(received), 0))};
  }
  // The clients' own times, as Kafka's ListOffsets asks for.
  static Seek to_claimed(std::int64_t timestamp_ms) {
    return {By::Claimed, static_cast<std::uint64_t>(std::max<std::int64_t>(timestamp_ms, 0))};
  }
  bool reached_by(const BatchRef& batch) const;
};

// Of a batch written straight to its segment: the bytes before the first and behind the last whole
// block. They share a block with their neighbours and are written by the flusher.
struct BlockEdges {
  std::size_t head = 0;
  std::size_t tail = 0;
};
// Nothing when the batch has no whole block of its own.
std::optional<BlockEdges> block_edges(std::uint64_t position, std::size_t bytes);

enum class SegmentFile : std::uint8_t { Log, Meta };
std::string segment_path(const std::string& directory, Offset base_offset, std::uint32_t generation,
                         SegmentFile file);

// What the companion says of one batch.
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
  std::int64_t max_timestamp_ms = 0;  // Of this batch and those before it in the segment.

  Offset last_offset() const { return base_offset + last_offset_delta; }
};

class Segment {
 public:
  Segment(FilePool& files, const std::string& directory, PartitionId partition, Offset base_offset,
          std::uint32_t generation = 0);
  Segment(FilePool& files, const std::string& directory, PartitionId partition,
          const SegmentState& state)
      : Segment(files, directory, partition, state.base_offset, state.generation) {}

  Offset base_offset() const { return base_offset_; }
  const std::string& log_path() const { return log_path_; }
  const std::string& meta_path() const { return meta_path_; }

  // Makes both files with the companion's header; one that is there keeps its bytes until they are
  // overwritten. Not synced.
  Status create();

  // Writes batches behind `state` and advances it. On failure `state` is as before and the same
  // batches may be written again. Not synced.
  Status append(std::span<const BatchRef> batches, SegmentState& state);

  // Whole batches from the first that `seek` finds on, at most `bytes_max` of them but at least
  // one; empty when none reaches it. Checksums are verified: Corrupt names file and byte.
  Result<std::vector<BatchRef>> read(const SegmentState& state, Seek seek,
                                     std::size_t bytes_max) const;

  // Behind what cannot be read at the place that `seek` finds: the next offset of this segment that
  // may be; nothing when that is not in this segment.
  Result<std::optional<Offset>> behind_damage(const SegmentState& state, Seek seek) const;

  // The entries of the companion that can be read, from number `first` on, at most `count`; a
  // damaged one is an empty optional.
  Result<std::vector<std::optional<MetaEntry>>> entries(const SegmentState& state,
                                                        std::uint64_t first,
                                                        std::uint64_t count) const;

  // It is about to be appended to.
  void start_read(const SegmentState& state) const;

  enum class Length : std::uint8_t { Exact, Longer };
  // Corrupt when a file is shorter than `state` says or the companion's header is not this
  // partition's. Longer when something lies behind `state`.
  Result<Length> check(const SegmentState& state) const;
  // Cuts what lies behind `state`, which holds commits up to `through`, off. True when there was
  // something; Corrupt, and nothing is cut, when it is of a later commit.
  Result<bool> cut(const SegmentState& state, CommitNumber through);

 private:
  Result<std::vector<BatchRef>> read_range(const SegmentState& state, Seek seek,
                                           std::size_t bytes_max) const;
  Result<std::vector<MetaEntry>> range_of(const SegmentState& state, std::uint64_t first,
                                          std::size_t bytes_max) const;
  struct Readable {
    std::uint64_t index = 0;
    MetaEntry entry;
  };
  // The first entry that can be read, from `from` on and before `to`.
  Result<std::optional<Readable>> first_readable(File& meta, const SegmentState& state,
                                                 std::uint64_t from, std::uint64_t to) const;
  Result<std::uint64_t> find(const SegmentState& state, Seek seek) const;
  Result<std::uint64_t> find_claimed(const SegmentState& state, std::int64_t timestamp_ms) const;

  FilePool& files_;
  const PartitionId partition_;
  const Offset base_offset_;
  const std::string log_path_;
  const std::string meta_path_;
};

}  // namespace myelin::log
