#include "formats/hl7v2/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include "formats/hl7v2/byte_scan.h"
#include "formats/hl7v2/segment_table.h"
#include "formats/hl7v2/types.h"

namespace myelin::hl7v2 {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kOffsetMax = std::numeric_limits<std::uint32_t>::max() - 2;

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

bool is_header_id(std::string_view id) {
  return same_segment_id(id, "MSH") || same_segment_id(id, "FHS") || same_segment_id(id, "BHS");
}

std::uint32_t narrow(std::size_t offset) { return static_cast<std::uint32_t>(offset); }

Error fault_error(ParseFault fault, std::size_t begin) {
  const auto invalid = [](std::string message) {
    return Error(ErrorCode::InvalidInput, std::move(message));
  };
  switch (fault) {
    case ParseFault::Empty: return invalid("the message is empty");
    case ParseFault::NoHeader:
      return invalid(fmt::format("byte {}: a message begins with MSH", begin));
    case ParseFault::Batch:
      return invalid(
          fmt::format("byte {}: a batch (FHS or BHS) where one message is expected", begin));
    case ParseFault::HeaderTooShort: return invalid("MSH-2: MSH ends before its delimiters do");
    case ParseFault::FieldSeparator: return invalid("MSH-1: not a character that separates fields");
    case ParseFault::Delimiters: return invalid("MSH-2: no component separator");
    case ParseFault::TooLong: return Error(ErrorCode::Exhausted, "the message is too long");
    case ParseFault::None: break;
  }
  return Error(ErrorCode::Internal, "a parse fault without a name");
}

}  // namespace

// Fills a message's tables from its bytes.
class Parser {
 public:
  Parser(std::string_view raw, const ParseOptions& options) : raw_(raw), options_(options) {
    message_.viewed_ = raw;
  }

  Result<Message> run(ParseFault& fault);

  static void own(Message& message, std::string&& raw) {
    message.owned_ = std::move(raw);
    message.owns_ = true;
    message.viewed_ = {};
  }

 private:
  void tell(DeviationCode code, std::size_t segment, std::size_t offset);
  void tell_once(DeviationCode code, std::size_t offset);
  ParseFault read_delimiters();
  void tell_delimiters(std::string_view encoding_characters);
  Status check_limits(const ByteCounts& counts) const;
  void tell_preamble();
  void fill(const ByteCounts& counts);
  void open_segment();
  void close_segment(std::size_t end);
  void on_line_end(std::size_t at);
  void check_segment(std::size_t index);
  void check_header();

  std::string_view raw_;
  const ParseOptions& options_;
  Message message_;
  std::size_t begin_ = 0;           // Of the line that is being read.
  bool open_ = false;               // A segment has been opened for it.
  std::uint32_t* start_ = nullptr;  // The next free place of the message's starts_.
  std::array<bool, 8> told_{};
};

void Parser::tell(DeviationCode code, std::size_t segment, std::size_t offset) {
  if (message_.deviation_count_ < Message::kDeviationsMax) {
    message_.deviations_[message_.deviation_count_] = {code, narrow(segment), narrow(offset)};
  }
  ++message_.deviation_count_;
}

void Parser::tell_once(DeviationCode code, std::size_t offset) {
  bool& told = told_[static_cast<std::size_t>(code)];
  if (!told) tell(code, 0, offset);
  told = true;
}

void Parser::tell_preamble() {
  if (raw_.starts_with(kByteOrderMark)) tell(DeviationCode::ByteOrderMark, 0, 0);
  const std::size_t marked = raw_.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  if (begin_ > marked) tell(DeviationCode::LeadingLineBreak, 0, marked);
}

ParseFault Parser::read_delimiters() {
  std::string_view line = raw_.substr(begin_);
  line = line.substr(0, line.find_first_of("\r\n"));
  const auto id = line.substr(0, 3);
  if (line.empty()) return ParseFault::Empty;
  if (same_segment_id(id, "FHS") || same_segment_id(id, "BHS")) return ParseFault::Batch;
  if (!same_segment_id(id, "MSH")) return ParseFault::NoHeader;
  if (line.size() < 4) return ParseFault::HeaderTooShort;
  if (!is_delimiter(line[3])) return ParseFault::FieldSeparator;
  const std::size_t end = line.find(line[3], 4);
  const auto encoding_characters = line.substr(4, end == line.npos ? end : end - 4);
  if (end == line.npos && encoding_characters.size() < 4) return ParseFault::HeaderTooShort;
  message_.delimiters_ = delimiters_of(line[3], encoding_characters);
  if (message_.delimiters_.component == 0) return ParseFault::Delimiters;
  tell_delimiters(encoding_characters);
  return ParseFault::None;
}

