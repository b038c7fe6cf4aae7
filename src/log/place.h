// Placing: which segment a batch goes to and where in it, decided once, when its commit is
// numbered.
//
// A frame tells which of its batches begin a segment, so that a replay puts every batch where it
// was, whatever the limits are by then. Belongs to the committer, and to recovery before it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "log/partition.h"

namespace myelin::log {

struct Placed {
  Offset segment;
  std::uint64_t position = 0;
  bool begins_segment = false;
};

// Places the next batch of the partition by its limits.
Placed place(Partition& partition, std::string_view batch, Timestamp received);
// Places it as a frame says: Corrupt when it would be in no segment.
Result<Placed> place_as_told(Partition& partition, std::string_view batch, Timestamp received,
                             bool begins_segment);
// A start that moves to the end takes every record away: the next batch begins a segment.
void place_start(Partition& partition, Offset start);

}  // namespace myelin::log
