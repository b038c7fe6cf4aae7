#include "formats/hl7v2/ack.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "formats/hl7v2/escape.h"
#include "formats/hl7v2/mllp_framer.h"
#include "formats/hl7v2/types.h"

namespace myelin::hl7v2 {

namespace {

constexpr std::string_view kDefaultVersion = "2.5";
constexpr std::string_view kDefaultProcessingId = "P";
constexpr Version kEventInAck{2, 4, 0};
constexpr Version kErrorSegment{2, 5, 0};
constexpr Version kNoTextInMsa{2, 7, 0};

constexpr std::array<std::pair<AckCode, std::string_view>, 6> kAckCodes = {{{AckCode::AA, "AA"},
                                                                            {AckCode::AE, "AE"},
                                                                            {AckCode::AR, "AR"},
                                                                            {AckCode::CA, "CA"},
                                                                            {AckCode::CE, "CE"},
                                                                            {AckCode::CR, "CR"}}};

// "20261121061249+0000".
std::string format_time(Timestamp time) {
  const std::string rfc = format_rfc3339(time);
  std::string out;
  for (const char c : std::string_view(rfc).substr(0, 19)) {
    if (c >= '0' && c <= '9') out.push_back(c);
  }
  return out + "+0000";
}

// Writes segments field by field.
class SegmentWriter {
 public:
  SegmentWriter(std::string& out, const Delimiters& delimiters)
      : out_(out), delimiters_(delimiters) {}

  void begin(std::string_view id) { out_.append(id); }
  void raw(std::string_view field) {
    out_.push_back(delimiters_.field);
    out_.append(field);
  }
  void text(std::string_view field) {
    out_.push_back(delimiters_.field);
    append_escaped(out_, field, delimiters_);
  }
  void skip(std::size_t fields) { out_.append(fields, delimiters_.field); }
  // Components of one field, given as text; empty ones at the end are left out.
  template <std::size_t N>
  void components(const std::array<std::string_view, N>& parts) {
    std::size_t count = N;
    while (count > 0 && parts[count - 1].empty()) --count;
    out_.push_back(delimiters_.field);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) out_.push_back(delimiters_.component);
      append_escaped(out_, parts[i], delimiters_);
    }
  }
  void end() {
    // An echoed 0x1C before the CR would end the frame.
    if (out_.ends_with(MllpFramer::kEnd)) out_.push_back(delimiters_.field);
    out_.push_back('\r');
  }

 private:
  std::string& out_;
  const Delimiters& delimiters_;
};

struct Answer {
  const Header& header;
  const AckOptions& options;
  Delimiters delimiters;
  std::string_view version_field;
  Version version;  // 0 where it cannot be told: the oldest form is understood by all.
};

Answer plan(const Header& header, const AckOptions& options) {
  Answer answer{header, options, header.delimiters, header.version, {}};
  if (answer.delimiters.component == 0) answer.delimiters = Delimiters{};
  if (header.version.empty()) answer.version_field = kDefaultVersion;
  const auto number = Field(answer.version_field, answer.delimiters).component(1).raw();
  answer.version = parse_version(number).value_or(Version{});
  return answer;
}

std::string encoding_characters(const Answer& answer) {
  if (answer.delimiters == answer.header.delimiters && answer.header.found) {
    return std::string(answer.header.encoding_characters);
  }
  return "^~\\&";
}

void write_msh(std::string& out, const Answer& answer) {
  const Header& header = answer.header;
  SegmentWriter msh(out, answer.delimiters);
  msh.begin("MSH");
  msh.raw(encoding_characters(answer));
  msh.raw(header.receiving_application);
  msh.raw(header.receiving_facility);
  msh.raw(header.sending_application);
  msh.raw(header.sending_facility);
  msh.raw(format_time(answer.options.time));
  msh.skip(1);
  msh.raw("ACK");
  if (answer.version >= kEventInAck && !header.trigger_event.empty()) {
    out.push_back(answer.delimiters.component);
    out.append(header.trigger_event);
    out.push_back(answer.delimiters.component);
    out.append("ACK");
  }
  msh.text(answer.options.control_id);
  msh.raw(header.processing_id.empty() ? kDefaultProcessingId : header.processing_id);
  msh.raw(answer.version_field);
  if (!header.character_set.empty()) {
    msh.skip(5);
    msh.raw(header.character_set);
  }
  msh.end();
}

