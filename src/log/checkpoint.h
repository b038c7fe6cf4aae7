// Checkpoint: the state of a data directory as of one commit. docs/formats/checkpoint.md has every
// byte.
//
// Journal and checkpoint are the truth; segments hold the records that the checkpoint says they do.
// Pure functions; no I/O. A bad checksum is Corrupt: the server refuses to start.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/producers.h"
#include "log/types.h"

namespace myelin::log {

// 1: frames without placement, no compaction, no epochs. 2: no producers. 3: this.
inline constexpr std::uint32_t kDirectoryFormat = 3;
inline constexpr std::uint64_t kCheckpointBytesMax = 1u << 30;
inline constexpr std::uint32_t kMetaVersion = 2;

// A segment up to the bytes that are known to be on stable storage.
struct SegmentState {
  Offset base_offset;
  std::uint64_t log_bytes = 0;    // Of its .log.
  std::uint64_t batch_count = 0;  // Entries in its .meta.
  // Raised each time compaction writes it anew; part of the file names when it is not 0.
  std::uint32_t generation = 0;
  std::uint32_t meta_version = kMetaVersion;
  // Of its first and last batch; receive times in ms since the epoch.
  std::int64_t first_received_ms = 0;
  std::int64_t last_received_ms = 0;
  CommitNumber last_commit{};
  std::int64_t max_timestamp_ms = -1;  // The largest that its records claim.
  friend bool operator==(const SegmentState&, const SegmentState&) = default;
};

// A leader epoch and its first offset: what a Kafka client asks to find where its log ends.
struct EpochStart {
  std::int32_t epoch = 0;
  Offset start;
  friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

struct PartitionState {
  Offset start;                        // The first record that may be read.
  Offset end;                          // The offset that the next record gets.
  Offset compacted_through;            // Segments below it were compacted before.
  std::vector<EpochStart> epochs;      // Rising.
  std::vector<SegmentState> segments;  // By base offset; the last is the active one.
  Producers producers;                 // Those that write with sequences.
  friend bool operator==(const PartitionState&, const PartitionState&) = default;
};

struct TopicState {
  std::string name;
  std::string config;
  std::vector<PartitionState> partitions;
  friend bool operator==(const TopicState&, const TopicState&) = default;
};

// Where in the journal a frame may begin.
struct JournalPosition {
  std::uint64_t lap = 0;
  std::uint64_t byte = 0;
  friend auto operator<=>(const JournalPosition&, const JournalPosition&) = default;
};

struct Checkpoint {
  std::uint32_t format = kDirectoryFormat;  // That it was read in; it is written in the newest.
  Uuid directory;
  std::uint64_t incarnation = 0;
  std::uint64_t secret = 0;  // In each frame of this incarnation.
  CommitNumber
      through;  // Everything up to and with this commit is in the state and in the segments.
  JournalPosition replay;  // Where the first frame beyond `through` begins.
  std::uint64_t journal_file_bytes = 0;
  std::uint32_t journal_file_count = 0;
  bool clean = false;       // Written by an orderly stop: no frame lies beyond `through`.
  Timestamp last_received;  // Receive times never go back, also over a restart.
  std::map<TopicId, TopicState> topics;
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

std::string encode_checkpoint(const Checkpoint& checkpoint);
// Reads every format up to ours. What format 1 does not tell of segments is left at its default.
// Conflict when it is of a newer format, Corrupt when it is damaged.
Result<Checkpoint> decode_checkpoint(std::string_view bytes);

}  // namespace myelin::log
