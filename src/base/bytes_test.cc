#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/strong.h"

namespace myelin {
namespace {

TEST(Bytes, WritesBothByteOrders) {
  std::string out;
  ByteWriter writer(out);
  writer.le<std::uint32_t>(0x01020304);
  writer.be<std::uint32_t>(0x01020304);
  writer.be<std::int16_t>(-2);
  writer.le<std::uint8_t>(0xff);
  EXPECT_EQ(out, std::string("\x04\x03\x02\x01\x01\x02\x03\x04\xff\xfe\xff", 11));
  EXPECT_EQ(writer.size(), 11u);
}

TEST(Bytes, ReadsBackWhatWasWritten) {
  std::string out;
  ByteWriter writer(out);
  writer.le<std::int64_t>(-5);
  writer.be<std::uint16_t>(0x1234);
  writer.sized("body");
  writer.bytes("tail");
  ByteReader reader(out);
  EXPECT_EQ(reader.le<std::int64_t>(), -5);
  EXPECT_EQ(reader.be<std::uint16_t>(), 0x1234);
  EXPECT_EQ(reader.sized(), "body");
  EXPECT_EQ(reader.position(), 18u);
  EXPECT_EQ(reader.bytes(4), "tail");
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(ByteReader, StaysEmptyOnceSomethingDidNotFit) {
  ByteReader reader("abc");
  EXPECT_EQ(reader.le<std::uint32_t>(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.le<std::uint8_t>(), 0u);
  EXPECT_EQ(reader.bytes(1), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, RefusesALengthBeyondItsEnd) {
  ByteReader reader(
      std::string_view("\xff\xff\xff\xff"
                       "ab",
                       6));
  EXPECT_EQ(reader.sized(), "");
  EXPECT_FALSE(reader.ok());
}

TEST(Varint, ReadsBackEachEdge) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{-64}, std::int64_t{64},
        std::int64_t{1} << 31, -(std::int64_t{1} << 31), std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min()}) {
    std::string out;
    ByteWriter(out).varlong(value);
    ByteReader reader(out);
    EXPECT_EQ(reader.varlong(), value);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.remaining(), 0u);
  }
  for (const std::int32_t value : {0, -1, std::numeric_limits<std::int32_t>::max(),
                                   std::numeric_limits<std::int32_t>::min()}) {
    std::string out;
    ByteWriter(out).varint(value);
    EXPECT_LE(out.size(), 5u);
    EXPECT_EQ(ByteReader(out).varint(), value);
  }
}

TEST(Varint, WritesTheZigzagForm) {
  std::string out;
  ByteWriter writer(out);
  writer.varint(-1);
  writer.varint(1);
  writer.varint(150);
  EXPECT_EQ(out, "\x01\x02\xac\x02");
}

TEST(Varint, RefusesTooManyBytesAndAnEndInTheMiddle) {
  const std::string six(6, '\x80');
  ByteReader too_long(six);
  EXPECT_EQ(too_long.varint(), 0);
  EXPECT_FALSE(too_long.ok());
  const std::string eleven(11, '\x80');
  ByteReader too_long_too(eleven);
  EXPECT_EQ(too_long_too.varlong(), 0);
  EXPECT_FALSE(too_long_too.ok());
  ByteReader cut("\x80");
  EXPECT_EQ(cut.varint(), 0);
  EXPECT_FALSE(cut.ok());
}

TEST(Varint, RefusesAValueBeyond32Bits) {
  ByteReader reader("\xff\xff\xff\xff\x1f");
  EXPECT_EQ(reader.varint(), 0);
  EXPECT_FALSE(reader.ok());
}

using Apples = Strong<struct AppleTag, std::int64_t>;
using Pears = Strong<struct PearTag, std::int64_t>;
static_assert(!std::convertible_to<Apples, Pears>);
static_assert(!std::convertible_to<std::int64_t, Apples>);

TEST(Strong, CountsAndComparesAsItsNumber) {
  EXPECT_EQ((Apples(2) + 3).value, 5);
  EXPECT_EQ(Apples(5) - Apples(2), 3);
  EXPECT_LT(Apples(1), Apples(2));
  EXPECT_EQ(std::hash<Apples>()(Apples(7)), std::hash<std::int64_t>()(7));
}

}  // namespace
}  // namespace myelin
