#include "cli/send/answer.h"

#include "base/utf8.h"
#include "formats/hl7v2/message.h"
#include "formats/hl7v2/parse.h"

namespace myelin::cli::send {

namespace {

constexpr std::size_t kErrorSegmentsMax = 10;

// "PID-3" from ERL or, before version 2.5, from the beginning of ERR-1: segment ^ nth ^ field.
std::string location_of(const hl7v2::Repetition& place) {
  std::string text = place.component(1).text();
  if (text.empty()) return text;
  const std::string nth = place.component(2).text();
  if (!nth.empty() && nth != "1") text += "[" + nth + "]";
  const std::string field = place.component(3).text();
  return field.empty() ? text : text + "-" + field;
}

void add_part(std::string& text, std::string_view part, std::string_view separator) {
  if (part.empty() || text.contains(part)) return;
  if (!text.empty()) text += separator;
  text += part;
}

std::string coded_text(const std::string& code, const std::string& meaning) {
  return meaning.empty() ? code : meaning;
}

// Adds what an ERR says beyond what is said already: many servers tell the same in MSA-3 and in
// ERR.
void add_error(std::string& text, const hl7v2::Segment& segment) {
  std::string said;
  const auto add = [&](const std::string& part, std::string_view separator) {
    if (!text.contains(part)) add_part(said, part, separator);
  };
  const auto old = segment.field(1).repetition(1);
  const auto old_code = old.component(4);
  const auto condition = segment.field(3);
  add(location_of(old), "");
  add(coded_text(old_code.subcomponent(1).text(), old_code.subcomponent(2).text()), ": ");
  add(location_of(segment.field(2).repetition(1)), "; ");
  add(coded_text(condition.component(1).text(), condition.component(2).text()), ": ");
  add(segment.field(8).text(), ": ");
  add_part(text, said, "; ");
}

struct Asked {
  bool on_success = false;
  bool on_failure = false;
};

Asked asked_by(std::string_view code) {
  if (code == "AL") return {true, true};
  if (code == "SU") return {true, false};
  if (code == "ER") return {false, true};
  return {};
}

bool is_known(std::string_view code) {
  return code == "AL" || code == "SU" || code == "ER" || code == "NE";
}

bool is_c1_control(std::string_view text, std::size_t at) {
  return text[at] == '\xC2' && at + 1 < text.size() &&
         (static_cast<unsigned char>(text[at + 1]) & 0xE0) == 0x80;
}

}  // namespace

Result<Answer> read_answer(std::string_view message) {
  auto parsed = hl7v2::parse_view(message);
  if (!parsed) return std::move(parsed).error().with_context("what came back is no HL7 message");
  const auto msa = parsed->find_segment("MSA");
  if (!msa) return Error(ErrorCode::InvalidInput, "what came back is no acknowledgment: no MSA");
  Answer answer;
  answer.code = hl7v2::parse_ack_code(msa->field(1).raw());
  answer.code_text = printable(msa->field(1).raw(), 20);
  answer.control_id = msa->field(2).raw();
  std::string text = msa->field(3).text();
  for (std::size_t n = 1; n <= kErrorSegmentsMax; ++n) {
    const auto error = parsed->find_segment("ERR", n);
    if (!error) break;
    add_error(text, *error);
  }
  answer.text = printable(text, kAnswerTextBytesMax);
  return answer;
}

Expected expected_answer(const hl7v2::Header& header) {
  const auto accept = header.accept_acknowledgment;
  const auto application = header.application_acknowledgment;
  if (!is_known(accept) && !is_known(application)) return Expected::Always;
  const Asked first = asked_by(accept);
  const Asked second = asked_by(application);
  if (first.on_success || second.on_success) return Expected::Always;
  return first.on_failure || second.on_failure ? Expected::OnFailure : Expected::Never;
}

bool may_follow(const hl7v2::Header& header) {
  const Asked first = asked_by(header.accept_acknowledgment);
  const Asked second = asked_by(header.application_acknowledgment);
  return (first.on_success || first.on_failure) && (second.on_success || second.on_failure);
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  const bool is_utf8 = is_valid_utf8(text);
  text = is_utf8 ? utf8_prefix(text, bytes_max) : text.substr(0, bytes_max);
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) {
      shown.push_back(' ');
    } else if (byte >= 0x80 && !is_utf8) {
      shown.push_back('?');
    } else if (is_c1_control(text, i)) {
      shown.push_back(' ');
      ++i;
    } else {
      shown.push_back(text[i]);
    }
  }
  return shown;
}

}  // namespace myelin::cli::send
