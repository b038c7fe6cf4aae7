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
#include "log/types.h"

namespace myelin::log {

inline constexpr std::uint32_t kDirectoryFormat = 1;
inline constexpr std::uint64_t kCheckpointBytesMax = 1u << 30;

// A segment up to the bytes that are known to be on stable storage.
struct SegmentState {
  Offset base_offset;
  std::uint64_t log_bytes = 0;    // Of <base>.log.
  std::uint64_t batch_count = 0;  // Entries in <base>.meta.
  friend bool operator==(const SegmentState&, const SegmentState&) = default;
};

struct PartitionState {
  Offset start;  // The first record that may be read.
  Offset end;    // The offset that the next record gets.
  std::int32_t leader_epoch = 0;
  std::vector<SegmentState> segments;  // By base offset; the last is the active one.
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
// Conflict when it is of a newer format, Corrupt when it is damaged.
Result<Checkpoint> decode_checkpoint(std::string_view bytes);

}  // namespace myelin::log
