#include "formats/hl7v2/header.h"

#include <algorithm>
#include <array>

#include "formats/hl7v2/parse.h"
#include "formats/hl7v2/segment_table.h"

namespace myelin::hl7v2 {

namespace {

void set_message_type(Header& header, std::string_view field) {
  const Repetition first = Field(field, header.delimiters).repetition(1);
  header.message_type = first.component(1).raw();
  header.trigger_event = first.component(2).raw();
  header.message_structure = first.component(3).raw();
}

constexpr std::size_t kFieldsMax = 18;

// Field n of a header line at place n; what the line does not have is empty.
std::array<std::string_view, kFieldsMax + 1> fields_of(std::string_view line, char separator) {
  std::array<std::string_view, kFieldsMax + 1> fields;
  std::size_t at = 4;
  for (std::size_t n = 2; n <= kFieldsMax && at <= line.size(); ++n) {
    const std::size_t end = std::min(line.find(separator, at), line.size());
    fields[n] = line.substr(at, end - at);
    at = end + 1;
  }
  return fields;
}

}  // namespace

Header header_of(const Message& message) {
  const Segment msh = message.header();
  const auto raw = [&](std::size_t n) { return msh.field(n).raw(); };
  Header header{.found = true,
                .delimiters = message.delimiters(),
                .encoding_characters = raw(2),
                .sending_application = raw(3),
                .sending_facility = raw(4),
                .receiving_application = raw(5),
                .receiving_facility = raw(6),
                .message_type = {},
                .trigger_event = {},
                .message_structure = {},
                .control_id = raw(10),
                .processing_id = raw(11),
                .version = raw(12),
                .accept_acknowledgment = raw(15),
                .application_acknowledgment = raw(16),
                .character_set = raw(18)};
  set_message_type(header, raw(9));
  return header;
}

Header header_of_bytes(std::string_view beginning) {
  Header header;
  std::string_view line = beginning.substr(preamble_bytes(beginning));
  line = line.substr(0, line.find_first_of("\r\n"));
  const auto id = line.substr(0, 3);
  const bool is_batch = same_segment_id(id, "BHS") || same_segment_id(id, "FHS");
  if (!is_batch && !same_segment_id(id, "MSH")) return header;
  if (line.size() < 4 || !is_delimiter(line[3])) return header;

  const auto fields = fields_of(line, line[3]);
  header.found = true;
  header.encoding_characters = fields[2];
  header.delimiters = delimiters_of(line[3], fields[2]);
  header.sending_application = fields[3];
  header.sending_facility = fields[4];
  header.receiving_application = fields[5];
  header.receiving_facility = fields[6];
  header.control_id = fields[is_batch ? 11 : 10];
  if (is_batch) return header;
  set_message_type(header, fields[9]);
  header.processing_id = fields[11];
  header.version = fields[12];
  header.accept_acknowledgment = fields[15];
  header.application_acknowledgment = fields[16];
  header.character_set = fields[18];
  return header;
}

std::string_view trigger_event(const Message& message) {
  const auto event = message.header().field(9).component(2).raw();
  if (!event.empty()) return event;
  const auto evn = message.find_segment("EVN");
  return evn ? evn->field(1).component(1).raw() : std::string_view();
}

PatientIdentifier first_patient_identifier(const Message& message) {
  for (const Segment& segment : message) {
    if (!same_segment_id(segment.id(), "PID")) continue;
    const Repetition first = segment.field(3).repetition(1);
    const Component authority = first.component(4);
    const Phi id(first.component(1).raw());
    if (id.empty()) continue;
    return {.id = id,
            .authority = authority.subcomponent(1).raw(),
            .authority_id = authority.subcomponent(2).raw(),
            .type = first.component(5).raw()};
  }
  return {};
}

}  // namespace myelin::hl7v2
