// A stored record as the JSON that a stream sends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "bus/types.h"
#include "formats/kafka/record_batch.h"

namespace myelin::stream {

struct RecordPlace {
  std::string_view topic;
  std::int32_t partition;
  std::int64_t offset;
  Timestamp received;
};

// Appends {"topic","partition","offset","receivedAt","key","headers","value"}.
//
// A key that is not UTF-8 is "keyBase64" instead. A value that is JSON stands there as it is, with
// its own white space and line breaks; any other value is "valueBase64"; a missing one is null. Of
// headers with the same name the last counts; bytes of theirs that are not UTF-8 become U+FFFD.
void append_event_json(std::string& out, const RecordPlace& place, const kafka::RecordView& record);

}  // namespace myelin::stream
