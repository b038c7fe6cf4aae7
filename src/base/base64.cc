#include "base/base64.h"

#include <array>
#include <cstdint>

namespace myelin {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kNone = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(static_cast<std::uint8_t>(kNone));
  for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<std::uint8_t>(kAlphabet[i])] = i;
  return values;
}

constexpr auto kValues = make_values();

std::uint32_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

std::uint32_t value_at(std::string_view text, std::size_t i) { return kValues[byte_at(text, i)]; }

Error not_base64() {
  return Error(ErrorCode::InvalidInput, "not base64 (RFC 4648 section 4, with padding)");
}

// The last group, with one or two `=` in place of what is not there.
bool decode_padded(std::string& out, std::string_view group) {
  const bool one_byte = group[2] == '=';
  const std::uint32_t a = value_at(group, 0);
  const std::uint32_t b = value_at(group, 1);
  const std::uint32_t c = one_byte ? 0 : value_at(group, 2);
  if (a == kNone || b == kNone || c == kNone) return false;
  if (one_byte ? (b & 15) != 0 : (c & 3) != 0) return false;
  out.push_back(static_cast<char>((a << 2) | (b >> 4)));
  if (!one_byte) out.push_back(static_cast<char>((b << 4) | (c >> 2)));
  return true;
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const std::size_t start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + start;
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group =
        (byte_at(bytes, i) << 16) | (byte_at(bytes, i + 1) << 8) | byte_at(bytes, i + 2);
    *to++ = kAlphabet[group >> 18];
    *to++ = kAlphabet[(group >> 12) & 63];
    *to++ = kAlphabet[(group >> 6) & 63];
    *to++ = kAlphabet[group & 63];
  }
  if (i == bytes.size()) return;
  const bool two = i + 2 == bytes.size();
  const std::uint32_t group = (byte_at(bytes, i) << 16) | (two ? byte_at(bytes, i + 1) << 8 : 0);
  *to++ = kAlphabet[group >> 18];
  *to++ = kAlphabet[(group >> 12) & 63];
  *to++ = two ? kAlphabet[(group >> 6) & 63] : '=';
  *to++ = '=';
}

std::string encode_base64(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

Result<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return not_base64();
  std::string bytes;
  if (text.empty()) return bytes;
  const bool padded = text.back() == '=';
  const std::size_t whole = text.size() - (padded ? 4 : 0);
  bytes.resize(whole / 4 * 3);
  std::size_t to = 0;
  for (std::size_t i = 0; i < whole; i += 4) {
    const std::uint32_t a = value_at(text, i);
    const std::uint32_t b = value_at(text, i + 1);
    const std::uint32_t c = value_at(text, i + 2);
    const std::uint32_t d = value_at(text, i + 3);
    if ((a | b | c | d) > 63) return not_base64();
    const std::uint32_t group = (a << 18) | (b << 12) | (c << 6) | d;
    bytes[to++] = static_cast<char>(group >> 16);
    bytes[to++] = static_cast<char>(group >> 8);
    bytes[to++] = static_cast<char>(group);
  }
  if (padded && !decode_padded(bytes, text.substr(whole))) return not_base64();
  return bytes;
}

}  // namespace myelin
