#include "base/crc32c.h"

#include <array>
#include <cstddef>

#include "base/bytes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace myelin {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Reflected.

constexpr std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    tables[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t t = 1; t < 8; ++t) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
    }
  }
  return tables;
}

constexpr auto kTables = make_tables();

#if defined(__x86_64__)

// The CRC of a zero-extended message is linear: kShift[i] moves a CRC over kLane bytes of zeros, so
// three lanes run at once (the instruction has a latency of three and a throughput of one) and are
// joined at the end.
constexpr std::size_t kLane = 1024;

constexpr std::uint32_t shift_zeros(std::uint32_t crc, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) crc = (crc >> 8) ^ kTables[0][crc & 0xff];
  return crc;
}

constexpr std::array<std::array<std::uint32_t, 256>, 4> make_shift() {
  std::array<std::uint32_t, 32> column{};
  for (std::uint32_t bit = 0; bit < 32; ++bit) column[bit] = shift_zeros(1u << bit, kLane);
  std::array<std::array<std::uint32_t, 256>, 4> table{};
  for (std::uint32_t t = 0; t < 4; ++t) {
    for (std::uint32_t i = 0; i < 256; ++i) {
      for (std::uint32_t bit = 0; bit < 8; ++bit) {
        if ((i >> bit) & 1) table[t][i] ^= column[8 * t + bit];
      }
    }
  }
  return table;
}

const std::array<std::array<std::uint32_t, 256>, 4>& shift_table() {
  static const auto table = make_shift();
  return table;
}

std::uint32_t shift_lane(std::uint32_t crc) {
  const auto& t = shift_table();
  return t[0][crc & 0xff] ^ t[1][(crc >> 8) & 0xff] ^ t[2][(crc >> 16) & 0xff] ^ t[3][crc >> 24];
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_hardware(std::string_view bytes,
                                                                std::uint32_t start) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t crc = ~start;
  while (left >= 3 * kLane) {
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    for (std::size_t i = 0; i < kLane; i += 8) {
      crc = _mm_crc32_u64(crc, load_le<std::uint64_t>(at + i));
      b = _mm_crc32_u64(b, load_le<std::uint64_t>(at + kLane + i));
      c = _mm_crc32_u64(c, load_le<std::uint64_t>(at + 2 * kLane + i));
    }
    crc = shift_lane(static_cast<std::uint32_t>(crc)) ^ b;
    crc = shift_lane(static_cast<std::uint32_t>(crc)) ^ c;
    at += 3 * kLane;
    left -= 3 * kLane;
  }
  for (; left >= 8; at += 8, left -= 8) crc = _mm_crc32_u64(crc, load_le<std::uint64_t>(at));
  auto last = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++at, --left) last = _mm_crc32_u8(last, static_cast<std::uint8_t>(*at));
  return ~last;
}

#endif

}  // namespace

std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t start) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint32_t crc = ~start;
  for (; left >= 8; at += 8, left -= 8) {
    const auto low = load_le<std::uint32_t>(at) ^ crc;
    const auto high = load_le<std::uint32_t>(at + 4);
    crc = kTables[7][low & 0xff] ^ kTables[6][(low >> 8) & 0xff] ^ kTables[5][(low >> 16) & 0xff] ^
          kTables[4][low >> 24] ^ kTables[3][high & 0xff] ^ kTables[2][(high >> 8) & 0xff] ^
          kTables[1][(high >> 16) & 0xff] ^ kTables[0][high >> 24];
  }
  for (; left > 0; ++at, --left)
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<std::uint8_t>(*at)) & 0xff];
  return ~crc;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) {
#if defined(__x86_64__)
  static const bool hardware = __builtin_cpu_supports("sse4.2");
  if (hardware) return crc32c_hardware(bytes, crc);
#endif
  return crc32c_portable(bytes, crc);
}

}  // namespace myelin
