#include "formats/hl7v2/deviation.h"

#include <fmt/format.h>

namespace myelin::hl7v2 {

std::string_view to_string(DeviationCode code) {
  switch (code) {
    case DeviationCode::ByteOrderMark: return "byte-order-mark";
    case DeviationCode::LeadingLineBreak: return "leading-line-break";
    case DeviationCode::LineFeed: return "line-feed";
    case DeviationCode::CarriageReturnLineFeed: return "carriage-return-line-feed";
    case DeviationCode::NoLastLineEnd: return "no-last-line-end";
    case DeviationCode::BlankSegment: return "blank-segment";
    case DeviationCode::SegmentIdCase: return "segment-id-case";
    case DeviationCode::SegmentIdForm: return "segment-id-form";
    case DeviationCode::UnknownSegment: return "unknown-segment";
    case DeviationCode::ExtraFields: return "extra-fields";
    case DeviationCode::SecondHeader: return "second-header";
    case DeviationCode::EncodingCharactersShort: return "encoding-characters-short";
    case DeviationCode::EncodingCharactersLong: return "encoding-characters-long";
    case DeviationCode::EncodingCharactersIllegal: return "encoding-characters-illegal";
    case DeviationCode::EncodingCharactersClash: return "encoding-characters-clash";
    case DeviationCode::TruncationCharacter: return "truncation-character";
    case DeviationCode::Version: return "version";
    case DeviationCode::MessageType: return "message-type";
    case DeviationCode::ControlId: return "control-id";
  }
  return "unknown";
}

std::string Deviation::location() const {
  switch (code) {
    case DeviationCode::ByteOrderMark:
    case DeviationCode::LeadingLineBreak:
    case DeviationCode::LineFeed:
    case DeviationCode::CarriageReturnLineFeed:
    case DeviationCode::NoLastLineEnd:
    case DeviationCode::BlankSegment: return fmt::format("byte {}", offset);
    case DeviationCode::SegmentIdCase:
    case DeviationCode::SegmentIdForm:
    case DeviationCode::UnknownSegment:
    case DeviationCode::ExtraFields:
    case DeviationCode::SecondHeader: return fmt::format("segment {}", segment);
    case DeviationCode::EncodingCharactersShort:
    case DeviationCode::EncodingCharactersLong:
    case DeviationCode::EncodingCharactersIllegal:
    case DeviationCode::EncodingCharactersClash:
    case DeviationCode::TruncationCharacter: return "MSH-2";
    case DeviationCode::Version: return "MSH-12";
    case DeviationCode::MessageType: return "MSH-9";
    case DeviationCode::ControlId: return "MSH-10";
  }
  return {};
}

std::string_view Deviation::message() const {
  switch (code) {
    case DeviationCode::ByteOrderMark: return "begins with a byte order mark";
    case DeviationCode::LeadingLineBreak: return "line breaks before MSH";
    case DeviationCode::LineFeed: return "segments end with LF instead of CR";
    case DeviationCode::CarriageReturnLineFeed: return "segments end with CR LF instead of CR";
    case DeviationCode::NoLastLineEnd: return "the last segment has no CR at its end";
    case DeviationCode::BlankSegment: return "an empty line";
    case DeviationCode::SegmentIdCase: return "the segment id is not in capital letters";
    case DeviationCode::SegmentIdForm: return "does not begin with a segment id";
    case DeviationCode::UnknownSegment: return "the segment is in no version of the standard";
    case DeviationCode::ExtraFields: return "more fields than any version of the standard has";
    case DeviationCode::SecondHeader: return "another MSH within the message";
    case DeviationCode::EncodingCharactersShort: return "fewer than four encoding characters";
    case DeviationCode::EncodingCharactersLong: return "more than five encoding characters";
    case DeviationCode::EncodingCharactersIllegal:
      return "an encoding character that cannot be one is not used";
    case DeviationCode::EncodingCharactersClash:
      return "one character for two uses: the later use is dropped";
    case DeviationCode::TruncationCharacter: return "a truncation character before version 2.7";
    case DeviationCode::Version: return "not a version of the standard";
    case DeviationCode::MessageType: return "the message type is missing";
    case DeviationCode::ControlId: return "the control id is missing";
  }
  return {};
}

}  // namespace myelin::hl7v2
