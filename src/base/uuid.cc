#include "base/uuid.h"

#include <sys/random.h>

#include <algorithm>

#include "base/check.h"

namespace myelin {
namespace {

constexpr std::uint32_t kCounterMax = (1u << 26) - 1;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_hyphen_position(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

void fill_from_kernel(void* to, std::size_t size) {
  auto* at = static_cast<std::uint8_t*>(to);
  while (size > 0) {
    const auto got = ::getrandom(at, size, 0);
    if (got < 0) continue;  // EINTR: nothing else can happen with these arguments.
    at += got;
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace

Uuid Uuid::from_bytes(std::string_view sixteen) {
  MYELIN_CHECK(sixteen.size() == 16, "a UUID is 16 bytes");
  Uuid id;
  std::memcpy(id.bytes.data(), sixteen.data(), 16);
  return id;
}

std::string Uuid::to_string() const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text(36, '-');
  std::size_t out = 0;
  for (const auto byte : bytes) {
    if (is_hyphen_position(out)) ++out;
    text[out++] = kHex[byte >> 4];
    text[out++] = kHex[byte & 15];
  }
  return text;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  const Error wrong(ErrorCode::InvalidInput,
                    "not a UUID (36 characters: 8-4-4-4-12 hexadecimal digits)");
  if (text.size() != 36) return wrong;
  Uuid id;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_hyphen_position(i)) {
      if (text[i] != '-') return wrong;
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return wrong;
    auto& byte = id.bytes[nibble / 2];
    byte = static_cast<std::uint8_t>((byte << 4) | value);
    ++nibble;
  }
  return id;
}

void SystemRandom::fill(void* to, std::size_t size) {
  if (size > kPoolBytes / 4) return fill_from_kernel(to, size);
  MutexLock lock(mutex_);
  if (used_ + size > kPoolBytes) {
    fill_from_kernel(pool_.data(), kPoolBytes);
    used_ = 0;
  }
  std::memcpy(to, pool_.data() + used_, size);
  std::memset(pool_.data() + used_, 0, size);
  used_ += size;
}

Uuid UuidGenerator::next() {
  Uuid id;
  random_.fill(id.bytes.data() + 8, 8);
  std::uint32_t fresh = 0;
  random_.fill(&fresh, sizeof fresh);

  std::uint64_t ms = 0;
  std::uint32_t counter = 0;
  {
    MutexLock lock(mutex_);
    ms = std::max(static_cast<std::uint64_t>(to_ms(clock_.now())), last_ms_);
    if (ms > last_ms_) {
      counter_ = fresh & (kCounterMax >> 1);  // The top bit stays free to count into.
    } else if (++counter_ > kCounterMax) {
      counter_ = 0;
      ++ms;
    }
    last_ms_ = ms;
    counter = counter_;
  }
  for (int i = 0; i < 6; ++i)
    id.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  const std::uint32_t high = counter >> 14;  // 12 bits
  const std::uint32_t low = counter & 0x3fff;
  id.bytes[6] = static_cast<std::uint8_t>(0x70 | (high >> 8));
  id.bytes[7] = static_cast<std::uint8_t>(high);
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (low >> 8));
  id.bytes[9] = static_cast<std::uint8_t>(low);
  return id;
}

}  // namespace myelin
