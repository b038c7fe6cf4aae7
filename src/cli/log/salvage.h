// Salvage: one partition put together from what its segments hold and what the journal holds, in
// the order of offsets. What the journal adds goes to segments of its own, so that no byte that is
// there is written over.
//
// A holder of state; does no I/O.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/log/rebuild.h"
#include "formats/kafka/record_batch.h"
#include "log/checkpoint.h"

namespace myelin::cli::log_tools {

// Offsets that nothing holds any more, with the receive times of what lies around them.
struct LostRange {
  log::PartitionId partition{};
  std::string topic{};
  OffsetRange offsets{};
  std::optional<std::int64_t> after_ms{};
  std::optional<std::int64_t> before_ms{};
};

// What of the journal goes to segments.
struct Salvaged {
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  OffsetRange offsets{};
};

struct JournalBatch {
  OffsetRange offsets{};
  std::int64_t received_ms = 0;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  log::CommitNumber commit{};
  std::int32_t leader_epoch = 0;
  std::int64_t max_timestamp_ms = 0;
  kafka::BatchInfo header{};
};

class Salvage {
 public:
  // `told` is the checkpoint's word, null where there is none.
  Salvage(log::PartitionId id, const log::PartitionState* told, Rebuilt rebuilt);

  // Batches come in the order of commits. Gives the base offset of the segment that takes the
  // batch; nothing when its records are held already.
  std::optional<log::Offset> add(const JournalBatch& batch);
  void move_start(log::Offset start);
  // Offsets that a damaged frame seems to have held are not given again, where they come next.
  void reserve_next(const OffsetRange& offsets);

  // Ends it: what no journal batch explained is lost.
  void finish();

  const log::PartitionState& state() const { return state_; }
  const Rebuilt& rebuilt() const { return rebuilt_; }
  const std::vector<LostRange>& lost() const { return lost_; }
  const Salvaged& salvaged() const { return salvaged_; }
  // Base offsets of the segments that the journal's batches make.
  const std::vector<log::Offset>& new_segments() const { return new_segments_; }
  // There is no trace of which offset came next.
  bool end_is_unknown() const { return !next_; }

 private:
  // Offsets below `end` were given to records, whatever became of them.
  void reserve(log::Offset end) { end_min_ = std::max(end_min_, end); }
  void take_pieces(log::Offset up_to);
  void take_all();
  void account_for(log::Offset offset, std::optional<std::int64_t> received_ms);

  const log::PartitionId id_;
  Rebuilt rebuilt_;
  std::size_t taken_ = 0;  // Of the pieces.
  log::PartitionState state_;
  std::optional<log::Offset> next_;
  std::optional<std::int64_t> last_received_ms_;
  log::Offset end_min_;
  bool open_ = false;  // The last segment is one of the journal's batches.
  std::vector<LostRange> lost_;
  Salvaged salvaged_;
  std::vector<log::Offset> new_segments_;
};

}  // namespace myelin::cli::log_tools
