#include "base/siphash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace myelin {
namespace {

// The key of the reference implementation's vectors: bytes 00 to 0f.
constexpr SipKey kKey{0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};

TEST(SipHash, AgreesWithTheReferenceVectors) {
  EXPECT_EQ(siphash128(kKey, ""), (Hash128{0xe6a825ba047f81a3ull, 0x930255c71472f66dull}));
  EXPECT_EQ(siphash128(kKey, std::string(1, '\0')),
            (Hash128{0x44af996bd8c187daull, 0x45fc229b11597634ull}));
}

TEST(SipHash, DiffersWithEachLengthAndKey) {
  std::set<Hash128> seen;
  for (std::size_t size = 0; size < 64; ++size) {
    seen.insert(siphash128(kKey, std::string(size, 'x')));
    seen.insert(siphash128({1, 2}, std::string(size, 'x')));
  }
  EXPECT_EQ(seen.size(), 128u);
}

}  // namespace
}  // namespace myelin
