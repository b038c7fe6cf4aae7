// Whatever the bytes: what parses writes back byte for byte, its parts make up its fields, text
// that is escaped and unescaped is itself, and its acknowledgment is a message that answers it and
// holds no end of a frame.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "formats/hl7v2/ack.h"
#include "formats/hl7v2/header.h"
#include "formats/hl7v2/parse.h"
#include "formats/hl7v2/path.h"
#include "formats/hl7v2/split.h"

namespace {

using namespace myelin::hl7v2;

void require(bool holds) {
  if (!holds) std::abort();
}

// Puts the parts together again, and looks at what they are made of.
template <class Part, class Inner>
void check_parts(std::string_view whole, const Parts<Part>& parts, char separator, Inner inner) {
  std::string joined;
  bool first = true;
  for (const Part part : parts) {
    if (!first) joined.push_back(separator);
    first = false;
    joined.append(part.raw());
    inner(part);
  }
  require(joined == whole);
}

void check_text(const Subcomponent& part) {
  const Delimiters& delimiters = part.delimiters();
  const std::string text = part.text();
  if (delimiters.escape == 0) return;
  const std::string escaped = escape(text, delimiters);
  require(unescape(escaped, delimiters) == text);
  require(escaped.find_first_of("\r\n\x0B\x1C") == escaped.npos);
}

void check_field(const Field& field) {
  const Delimiters& delimiters = field.delimiters();
  check_parts(field.raw(), field.repetitions(), delimiters.repetition, [&](const auto& repetition) {
    check_parts(repetition.raw(), repetition.components(), delimiters.component,
                [&](const auto& component) {
                  check_parts(component.raw(), component.subcomponents(), delimiters.subcomponent,
                              check_text);
                });
  });
}

void check_message(const Message& message, std::string_view raw) {
  require(message.raw() == raw);
  require(write(message) == raw);
  require(message.segment_count() > 0);
  for (const Segment& segment : message) {
    for (std::size_t n = 1; n <= segment.field_count(); ++n) check_field(segment.field(n));
  }
  for (const auto& deviation : message.deviations()) {
    require(!deviation.location().empty() && !deviation.message().empty());
    require(deviation.offset <= raw.size());
  }
  (void)first_patient_identifier(message);
  (void)trigger_event(message);
}

void check_acknowledgment(const Header& header, bool is_message) {
  const std::string ack =
      build_ack(header, {.code = AckCode::AE, .control_id = "1", .text = "no\r"});
  require(ack.find("\x1C\r") == ack.npos);
  const auto parsed = parse_view(ack);
  if (!is_message) return;
  require(parsed.has_value());
  const auto msa = parsed->find_segment("MSA");
  require(msa && msa->field(2).raw() == header.control_id);
  require(header_of(*parsed).receiving_facility == header.sending_facility);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  ParseFault fault = ParseFault::None;
  const auto message = parse_view(raw, {}, &fault);
  require(message.has_value() == (fault == ParseFault::None));
  const Header header = header_of_bytes(raw);
  check_acknowledgment(header, message.has_value());
  if (message) {
    check_message(*message, raw);
    require(header.control_id == header_of(*message).control_id);
  }
  const auto path = parse_path(raw);
  if (path) require(parse_path(to_string(*path)) && *parse_path(to_string(*path)) == *path);
  for (const auto& part : split_messages(raw, LineEnds::CarriageReturn).messages) {
    require(part.starts_with("MSH") && part.find('\n') == part.npos);
  }
  return 0;
}
