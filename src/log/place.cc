#include "log/place.h"

#include "formats/kafka/record_batch.h"

namespace myelin::log {
namespace {

Placed put(Partition& partition, std::string_view batch, Timestamp received, bool begins_segment) {
  auto& placement = partition.placement;
  const Offset base(load_be<std::int64_t>(batch.data()));
  if (begins_segment) placement = {true, base, 0, to_ms(received), base};
  const Placed placed{placement.segment, placement.bytes, begins_segment};
  placement.bytes += batch.size();
  placement.end = base + (std::int64_t{load_be<std::int32_t>(batch.data() + 23)} + 1);
  return placed;
}

}  // namespace

Placed place(Partition& partition, std::string_view batch, Timestamp received) {
  const auto& placement = partition.placement;
  // A batch larger than a segment has one to itself.
  const bool full = placement.bytes > 0 && placement.bytes + batch.size() > partition.segment_bytes;
  const bool old = to_ms(received) - placement.first_received_ms > partition.segment_ms;
  return put(partition, batch, received, !placement.open || full || old);
}

Result<Placed> place_as_told(Partition& partition, std::string_view batch, Timestamp received,
                             bool begins_segment) {
  if (!begins_segment && !partition.placement.open) {
    return Error(ErrorCode::Corrupt, "a batch goes to a segment that was never begun");
  }
  return put(partition, batch, received, begins_segment);
}

void place_start(Partition& partition, Offset start) {
  if (start >= partition.placement.end) partition.placement.open = false;
}

}  // namespace myelin::log
