// Manifest: one backup of a set: the checkpoint that it restores, and for each segment that this
// names where its copy lies and what of it is damaged. docs/formats/backup.md has every byte.
//
// Pure functions; no I/O. How many bytes of a copied file count is said by the checkpoint, so a
// file may grow for a later backup while an earlier one names it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "log/checkpoint.h"
#include "log/segment.h"
#include "log/verify.h"

namespace myelin::cli::backup {

inline constexpr std::uint32_t kManifestVersion = 1;
inline constexpr std::uint64_t kManifestBytesMax = 2 * log::kCheckpointBytesMax;

// Names a segment for good: its bytes never change, it only grows.
struct SegmentId {
  log::PartitionId partition;
  log::Offset base_offset;
  std::uint32_t generation = 0;
  friend auto operator<=>(const SegmentId&, const SegmentId&) = default;
};

// Bytes that were damaged in the server's data directory when they were copied.
struct DamagedRange {
  log::DamageKind kind = log::DamageKind::Batch;
  log::SegmentFile file = log::SegmentFile::Log;
  std::uint64_t byte = 0;
  std::uint64_t bytes = 0;
  log::Offset first{};
  log::Offset last{-1};  // Below `first`: no records are lost with it.
  friend bool operator==(const DamagedRange&, const DamagedRange&) = default;
};

struct CopiedSegment {
  std::uint32_t copy = 0;  // Which of the set's copies; a later one replaced an earlier one.
  std::vector<DamagedRange> damage;
  friend bool operator==(const CopiedSegment&, const CopiedSegment&) = default;
};

struct Manifest {
  std::uint64_t number = 0;  // Within its set, from 1.
  Timestamp taken{};
  log::Checkpoint state;
  std::map<SegmentId, CopiedSegment> segments;  // One for each that the state names.
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// A segment of a state, with what is said of it elsewhere.
struct NamedSegment {
  SegmentId id;
  const log::TopicState& topic;
  const log::SegmentState& state;
  log::Offset end;  // Behind its last record.
};
// By topic id, partition and base offset.
std::vector<NamedSegment> segments_of(const log::Checkpoint& state);
// Of its .meta, as far as it counts.
std::uint64_t meta_bytes(const log::SegmentState& state);

std::string encode_manifest(const Manifest& manifest);
// Conflict when a newer program wrote it, Corrupt when it is damaged.
Result<Manifest> decode_manifest(std::string_view bytes);

}  // namespace myelin::cli::backup
