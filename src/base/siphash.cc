#include "base/siphash.h"

#include <bit>

#include "base/bytes.h"

namespace myelin {
namespace {

struct State {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  }
  void take(std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
  std::uint64_t finish() {
    for (int i = 0; i < 4; ++i) round();
    return a ^ b ^ c ^ d;
  }
};

}  // namespace

Hash128 siphash128(const SipKey& key, std::string_view bytes) {
  State state{key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull ^ 0xee,
              key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull};
  std::uint64_t last = std::uint64_t{bytes.size()} << 56;
  for (; bytes.size() >= 8; bytes.remove_prefix(8))
    state.take(load_le<std::uint64_t>(bytes.data()));
  for (std::size_t i = 0; i < bytes.size(); ++i)
    last |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  state.take(last);
  state.c ^= 0xee;
  Hash128 hash;
  hash.low = state.finish();
  state.b ^= 0xdd;
  hash.high = state.finish();
  return hash;
}

}  // namespace myelin
