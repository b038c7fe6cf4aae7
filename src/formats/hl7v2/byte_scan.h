// Finds a message's field separators and line ends, 64 bytes at a time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace myelin::hl7v2 {

// Bit i is set where byte i of the block is one.
struct ByteMarks {
  std::uint64_t separators;
  std::uint64_t line_ends;  // CR and LF.
};

inline constexpr std::size_t kBlockBytes = 64;

namespace detail {

// Clang's vectors: its code generator picks the machine's instructions (SSE2, NEON).
using ByteVector = unsigned char __attribute__((ext_vector_type(16)));
using BitVector = bool __attribute__((ext_vector_type(16)));

template <class Matches>
std::uint64_t bits_of(Matches matches) {
  return __builtin_bit_cast(std::uint16_t, __builtin_convertvector(matches, BitVector));
}

}  // namespace detail

// Marks the block at `bytes`, of kBlockBytes.
inline ByteMarks mark_block(const char* bytes, char separator) {
  ByteMarks marks{0, 0};
  const auto wanted = static_cast<detail::ByteVector>(static_cast<unsigned char>(separator));
  for (std::size_t i = 0; i < kBlockBytes; i += 16) {
    detail::ByteVector part;
    std::memcpy(&part, bytes + i, sizeof part);
    const auto separators = part == wanted;
    const auto line_ends = (part == '\r') | (part == '\n');
    marks.separators |= detail::bits_of(separators) << i;
    marks.line_ends |= detail::bits_of(line_ends) << i;
  }
  return marks;
}

// The same of the block that begins at `at` in a text; beyond the text's end no bit is set.
// `separator` is not NUL.
inline ByteMarks mark_block(std::string_view text, std::size_t at, char separator) {
  const std::size_t rest = text.size() - at;
  if (rest >= kBlockBytes) [[likely]]
    return mark_block(text.data() + at, separator);
  char padded[kBlockBytes] = {};
  std::memcpy(padded, text.data() + at, rest);
  return mark_block(padded, separator);
}

struct ByteCounts {
  std::size_t separators = 0;
  std::size_t lines = 0;  // That are not empty.
};

inline ByteCounts count_bytes(std::string_view text, char separator) {
  ByteCounts counts;
  std::uint64_t after_line_end = 1;
  for (std::size_t at = 0; at < text.size(); at += kBlockBytes) {
    const ByteMarks marks = mark_block(text, at, separator);
    const std::size_t bytes = std::min(text.size() - at, kBlockBytes);
    const std::uint64_t there =
        bytes == kBlockBytes ? ~std::uint64_t{0} : (std::uint64_t{1} << bytes) - 1;
    const std::uint64_t begins =
        ~marks.line_ends & there & ((marks.line_ends << 1) | after_line_end);
    counts.separators += static_cast<std::size_t>(std::popcount(marks.separators));
    counts.lines += static_cast<std::size_t>(std::popcount(begins));
    after_line_end = marks.line_ends >> 63;
  }
  return counts;
}

}  // namespace myelin::hl7v2
