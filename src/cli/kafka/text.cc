#include "cli/kafka/text.h"

#include <fmt/format.h>

#include <iterator>

#include "base/utf8.h"

namespace myelin::cli::kafka {
namespace {

constexpr std::size_t kHexBytes = 16;

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  const auto second = static_cast<unsigned char>(character[1]);
  // C1 controls. Of U+2028 to U+202E the separators and those that turn the direction of writing.
  if (character.size() == 2) return first == 0xC2 && second < 0xA0;
  if (character.size() != 3 || first != 0xE2) return false;
  const auto third = static_cast<unsigned char>(character[2]);
  return (second == 0x80 && third >= 0xA8 && third <= 0xAE) ||
         (second == 0x81 && third >= 0xA6 && third <= 0xA9);
}

void append_one_line(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const Utf8Step step = utf8_step(bytes);
    const auto character = bytes.substr(0, step.bytes);
    if (!step.valid) {
      out += '?';
    } else if (is_control(character)) {
      out += ' ';
    } else {
      out += character;
    }
    bytes.remove_prefix(step.bytes);
  }
}

}  // namespace

std::string one_line(std::string_view bytes) {
  std::string out;
  append_one_line(out, bytes);
  return out;
}

void append_lines(std::string& out, std::string_view bytes, std::string_view indent) {
  while (!bytes.empty()) {
    const auto end = bytes.find_first_of("\r\n");
    out += indent;
    append_one_line(out, bytes.substr(0, end));
    out += '\n';
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(bytes.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
}

void append_hex_dump(std::string& out, std::string_view bytes, std::string_view indent) {
  const auto to = std::back_inserter(out);
  for (std::size_t at = 0; at < bytes.size(); at += kHexBytes) {
    const auto line = bytes.substr(at, kHexBytes);
    fmt::format_to(to, "{}{:08x} ", indent, at);
    for (std::size_t i = 0; i < kHexBytes; ++i) {
      if (i == kHexBytes / 2) out += ' ';
      if (i < line.size()) {
        fmt::format_to(to, " {:02x}", static_cast<unsigned char>(line[i]));
      } else {
        out += "   ";
      }
    }
    out += "  |";
    for (const char c : line) out += c >= 0x20 && c < 0x7F ? c : '.';
    out += "|\n";
  }
}

std::size_t columns(std::string_view utf8) {
  std::size_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

}  // namespace myelin::cli::kafka
