#include "base/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace myelin {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080ull;

bool ascii16(const char* at) {
  std::uint64_t halves[2];
  std::memcpy(halves, at, sizeof halves);
  return ((halves[0] | halves[1]) & kHighBits) == 0;
}

struct Lead {
  std::uint8_t bytes;  // 0: begins no character.
  std::uint8_t second_min;
  std::uint8_t second_max;
};

// The second byte's range is where overlong forms, surrogates and what lies beyond U+10FFFF show.
constexpr Lead lead_of(std::uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xc2) return {0, 0, 0};
  if (byte < 0xe0) return {2, 0x80, 0xbf};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3, 0x80, 0xbf};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte < 0xf4) return {4, 0x80, 0xbf};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

bool is_continuation(char byte) { return (static_cast<std::uint8_t>(byte) & 0xc0) == 0x80; }

}  // namespace

Utf8Step utf8_step(std::string_view bytes) {
  const Lead lead = lead_of(static_cast<std::uint8_t>(bytes[0]));
  if (lead.bytes <= 1) return {1, lead.bytes == 1};
  if (bytes.size() < 2) return {1, false};
  const auto second = static_cast<std::uint8_t>(bytes[1]);
  if (second < lead.second_min || second > lead.second_max) return {1, false};
  std::size_t i = 2;
  while (i < lead.bytes && i < bytes.size() && is_continuation(bytes[i])) ++i;
  return {i, i == lead.bytes};
}

bool is_valid_utf8(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at < end) {
    while (end - at >= 16 && ascii16(at)) at += 16;
    // Text that is not ASCII is seldom alone: stay with single steps for a while.
    const char* const stretch = at + std::min<std::ptrdiff_t>(end - at, 16);
    while (at < stretch) {
      if (static_cast<std::uint8_t>(*at) < 0x80) {
        ++at;
        continue;
      }
      const auto step = utf8_step(std::string_view(at, static_cast<std::size_t>(end - at)));
      if (!step.valid) return false;
      at += step.bytes;
    }
  }
  return true;
}

std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  // A character is four bytes at most; beyond that the text is not UTF-8 and any cut will do.
  for (int i = 0; i < 3 && end > 0 && is_continuation(text[end]); ++i) --end;
  return text.substr(0, is_continuation(text[end]) ? bytes_max : end);
}

}  // namespace myelin
