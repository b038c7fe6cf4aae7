// Whatever the bytes: no crash. Metadata that could be read is written again as valid JSON and
// reads as the same.
#include <string>

#include "base/check.h"
#include "base/json_validate.h"
#include "formats/event/envelope.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace myelin;
  using namespace myelin::event;
  const auto read = read_metadata({reinterpret_cast<const char*>(data), size});
  if (!read) {
    MYELIN_CHECK(read.error().code() == ErrorCode::InvalidInput, "the error of malformed bytes");
    return 0;
  }
  std::string out;
  append_envelope(out,
                  {.event_id = read->event_id,
                   .event_type = read->event_type,
                   .event_source = read->event_source,
                   .correlation_id = read->correlation_id,
                   .causation_id = read->causation_id,
                   .timestamp = read->timestamp.value_or(Timestamp()),
                   .version = read->version},
                  "{}");
  MYELIN_CHECK(is_valid_json(out), "what is written is JSON");
  const auto again = read_metadata(out);
  MYELIN_CHECK(again && again->event_id == read->event_id &&
                   again->event_type == read->event_type &&
                   again->event_source == read->event_source &&
                   again->causation_id == read->causation_id && again->version == read->version &&
                   again->timestamp == read->timestamp.value_or(Timestamp()) &&
                   again->lineage_of_effect() == read->lineage_of_effect(),
               "what is written reads as the same");
  return 0;
}
