// JsonWriter: JSON text (RFC 8259), appended to a string that the caller owns.
//
// It keeps commas and colons and holds nothing else: no allocation of its own, no tree. Whatever
// bytes come in, the output is valid JSON in UTF-8: what is not UTF-8 becomes U+FFFD, a number that
// JSON cannot write becomes null. That begins and ends match is the caller's to keep.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace myelin {

// Appends the text with its quotes, escaped. Each broken piece of UTF-8 becomes one U+FFFD.
void append_json_string(std::string& out, std::string_view utf8);

// Appends the shortest text that reads back as the same number; null for NaN and the infinities.
void append_json_number(std::string& out, double value);

class JsonWriter {
 public:
  enum class Layout : std::uint8_t { Compact, Indented };

  explicit JsonWriter(std::string& out, Layout layout = Layout::Compact)
      : out_(out), layout_(layout) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  void key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_.push_back(':');
    if (layout_ == Layout::Indented) out_.push_back(' ');
    place_ = Place::AfterKey;
  }

  void string(std::string_view utf8) {
    separate();
    append_json_string(out_, utf8);
  }
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  void integer(T value) {
    if constexpr (std::is_signed_v<T>) {
      write_signed(value);
    } else {
      write_unsigned(value);
    }
  }
  void number(double value) {
    separate();
    append_json_number(out_, value);
  }
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void null() { raw("null"); }
  // Takes the text as it is: the caller knows that it is one JSON value (see json_validate.h).
  void raw(std::string_view json) {
    separate();
    out_.append(json);
  }

  // The writer's choice by the value's type.
  template <class T>
  void value(const T& v) {
    if constexpr (std::same_as<T, bool>) {
      boolean(v);
    } else if constexpr (std::integral<T>) {
      integer(v);
    } else if constexpr (std::floating_point<T>) {
      number(v);
    } else {
      string(v);
    }
  }
  // key() and value() in one.
  template <class T>
  void member(std::string_view name, const T& v) {
    key(name);
    value(v);
  }

 private:
  enum class Place : std::uint8_t { First, AfterKey, Next };

  void separate() {
    if (place_ == Place::Next) out_.push_back(',');
    if (layout_ == Layout::Indented && place_ != Place::AfterKey && depth_ > 0) break_line();
    place_ = Place::Next;
  }
  void open(char bracket) {
    separate();
    out_.push_back(bracket);
    ++depth_;
    place_ = Place::First;
  }
  void close(char bracket) {
    --depth_;
    if (layout_ == Layout::Indented && place_ == Place::Next) break_line();
    out_.push_back(bracket);
    place_ = Place::Next;
  }
  void break_line() {
    out_.push_back('\n');
    out_.append(2 * depth_, ' ');
  }
  void write_signed(std::int64_t value);
  void write_unsigned(std::uint64_t value);

  std::string& out_;
  std::uint32_t depth_ = 0;
  Place place_ = Place::First;
  const Layout layout_;
};

}  // namespace myelin