void write_msa(std::string& out, const Answer& answer, std::string_view text) {
  SegmentWriter msa(out, answer.delimiters);
  msa.begin("MSA");
  msa.raw(to_string(answer.options.code));
  msa.raw(answer.header.control_id);
  if (!text.empty() && answer.version < kNoTextInMsa) msa.text(text);
  msa.end();
}

std::string number_or_empty(std::uint32_t number) {
  return number == 0 ? std::string() : fmt::to_string(number);
}

void write_err(std::string& out, const Answer& answer, std::string_view text) {
  const AckOptions& options = answer.options;
  SegmentWriter err(out, answer.delimiters);
  err.begin("ERR");
  err.skip(1);
  if (options.location) {
    const Path& at = *options.location;
    const auto nth = number_or_empty(at.segment_nth);
    const auto field = number_or_empty(at.field);
    const bool within_field = at.repetition != 0 || at.component != 0;
    const auto repetition = within_field ? number_or_empty(std::max(at.repetition, 1u)) : "";
    const auto component = number_or_empty(at.component);
    const auto subcomponent = number_or_empty(at.subcomponent);
    err.components<6>({at.segment, nth, field, repetition, component, subcomponent});
  } else {
    err.skip(1);
  }
  const auto condition = fmt::to_string(static_cast<unsigned>(options.condition));
  err.components<3>({condition, to_string(options.condition), "HL70357"});
  err.raw("E");
  if (!text.empty()) {
    err.skip(3);
    err.text(text);
  }
  err.end();
}

}  // namespace

std::string_view to_string(AckCode code) {
  for (const auto& [known, name] : kAckCodes) {
    if (known == code) return name;
  }
  return {};
}

std::optional<AckCode> parse_ack_code(std::string_view text) {
  for (const auto& [code, name] : kAckCodes) {
    if (name == text) return code;
  }
  return std::nullopt;
}

bool is_accept(AckCode code) { return code == AckCode::AA || code == AckCode::CA; }

std::string_view to_string(ErrorCondition condition) {
  switch (condition) {
    case ErrorCondition::SegmentSequence: return "Segment sequence error";
    case ErrorCondition::RequiredFieldMissing: return "Required field missing";
    case ErrorCondition::DataType: return "Data type error";
    case ErrorCondition::TableValueNotFound: return "Table value not found";
    case ErrorCondition::UnsupportedMessageType: return "Unsupported message type";
    case ErrorCondition::UnsupportedEventCode: return "Unsupported event code";
    case ErrorCondition::UnsupportedProcessingId: return "Unsupported processing id";
    case ErrorCondition::UnsupportedVersionId: return "Unsupported version id";
    case ErrorCondition::UnknownKeyIdentifier: return "Unknown key identifier";
    case ErrorCondition::DuplicateKeyIdentifier: return "Duplicate key identifier";
    case ErrorCondition::ApplicationRecordLocked: return "Application record locked";
    case ErrorCondition::ApplicationInternal: return "Application internal error";
  }
  return {};
}

std::string build_ack(const Header& header, const AckOptions& options) {
  const Answer answer = plan(header, options);
  const bool accepts = is_accept(options.code);
  const auto text = accepts ? std::string_view() : utf8_prefix(options.text, kAckTextBytesMax);
  std::string out;
  out.reserve(256 + text.size() * 2);
  write_msh(out, answer);
  write_msa(out, answer, text);
  if (!accepts && answer.version >= kErrorSegment) write_err(out, answer, text);
  return out;
}

}  // namespace myelin::hl7v2
