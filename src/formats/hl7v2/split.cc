#include "formats/hl7v2/split.h"

#include <algorithm>

#include "formats/hl7v2/mllp_framer.h"
#include "formats/hl7v2/parse.h"

namespace myelin::hl7v2 {

namespace {

struct Line {
  std::string_view text;
  std::string_view end;  // CR, LF, CR LF or nothing.
};

Line take_line(std::string_view& rest) {
  const std::size_t size = std::min(rest.find_first_of("\r\n"), rest.size());
  Line line{rest.substr(0, size), {}};
  std::size_t end = std::min<std::size_t>(rest.size() - size, 1);
  if (rest.substr(size).starts_with("\r\n")) end = 2;
  line.end = rest.substr(size, end);
  rest.remove_prefix(size + end);
  return line;
}

// Whether the line has this segment id, with or without fields.
bool has_id(std::string_view line, std::string_view id) {
  return line.starts_with(id) && (line.size() == id.size() || is_delimiter(line[id.size()]));
}

bool is_batch_line(std::string_view line) {
  for (const std::string_view id : {"FHS", "BHS", "BTS", "FTS"}) {
    if (has_id(line, id)) return true;
  }
  return false;
}

std::string_view without_framing(std::string_view line) {
  while (line.starts_with(MllpFramer::kStart)) line.remove_prefix(1);
  while (line.ends_with(MllpFramer::kEnd)) line.remove_suffix(1);
  return line;
}

}  // namespace

SplitMessages split_messages(std::string_view file, LineEnds line_ends) {
  SplitMessages split;
  std::string_view rest = file.starts_with("\xEF\xBB\xBF") ? file.substr(3) : file;
  while (!rest.empty()) {
    const Line line = take_line(rest);
    const std::string_view text = without_framing(line.text);
    if (text.empty() && !line.text.empty()) continue;  // A line of framing bytes alone.
    if (is_batch_line(text)) {
      ++split.batch_line_count;
      continue;
    }
    if (has_id(text, "MSH")) split.messages.emplace_back();
    if (split.messages.empty()) {
      split.skipped_bytes += line.text.size() + line.end.size();
      continue;
    }
    std::string& message = split.messages.back();
    message.append(text);
    if (line_ends == LineEnds::AsIs) {
      message.append(line.end);
    } else if (!line.end.empty()) {
      message.push_back('\r');
    }
  }
  return split;
}

}  // namespace myelin::hl7v2
