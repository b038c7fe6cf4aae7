#include "feeds/message_json.h"

#include <array>
#include <charconv>

#include "base/json_writer.h"
#include "formats/hl7v2/delimiters.h"
#include "formats/hl7v2/escape.h"

namespace myelin::feeds {

namespace {

// One pass over a field's bytes: runs of plain bytes are copied, separators become brackets. Only a
// value with something special in it takes the long way.
class FieldWriter {
 public:
  FieldWriter(std::string& out, const MessageView& view, std::size_t bytes_max)
      : out_(out), view_(view), bytes_max_(bytes_max) {
    for (std::size_t byte = 0; byte < kinds_.size(); ++byte) {
      const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
      kinds_[byte] = plain ? Kind::Plain : Kind::Special;
    }
    const hl7v2::Delimiters& delimiters = view.message().delimiters();
    set(delimiters.escape, Kind::Special);
    set(delimiters.subcomponent, Kind::Subcomponent);
    set(delimiters.component, Kind::Component);
    set(delimiters.repetition, Kind::Repetition);
  }

  bool fits() const { return out_.size() <= bytes_max_; }

  void append(std::string_view raw) {
    out_.append("[[[");
    const char* leaf = raw.data();
    const char* const end = leaf + raw.size();
    bool special = false;
    for (const char* at = leaf; at != end; ++at) {
      const Kind kind = kinds_[static_cast<unsigned char>(*at)];
      if (kind == Kind::Plain) continue;
      if (kind == Kind::Special) {
        special = true;
        continue;
      }
      append_leaf({leaf, at}, special);
      // A field may be the whole message and all separators, each of which becomes several bytes.
      if (!fits()) return;
      out_.append(kind == Kind::Subcomponent ? "," : kind == Kind::Component ? "],[" : "]],[[");
      leaf = at + 1;
      special = false;
    }
    append_leaf({leaf, end}, special);
    out_.append("]]]");
  }

  // Neither split nor unescaped.
  void append_verbatim(std::string_view raw) {
    out_.append("[[[");
    append_json_string(out_, raw);
    out_.append("]]]");
  }

 private:
  enum class Kind : std::uint8_t { Plain, Special, Subcomponent, Component, Repetition };

  void set(char byte, Kind kind) {
    if (byte != 0) kinds_[static_cast<unsigned char>(byte)] = kind;
  }

  void append_leaf(std::string_view raw, bool special) {
    if (!special) {
      out_.push_back('"');
      out_.append(raw);
      out_.push_back('"');
    } else if (raw == hl7v2::kNull) {
      out_.append("null");
    } else {
      text_.clear();
      hl7v2::append_unescaped(text_, raw, view_.message().delimiters());
      view_.make_utf8(text_);
      append_json_string(out_, text_);
    }
  }

  std::string& out_;
  const MessageView& view_;
  const std::size_t bytes_max_;
  std::array<Kind, 256> kinds_;
  std::string text_;
};

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), number);
  out.append(digits.data(), static_cast<std::size_t>(end.ptr - digits.data()));
}

bool append_segment(std::string& out, const MessageView& view, FieldWriter& writer,
                    const hl7v2::Segment& segment) {
  std::string id(segment.id());
  view.make_utf8(id);
  out.append("{\"id\":");
  append_json_string(out, id);
  out.append(",\"fields\":{");
  bool first = true;
  const std::size_t count = segment.field_count();
  for (std::size_t n = 1; n <= count; ++n) {
    const hl7v2::Field field = segment.field(n);
    if (field.empty()) continue;
    if (!writer.fits()) return false;
    out.append(first ? "\"" : ",\"");
    first = false;
    append_number(out, n);
    out.append("\":");
    if (&field.delimiters() == &hl7v2::kVerbatim) {
      writer.append_verbatim(field.raw());
    } else {
      writer.append(field.raw());
    }
  }
  out.append("}}");
  return writer.fits();
}

}  // namespace

bool append_message_json(std::string& out, const MessageView& view, std::size_t bytes_max) {
  FieldWriter writer(out, view, bytes_max);
  out.append("{\"segments\":[");
  bool first = true;
  for (const hl7v2::Segment& segment : view.message()) {
    if (!first) out.push_back(',');
    first = false;
    if (!append_segment(out, view, writer, segment)) return false;
  }
  out.append("]}");
  return writer.fits();
}

}  // namespace myelin::feeds
