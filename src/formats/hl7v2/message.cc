#include "formats/hl7v2/message.h"

#include "formats/hl7v2/segment_table.h"

namespace myelin::hl7v2 {

std::optional<Segment> Message::find_segment(std::string_view id, std::size_t n) const {
  for (std::size_t i = 0; i < segments_.size() && n > 0; ++i) {
    const Segment found = segment(i);
    if (same_segment_id(found.id(), id) && --n == 0) return found;
  }
  return std::nullopt;
}

std::string write(const Message& message) {
  std::string out;
  out.reserve(message.raw().size());
  const std::string_view raw = message.raw();
  std::size_t copied = 0;
  for (const Segment& segment : message) {
    // Line ends, and what stands before the first segment, belong to no segment.
    const auto begin = static_cast<std::size_t>(segment.raw().data() - raw.data());
    out.append(raw, copied, begin - copied);
    copied = begin + segment.raw().size();
    out.append(segment.id());
    const bool is_header =
        segment.field_count() > 0 && &segment.field(1).delimiters() == &kVerbatim;
    for (std::size_t n = is_header ? 2 : 1; n <= segment.field_count(); ++n) {
      out.push_back(message.delimiters().field);
      out.append(segment.field(n).raw());
    }
  }
  out.append(raw, copied);
  return out;
}

}  // namespace myelin::hl7v2
