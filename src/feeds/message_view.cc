#include "feeds/message_view.h"

#include "base/utf8.h"
#include "formats/hl7v2/escape.h"

namespace myelin::feeds {

namespace {

constexpr std::size_t kCharacterSetField = 18;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD.

std::string from_latin1(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 4);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else {
      out.push_back(static_cast<char>(0xc0 | byte >> 6));
      out.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  return out;
}

std::string replace_broken(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 16);
  while (!bytes.empty()) {
    const Utf8Step step = utf8_step(bytes);
    out.append(step.valid ? bytes.substr(0, step.bytes) : kReplacement);
    bytes.remove_prefix(step.bytes);
  }
  return out;
}

}  // namespace

MessageView::MessageView(const hl7v2::Message& message)
    : message_(message),
      is_utf8_(is_valid_utf8(message.raw())),
      is_latin1_declared_(message.header().field(kCharacterSetField).repetition(1).raw() ==
                          "8859/1") {}

std::string MessageView::text(std::string_view raw) const {
  std::string text = hl7v2::unescape(raw, message_.delimiters());
  make_utf8(text);
  return text;
}

std::string MessageView::text(std::string_view raw, std::size_t bytes_max) const {
  // An escape is never longer than what it stands for was written: this much is enough to look at.
  std::string whole = text(raw.substr(0, 8 * bytes_max));
  whole.resize(utf8_prefix(whole, bytes_max).size());
  return whole;
}

void MessageView::make_utf8(std::string& bytes) const {
  const bool latin1 = is_latin1_declared_ && !is_utf8_;
  if (!latin1 && is_valid_utf8(bytes)) return;
  bytes = is_latin1_declared_ ? from_latin1(bytes) : replace_broken(bytes);
}

}  // namespace myelin::feeds
