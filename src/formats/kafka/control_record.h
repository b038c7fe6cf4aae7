// Control batches: the markers with which a transaction ends in each of its partitions.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "formats/kafka/record_batch.h"

namespace myelin::kafka {

enum class ControlType : std::int16_t {
  Abort = 0,
  Commit = 1,
  Other = -1,  // Kafka's own logs know more, which concern no data.
};

struct ControlRecord {
  ControlType type = ControlType::Other;
  std::int32_t coordinator_epoch = 0;  // Of a marker; of others 0.

  bool is_marker() const { return type != ControlType::Other; }
};

// `record` comes from a control batch. InvalidInput where its key, or a marker's value, is absent,
// too short or of a negative version. Later versions than ours are read as ours, as Kafka does.
Result<ControlRecord> parse_control_record(const RecordView& record);

// One marker, Commit or Abort, as a batch of its own: transactional, without a sequence, at offset
// 0.
std::string build_control_batch(std::int64_t producer_id, std::int16_t producer_epoch,
                                ControlType type, std::int64_t timestamp_ms,
                                std::int32_t coordinator_epoch);

}  // namespace myelin::kafka