void Parser::tell_delimiters(std::string_view encoding_characters) {
  const std::size_t offset = begin_ + 4;
  if (encoding_characters.size() < 4) tell(DeviationCode::EncodingCharactersShort, 1, offset);
  if (encoding_characters.size() > 5) tell(DeviationCode::EncodingCharactersLong, 1, offset);
  const auto used = encoding_characters.substr(0, 5);
  bool illegal = false;
  bool clash = false;
  for (std::size_t i = 0; i < used.size(); ++i) {
    illegal = illegal || !is_delimiter(used[i]);
    clash = clash || (is_delimiter(used[i]) && used.find(used[i], i + 1) != used.npos);
  }
  if (illegal) tell(DeviationCode::EncodingCharactersIllegal, 1, offset);
  if (clash) tell(DeviationCode::EncodingCharactersClash, 1, offset);
}

Status Parser::check_limits(const ByteCounts& counts) const {
  const auto over = [](std::string_view what, std::size_t limit) {
    return Error(ErrorCode::Exhausted, fmt::format("the message has over {} {}", limit, what));
  };
  if (counts.lines > options_.segment_count_max)
    return over("segments", options_.segment_count_max);
  if (counts.separators > options_.field_count_max) return over("fields", options_.field_count_max);
  return {};
}

void Parser::open_segment() {
  message_.segments_.push_back(
      {.begin = narrow(begin_),
       .end = 0,
       .columns = narrow(static_cast<std::size_t>(start_ - message_.starts_.data())),
       .column_count = 0,
       .is_header = 0});
  *start_++ = narrow(begin_);
  open_ = true;
}

void Parser::close_segment(std::size_t end) {
  if (!open_) open_segment();
  open_ = false;
  auto& entry = message_.segments_.back();
  const auto next = narrow(static_cast<std::size_t>(start_ - message_.starts_.data()));
  entry.end = narrow(end);
  entry.column_count = (next - entry.columns) & 0x7fffffffu;
  *start_++ = narrow(end + 1);
}

void Parser::on_line_end(std::size_t at) {
  if (at < begin_) return;  // The LF of a CR LF.
  if (at > begin_) {
    close_segment(at);
  } else {
    tell_once(DeviationCode::BlankSegment, at);
  }
  begin_ = at + 1;
  if (raw_[at] == '\n') {
    tell_once(DeviationCode::LineFeed, at);
  } else if (begin_ < raw_.size() && raw_[begin_] == '\n') {
    tell_once(DeviationCode::CarriageReturnLineFeed, at);
    ++begin_;
  }
}

void Parser::fill(const ByteCounts& counts) {
  const char separator = message_.delimiters_.field;
  message_.segments_.reserve(counts.lines);
  message_.starts_.resize(counts.separators + 2 * counts.lines);
  start_ = message_.starts_.data();
  const std::size_t first = begin_;
  const std::string_view text = raw_.substr(first);
  for (std::size_t block = 0; block < text.size(); block += kBlockBytes) {
    const ByteMarks marks = mark_block(text, block, separator);
    std::uint64_t both = marks.separators | marks.line_ends;
    while (both != 0) {
      const std::uint64_t lowest = both & (~both + 1);
      const std::size_t at = first + block + static_cast<std::size_t>(std::countr_zero(both));
      both ^= lowest;
      if ((marks.line_ends & lowest) != 0) [[unlikely]] {
        on_line_end(at);
        continue;
      }
      if (!open_) open_segment();
      *start_++ = narrow(at + 1);
    }
  }
  if (begin_ < raw_.size()) {
    close_segment(raw_.size());
    tell(DeviationCode::NoLastLineEnd, 0, raw_.size());
  }
}

void Parser::check_segment(std::size_t index) {
  auto& entry = message_.segments_[index];
  const auto id = message_.column(entry, 0);
  if (id.size() == 3 && entry.column_count > 1 && is_header_id(id)) entry.is_header = 1;
  std::array<char, 3> capitals{};
  SegmentFacts facts = segment_facts(id);
  if (facts.kind == SegmentKind::Malformed && id.size() == 3) {
    for (std::size_t i = 0; i < 3; ++i) {
      capitals[i] = id[i] >= 'a' && id[i] <= 'z' ? static_cast<char>(id[i] - 'a' + 'A') : id[i];
    }
    facts = segment_facts({capitals.data(), 3});
    if (facts.kind != SegmentKind::Malformed) {
      tell(DeviationCode::SegmentIdCase, index + 1, entry.begin);
    }
  }
  if (facts.kind == SegmentKind::Malformed) {
    tell(DeviationCode::SegmentIdForm, index + 1, entry.begin);
  } else if (facts.kind == SegmentKind::Unknown) {
    tell(DeviationCode::UnknownSegment, index + 1, entry.begin);
  }
  const std::size_t field_count = entry.column_count - 1 + entry.is_header;
  if (facts.field_count_max != 0 && field_count > facts.field_count_max) {
    tell(DeviationCode::ExtraFields, index + 1, entry.begin);
  }
  if (index > 0 && same_segment_id(id, "MSH")) {
    tell(DeviationCode::SecondHeader, index + 1, entry.begin);
  }
}

