// The number of a three-character code of HL7 (a segment id, message type or trigger event): a
// capital letter, then two capital letters or digits. Tables of codes are looked up by it.
#pragma once

#include <cstddef>
#include <string_view>

namespace myelin::hl7v2 {

inline constexpr std::size_t kCodeCount = 26 * 36 * 36;

namespace detail {

constexpr std::size_t letter_or_digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::size_t>(c - 'A');
  if (c >= '0' && c <= '9') return static_cast<std::size_t>(c - '0') + 26;
  return 36;
}

}  // namespace detail

// kCodeCount for anything else.
constexpr std::size_t code_number(std::string_view code) {
  if (code.size() != 3) return kCodeCount;
  const std::size_t a = detail::letter_or_digit(code[0]);
  const std::size_t b = detail::letter_or_digit(code[1]);
  const std::size_t c = detail::letter_or_digit(code[2]);
  if (a >= 26 || b >= 36 || c >= 36) return kCodeCount;
  return (a * 36 + b) * 36 + c;
}

}  // namespace myelin::hl7v2
