// MessageView: a parsed message with what is known of its character set.
//
// Text leaves it as UTF-8. Bytes that are UTF-8 throughout are taken as such, whatever MSH-18 says.
// Others are read as ISO 8859-1 where MSH-18 says 8859/1; else each piece that is no UTF-8 becomes
// U+FFFD, and only the raw bytes tell what it was. The same goes for bytes written as \Xhh\.
#pragma once

#include <string>
#include <string_view>

#include "formats/hl7v2/message.h"

namespace myelin::feeds {

class MessageView {
 public:
  // Views the message, which outlives it.
  explicit MessageView(const hl7v2::Message& message);

  const hl7v2::Message& message() const { return message_; }
  bool is_utf8() const { return is_utf8_; }  // Every byte of it.

  // A value's text, escapes resolved, in UTF-8.
  std::string text(std::string_view raw) const;
  // The same cut to `bytes_max` between two characters: for headers and keys.
  std::string text(std::string_view raw, std::size_t bytes_max) const;

  // Unescaped bytes to UTF-8, in place.
  void make_utf8(std::string& bytes) const;

 private:
  const hl7v2::Message& message_;
  const bool is_utf8_;
  const bool is_latin1_declared_;
};

}  // namespace myelin::feeds
