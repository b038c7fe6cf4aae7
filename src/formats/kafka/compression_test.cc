#include "formats/kafka/compression.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "formats/kafka/batch_test_support.h"

namespace myelin::kafka {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kXerialPrefixBytes = 20;  // Magic, two versions, the first chunk's length.

// Lines that repeat with a number that does not, as messages do.
std::string text_of(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) {
    text += "PID|1||" + std::to_string(i * 7919) + "^^^HOSP||DOE^JANE||19800101|F\r";
  }
  text.resize(size);
  return text;
}

std::string noise_of(std::size_t size) {
  std::mt19937_64 random(size);
  std::string noise(size, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

std::string must_compress(Compression codec, std::string_view bytes) {
  auto packed = compress(codec, bytes);
  EXPECT_TRUE(packed);
  return *std::move(packed);
}

ErrorCode refusal(Compression codec, std::string_view bytes, std::size_t bytes_max = kMiB) {
  auto unpacked = decompress(codec, bytes, bytes_max);
  return unpacked ? ErrorCode::Internal : unpacked.error().code();  // Internal: nothing refused.
}

// What snappy-java's framing has inside its only chunk.
std::string bare_snappy(std::string_view bytes) {
  return must_compress(Compression::Snappy, bytes).substr(kXerialPrefixBytes);
}

class EachCodec : public testing::TestWithParam<Compression> {};

INSTANTIATE_TEST_SUITE_P(Codecs, EachCodec,
                         testing::Values(Compression::None, Compression::Gzip, Compression::Snappy,
                                         Compression::Lz4, Compression::Zstd),
                         [](const auto& info) { return std::string(to_string(info.param)); });

class EachPackingCodec : public EachCodec {};

INSTANTIATE_TEST_SUITE_P(Codecs, EachPackingCodec,
                         testing::Values(Compression::Gzip, Compression::Snappy, Compression::Lz4,
                                         Compression::Zstd),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST_P(EachCodec, GivesBackWhatItTookAtEverySize) {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size <= 70; ++size) sizes.push_back(size);
  for (std::size_t size = 128; size <= kMiB; size *= 2) {
    for (const std::size_t near : {size - 1, size, size + 1}) sizes.push_back(near);
  }
  for (const std::size_t size : sizes) {
    for (const std::string& bytes : {text_of(size), noise_of(size), std::string(size, '\0')}) {
      const auto unpacked = decompress(GetParam(), must_compress(GetParam(), bytes), size);
      ASSERT_TRUE(unpacked) << size << ": " << unpacked.error().message();
      ASSERT_TRUE(*unpacked == bytes) << size;
    }
  }
}

TEST_P(EachCodec, RefusesOneByteMoreThanItsLimit) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, kMiB}) {
    EXPECT_EQ(refusal(GetParam(), must_compress(GetParam(), text_of(size)), size - 1),
              ErrorCode::Exhausted);
  }
}

TEST_P(EachPackingCodec, PacksWhatRepeats) {
  EXPECT_LT(must_compress(GetParam(), text_of(kMiB)).size(), kMiB / 3);
}

TEST_P(EachPackingCodec, RefusesBombsAndHoldsNoMoreThanItsLimit) {
  const std::string bomb = must_compress(GetParam(), std::string(64 * kMiB, '\0'));
  ASSERT_LT(bomb.size(), 4 * kMiB);
  EXPECT_EQ(refusal(GetParam(), bomb, kMiB), ErrorCode::Exhausted);
  const auto whole = decompress(GetParam(), bomb, 64 * kMiB);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->size(), 64 * kMiB);
  EXPECT_LE(whole->capacity(), 64 * kMiB);
}

TEST_P(EachPackingCodec, RefusesEveryTruncation) {
  const std::string bytes = text_of(3000);
  const std::string whole = must_compress(GetParam(), bytes);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // Between snappy-java's header and its first chunk nothing is missing.
    if (GetParam() == Compression::Snappy && size == kXerialPrefixBytes - 4) continue;
    EXPECT_EQ(refusal(GetParam(), whole.substr(0, size)), ErrorCode::InvalidInput) << size;
  }
}

TEST_P(EachPackingCodec, RefusesBytesAfterTheEnd) {
  const std::string whole = must_compress(GetParam(), text_of(3000));
  for (const char* tail : {"x", "xxxxxxxx", "\x1f"}) {
    EXPECT_EQ(refusal(GetParam(), whole + tail), ErrorCode::InvalidInput);
  }
  EXPECT_EQ(refusal(GetParam(), whole + std::string(1, '\0')), ErrorCode::InvalidInput);
}

TEST_P(EachPackingCodec, KeepsToItsLimitWhicheverBitIsFlipped) {
  const std::string bytes = text_of(400);
  const std::string whole = must_compress(GetParam(), bytes);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      const auto unpacked = decompress(GetParam(), changed, 1000);
      if (!unpacked) continue;
      EXPECT_LE(unpacked->size(), 1000u);
      // Only gzip has a checksum of its own here.
      if (GetParam() == Compression::Gzip) EXPECT_EQ(*unpacked, bytes) << at << " bit " << bit;
    }
  }
}

