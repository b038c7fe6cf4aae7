#include "formats/hl7v2/path.h"

#include <fmt/format.h>

#include "formats/hl7v2/code.h"

namespace myelin::hl7v2 {

namespace {

constexpr std::size_t kPathBytesMax = 64;
constexpr std::uint32_t kNumberMax = 999'999;

class PathReader {
 public:
  explicit PathReader(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  bool take(char c) {
    const bool there = at_ < text_.size() && text_[at_] == c;
    if (there) ++at_;
    return there;
  }

  Result<std::string> segment() {
    std::string id;
    for (; id.size() < 3 && at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      id.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
    if (code_number(id) != kCodeCount) return id;
    at_ = 0;
    return expected("a segment id such as PID");
  }

  Result<std::uint32_t> number(std::string_view what) {
    const std::size_t begin = at_;
    std::uint32_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      value = value * 10 + static_cast<std::uint32_t>(text_[at_] - '0');
      if (value > kNumberMax) break;
    }
    if (value > 0 && value <= kNumberMax) return value;
    at_ = begin;
    return expected(fmt::format("the {}'s number, from 1 to {}", what, kNumberMax));
  }

  // A number in brackets, if there is one.
  Result<std::uint32_t> bracket(std::string_view what, std::uint32_t otherwise) {
    if (!take('[')) return otherwise;
    MYELIN_TRY(value, number(what));
    if (!take(']')) return expected("]");
    return value;
  }

  // A number after a dot, if there is one.
  Result<std::uint32_t> dotted(std::string_view what) {
    if (!take('.')) return std::uint32_t{0};
    return number(what);
  }

  Error expected(std::string_view what) const {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("path \"{}\": {} expected at character {}", text_, what, at_ + 1));
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// The n-th part, or nothing when there are fewer.
template <class Part>
std::optional<Part> find_nth(const Parts<Part>& parts, std::size_t n) {
  for (const Part& part : parts) {
    if (--n == 0) return part;
  }
  return std::nullopt;
}

std::optional<Value> find_value(const Message& message, const Path& path) {
  const auto segment = message.find_segment(path.segment, path.segment_nth);
  if (!segment || path.field == 0 || path.field > segment->field_count()) return std::nullopt;
  const Field field = segment->field(path.field);
  if (path.repetition == 0 && path.component == 0) return field;
  const auto repetition = find_nth(field.repetitions(), path.repetition == 0 ? 1 : path.repetition);
  if (!repetition || path.component == 0) return repetition;
  const auto component = find_nth(repetition->components(), path.component);
  if (!component || path.subcomponent == 0) return component;
  return find_nth(component->subcomponents(), path.subcomponent);
}

}  // namespace

Result<Path> parse_path(std::string_view text) {
  if (text.size() > kPathBytesMax) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("a path has at most {} characters", kPathBytesMax));
  }
  PathReader reader(text);
  MYELIN_TRY(segment, reader.segment());
  MYELIN_TRY(nth, reader.bracket("segment", 1));
  if (!reader.take('-')) return reader.expected("- and a field's number");
  MYELIN_TRY(field, reader.number("field"));
  MYELIN_TRY(repetition, reader.bracket("repetition", 0));
  MYELIN_TRY(component, reader.dotted("component"));
  MYELIN_TRY(subcomponent,
             component == 0 ? Result<std::uint32_t>(0u) : reader.dotted("subcomponent"));
  if (!reader.done()) return reader.expected("the end");
  return Path{std::move(segment), nth, field, repetition, component, subcomponent};
}

std::string to_string(const Path& path) {
  std::string out = path.segment;
  if (path.segment_nth != 1) out += fmt::format("[{}]", path.segment_nth);
  out += fmt::format("-{}", path.field);
  if (path.repetition != 0) out += fmt::format("[{}]", path.repetition);
  if (path.component != 0) out += fmt::format(".{}", path.component);
  if (path.subcomponent != 0) out += fmt::format(".{}", path.subcomponent);
  return out;
}

std::optional<std::string_view> find_raw(const Message& message, const Path& path) {
  const auto value = find_value(message, path);
  if (!value) return std::nullopt;
  return value->raw();
}

std::optional<std::string> find_text(const Message& message, const Path& path) {
  const auto value = find_value(message, path);
  if (!value) return std::nullopt;
  return value->text();
}

}  // namespace myelin::hl7v2