void Parser::check_header() {
  const Segment msh = message_.header();
  const auto begin = message_.segments_.front().begin;
  const auto version = parse_version(msh.field(12).component(1).raw());
  if (!version || !is_known_version(*version)) tell(DeviationCode::Version, 1, begin);
  if (msh.field(9).component(1).empty()) tell(DeviationCode::MessageType, 1, begin);
  if (msh.field(10).empty()) tell(DeviationCode::ControlId, 1, begin);
  const bool truncates = message_.delimiters_.truncation != 0;
  if (truncates && version && *version < Version{2, 7, 0}) {
    tell(DeviationCode::TruncationCharacter, 1, begin + 8);
  }
}

Result<Message> Parser::run(ParseFault& fault) {
  fault = ParseFault::TooLong;
  const std::size_t bytes_max = std::min(options_.message_bytes_max, kOffsetMax);
  if (raw_.size() > bytes_max) {
    return Error(ErrorCode::Exhausted, fmt::format("the message has over {} bytes", bytes_max));
  }
  begin_ = preamble_bytes(raw_);
  tell_preamble();
  const ParseFault found = read_delimiters();
  if (found != ParseFault::None) {
    fault = found;
    return fault_error(found, begin_);
  }
  const ByteCounts counts = count_bytes(raw_.substr(begin_), message_.delimiters_.field);
  MYELIN_TRY_VOID(check_limits(counts));
  fault = ParseFault::None;
  fill(counts);
  for (std::size_t i = 0; i < message_.segments_.size(); ++i) check_segment(i);
  check_header();
  return std::move(message_);
}

std::string_view to_string(ParseFault fault) {
  switch (fault) {
    case ParseFault::None: return "none";
    case ParseFault::Empty: return "empty";
    case ParseFault::NoHeader: return "no-header";
    case ParseFault::Batch: return "batch";
    case ParseFault::HeaderTooShort: return "header-too-short";
    case ParseFault::FieldSeparator: return "field-separator";
    case ParseFault::Delimiters: return "delimiters";
    case ParseFault::TooLong: return "too-long";
  }
  return "unknown";
}

Result<Message> parse(std::string&& raw, const ParseOptions& options, ParseFault* fault) {
  ParseFault ignored = ParseFault::None;
  auto message = Parser(raw, options).run(fault != nullptr ? *fault : ignored);
  if (message) Parser::own(*message, std::move(raw));
  return message;
}

Result<Message> parse_view(std::string_view raw, const ParseOptions& options, ParseFault* fault) {
  ParseFault ignored = ParseFault::None;
  return Parser(raw, options).run(fault != nullptr ? *fault : ignored);
}

std::size_t preamble_bytes(std::string_view raw) {
  std::size_t at = raw.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  while (at < raw.size() && is_line_end(raw[at])) ++at;
  return at;
}

bool is_delimiter(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return c > ' ' && c <= '~' && !letter && (c < '0' || c > '9');
}

Delimiters delimiters_of(char field_separator, std::string_view encoding_characters) {
  Delimiters delimiters = kVerbatim;
  delimiters.field = field_separator;
  std::array<char, 5> given{};
  for (std::size_t i = 0; i < given.size() && i < encoding_characters.size(); ++i) {
    if (is_delimiter(encoding_characters[i])) given[i] = encoding_characters[i];
  }
  // The escape character comes after the subcomponent separator: where both are one, text with
  // that character reads better split than unescaped.
  const std::array<std::pair<char, char*>, 5> uses = {{{given[0], &delimiters.component},
                                                       {given[1], &delimiters.repetition},
                                                       {given[3], &delimiters.subcomponent},
                                                       {given[2], &delimiters.escape},
                                                       {given[4], &delimiters.truncation}}};
  std::array<char, 6> used{field_separator};
  std::size_t used_count = 1;
  for (const auto& [c, use] : uses) {
    const std::string_view taken(used.data(), used_count);
    if (c == 0 || taken.find(c) != taken.npos) continue;
    *use = c;
    used[used_count++] = c;
  }
  return delimiters;
}

}  // namespace myelin::hl7v2
