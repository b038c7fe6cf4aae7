// Rebuild: what the segments of a partition hold by their own account, where a checkpoint does not
// say it or the files do not keep what it says.
//
// Nothing here writes. Entries and batches count only as far as they check; damage in the middle of
// a segment stays where it is, as a range that cannot be read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/log/store.h"
#include "formats/kafka/record_batch.h"
#include "log/checkpoint.h"
#include "log/disk.h"
#include "log/file_pool.h"

namespace myelin::cli::log_tools {

// What a checkpoint says of a partition.
struct Told {
  const log::PartitionState* state = nullptr;
  log::CommitNumber through;
  std::int64_t last_received_ms = 0;
};

// A segment as far as it counts.
struct Piece {
  log::SegmentState state;
  // Offsets up to here need no explanation: its records, and the gaps that compaction left.
  log::Offset accounted_to;
};

// Offsets [first, last].
struct OffsetRange {
  log::Offset first{};
  log::Offset last{};
};

struct Rebuilt {
  std::vector<Piece> pieces;  // By offset; what lies between them is lost, or in the journal.
  // Batches at the end that do not check; the journal may have them.
  std::optional<OffsetRange> doubtful;
  std::vector<std::string> unused;       // Paths of segment files that no piece has.
  std::vector<std::string> bad_headers;  // Companions of pieces whose header does not check.
  std::vector<log::EpochStart> epochs;   // Of the batches in pieces that the checkpoint lacks.
  log::Producers producers;              // The checkpoint's, and of batches that it lacks.
  log::CommitNumber last_commit;         // The highest seen.
  bool differs = false;                  // The files do not keep what the checkpoint says.
};

// Notes the batch where it has a producer and is later than what is known of it.
void note_producer(log::Producers& producers, const kafka::BatchInfo& batch, Timestamp received);

// `told.state` is null where no checkpoint knows the partition; `folder` where it has none.
Result<Rebuilt> rebuild(log::Disk& disk, log::PartitionId id, const PartitionFolder* folder,
                        const Told& told);

}  // namespace myelin::cli::log_tools
