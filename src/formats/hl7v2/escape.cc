#include "formats/hl7v2/escape.h"

#include <cstring>

namespace myelin::hl7v2 {

namespace {

constexpr Delimiters kUsual{.truncation = '#'};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool append_hex(std::string& out, std::string_view digits) {
  if (digits.empty() || digits.size() % 2 != 0) return false;
  for (const char c : digits) {
    if (hex_digit(c) < 0) return false;
  }
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out.push_back(static_cast<char>(hex_digit(digits[i]) * 16 + hex_digit(digits[i + 1])));
  }
  return true;
}

bool is_word(std::string_view text) {
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool sign = (c >= '0' && c <= '9') || c == '+' || c == '-';
    if (!letter && !sign) return false;
  }
  return !text.empty();
}

// Whether it is a sequence that is kept as it is.
bool is_kept(std::string_view code) {
  switch (code.front()) {
    case 'H':
    case 'N':
    case 'P': return code.size() == 1;
    case '.':
    case 'C':
    case 'M':
    case 'Z': return is_word(code.substr(1));
    default: return false;
  }
}

// The character that a sequence of one letter stands for, or 0.
char delimiter_of(char code, const Delimiters& has) {
  switch (code) {
    case 'F': return has.field != 0 ? has.field : kUsual.field;
    case 'S': return has.component != 0 ? has.component : kUsual.component;
    case 'T': return has.subcomponent != 0 ? has.subcomponent : kUsual.subcomponent;
    case 'R': return has.repetition != 0 ? has.repetition : kUsual.repetition;
    case 'E': return has.escape;
    case 'P': return has.truncation;
    default: return 0;
  }
}

// Appends what the code between two escape characters stands for; false when that is nothing.
bool append_resolved(std::string& out, std::string_view code, const Delimiters& delimiters) {
  if (code.size() == 1) {
    const char c = delimiter_of(code.front(), delimiters);
    if (c != 0) out.push_back(c);
    return c != 0;
  }
  if (code.front() == 'X') return append_hex(out, code.substr(1));
  if (code == ".br") {
    out.push_back('\n');
    return true;
  }
  return false;
}

char code_of(char c, const Delimiters& has) {
  if (c == has.field) return 'F';
  if (c == has.component) return 'S';
  if (c == has.subcomponent) return 'T';
  if (c == has.repetition) return 'R';
  if (c == has.escape) return 'E';
  if (c == has.truncation) return 'P';
  return 0;
}

void append_escaped_character(std::string& out, char c, const Delimiters& delimiters) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const bool is_control = static_cast<unsigned char>(c) < 0x20 && c != '\t';
  const char code = is_control ? 'X' : code_of(c, delimiters);
  if (code == 0) {
    out.push_back(c);
    return;
  }
  if (delimiters.escape == 0) {
    out.push_back(' ');
    return;
  }
  out.push_back(delimiters.escape);
  out.push_back(code);
  if (code == 'X') {
    out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
  }
  out.push_back(delimiters.escape);
}

}  // namespace

bool has_escapes(std::string_view raw, const Delimiters& delimiters) {
  return delimiters.escape != 0 && !raw.empty() &&
         std::memchr(raw.data(), delimiters.escape, raw.size()) != nullptr;
}

void append_unescaped(std::string& out, std::string_view raw, const Delimiters& delimiters) {
  if (!has_escapes(raw, delimiters)) {
    out.append(raw);
    return;
  }
  std::size_t at = 0;
  while (at < raw.size()) {
    const std::size_t opens = raw.find(delimiters.escape, at);
    const std::size_t closes =
        opens == raw.npos ? raw.npos : raw.find(delimiters.escape, opens + 1);
    if (closes == raw.npos) break;
    out.append(raw, at, opens - at);
    const auto code = raw.substr(opens + 1, closes - opens - 1);
    if (!code.empty() && append_resolved(out, code, delimiters)) {
      at = closes + 1;
    } else if (!code.empty() && is_kept(code)) {
      out.append(raw, opens, code.size() + 2);
      at = closes + 1;
    } else {
      // Text: the character that would close it may open the next sequence.
      out.append(raw, opens, code.size() + 1);
      at = closes;
    }
  }
  out.append(raw, at);
}

std::string unescape(std::string_view raw, const Delimiters& delimiters) {
  std::string out;
  append_unescaped(out, raw, delimiters);
  return out;
}

void append_escaped(std::string& out, std::string_view text, const Delimiters& delimiters) {
  if (text == kNull && delimiters.escape != 0) {
    out.push_back(delimiters.escape);
    out.append("X2222");
    out.push_back(delimiters.escape);
    return;
  }
  for (const char c : text) append_escaped_character(out, c, delimiters);
}

std::string escape(std::string_view text, const Delimiters& delimiters) {
  std::string out;
  out.reserve(text.size() + 8);
  append_escaped(out, text, delimiters);
  return out;
}

}  // namespace myelin::hl7v2