TEST_P(EachPackingCodec, RefusesNoBytesAndBytesOfAnotherKind) {
  EXPECT_EQ(refusal(GetParam(), ""), ErrorCode::InvalidInput);
  EXPECT_EQ(refusal(GetParam(), text_of(100)), ErrorCode::InvalidInput);
  for (const Compression other : kCodecs) {
    if (other == GetParam() || other == Compression::None) continue;
    EXPECT_EQ(refusal(GetParam(), must_compress(other, text_of(1000))), ErrorCode::InvalidInput)
        << to_string(other);
  }
}

TEST(Compression, ErrorsHoldNothingOfTheBytes) {
  const auto refused = decompress(Compression::Zstd, "DOE^JANE", 10);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "zstd: 8 malformed bytes");
}

TEST(Compression, AttributesNameTheCodecInTheirLowBits) {
  for (const Compression codec : kCodecs) {
    const auto bits = static_cast<std::int16_t>(codec);
    EXPECT_EQ(*compression_of(bits), codec);
    EXPECT_EQ(*compression_of(static_cast<std::int16_t>(bits | 0x78)), codec);
  }
  for (std::int16_t none = 5; none <= 7; ++none) {
    EXPECT_EQ(compression_of(none).error().code(), ErrorCode::InvalidInput);
  }
}

TEST(Gzip, ReadsSeveralMembersAsOne) {
  const std::string both = must_compress(Compression::Gzip, text_of(90'000)) +
                           must_compress(Compression::Gzip, "and more");
  EXPECT_EQ(*decompress(Compression::Gzip, both, kMiB), text_of(90'000) + "and more");
}

TEST(Gzip, DoesNotTrustTheSizeInItsTrailer) {
  std::string packed = must_compress(Compression::Gzip, text_of(100));
  store_le(packed.data() + packed.size() - 4, std::uint32_t{0xffffffff});
  EXPECT_EQ(refusal(Compression::Gzip, packed), ErrorCode::InvalidInput);
}

TEST(Zstd, ReadsSeveralFramesAsOne) {
  const std::string both = must_compress(Compression::Zstd, text_of(90'000)) +
                           must_compress(Compression::Zstd, "and more");
  EXPECT_EQ(*decompress(Compression::Zstd, both, kMiB), text_of(90'000) + "and more");
}

TEST(Zstd, DoesNotTrustTheSizeInItsHeader) {
  // A frame of one segment whose content takes 2^60 bytes, and an empty last block.
  std::string frame("\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x10\x01\0\0", 16);
  EXPECT_NE(refusal(Compression::Zstd, frame), ErrorCode::Internal);
}

TEST(Lz4, RefusesASecondFrameWhichKafkasClientsWouldNotSee) {
  const std::string frame = must_compress(Compression::Lz4, text_of(100));
  EXPECT_EQ(refusal(Compression::Lz4, frame + frame), ErrorCode::InvalidInput);
}

TEST(Lz4, RefusesFramesToSkip) {
  const std::string skipped("\x50\x2a\x4d\x18\x01\0\0\0x", 9);
  EXPECT_EQ(refusal(Compression::Lz4, skipped), ErrorCode::InvalidInput);
}

TEST(Snappy, ReadsBareBytesAsLibrdkafkaWritesThem) {
  EXPECT_EQ(*decompress(Compression::Snappy, std::string(1, '\0'), 10), "");
  for (const std::size_t size : {1u, 1000u, 32768u}) {
    EXPECT_EQ(*decompress(Compression::Snappy, bare_snappy(text_of(size)), kMiB), text_of(size));
  }
}

TEST(Snappy, BareBytesAreRefusedAtEveryTruncationAndWithATail) {
  const std::string whole = bare_snappy(text_of(3000));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(refusal(Compression::Snappy, whole.substr(0, size)), ErrorCode::InvalidInput) << size;
  }
  EXPECT_EQ(refusal(Compression::Snappy, whole + "x"), ErrorCode::InvalidInput);
}

TEST(Snappy, FramesChunksAsSnappyJavaDoes) {
  const std::string packed = must_compress(Compression::Snappy, text_of(70'000));
  EXPECT_TRUE(packed.starts_with(std::string("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16)));
  ByteReader chunks(std::string_view(packed).substr(16));
  std::string joined;
  while (chunks.remaining() != 0) {
    const auto chunk = chunks.bytes(chunks.be<std::uint32_t>());
    ASSERT_TRUE(chunks.ok());
    joined += *decompress(Compression::Snappy, chunk, kMiB);
  }
  EXPECT_TRUE(joined == text_of(70'000));
}

TEST(Snappy, RefusesChunksThatAreNotWhatTheySay) {
  const std::string header("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
  EXPECT_EQ(*decompress(Compression::Snappy, header, 10), "");
  for (const std::string_view chunk :
       {std::string_view("\0\0\0\0", 4), std::string_view("\xff\xff\xff\xff", 4),
        std::string_view("\x7f\xff\xff\xff", 4), std::string_view("\0\0\0\2\1\0", 6)}) {
    EXPECT_EQ(refusal(Compression::Snappy, header + std::string(chunk)), ErrorCode::InvalidInput);
  }
  std::string old = header;
  old[11] = 0;
  EXPECT_EQ(refusal(Compression::Snappy, old), ErrorCode::InvalidInput);
}

TEST(Snappy, DoesNotTrustTheSizeInFront) {
  EXPECT_EQ(refusal(Compression::Snappy, std::string("\xff\xff\xff\xff\x0f\0x", 7)),
            ErrorCode::Exhausted);
}

}  // namespace
}  // namespace myelin::kafka
