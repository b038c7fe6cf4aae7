// SipHash-2-4 with 128 bits (Aumasson and Bernstein, https://www.aumasson.jp/siphash/): a hash that
// nobody can make collide who does not know its key.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>

namespace myelin {

using SipKey = std::array<std::uint64_t, 2>;

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

Hash128 siphash128(const SipKey& key, std::string_view bytes);

}  // namespace myelin
