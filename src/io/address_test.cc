#include "io/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace myelin::io {
namespace {

Address parsed(std::string_view text) {
  const auto address = parse_address(text, 2575);
  EXPECT_TRUE(address) << text;
  return address ? *address : Address{};
}

TEST(Address, TakesANameAndAPort) {
  EXPECT_EQ(parsed("lab.example:6661"), (Address{"lab.example", 6661}));
}

TEST(Address, AMissingPortIsTheDefault) {
  EXPECT_EQ(parsed("localhost"), (Address{"localhost", 2575}));
  EXPECT_EQ(parsed("[::1]"), (Address{"::1", 2575}));
}

TEST(Address, TakesIPv6InBracketsOrAlone) {
  EXPECT_EQ(parsed("[fe80::1%eth0]:99"), (Address{"fe80::1%eth0", 99}));
  EXPECT_EQ(parsed("::1"), (Address{"::1", 2575}));
}

TEST(Address, WritesWhatItReads) {
  for (const std::string text : {"127.0.0.1:1", "[::1]:65535", "a-b.c:2575"})
    EXPECT_EQ(to_string(parsed(text)), text);
}

TEST(Address, RefusesWhatIsNoAddressAndSaysWhatIs) {
  for (const std::string_view text :
       {"", ":2575", "host:", "host:0", "host:65536", "host:-1", "host:25x", "[::1", "[]:1",
        "[::1]2575", "a b:1", "http://a:1"}) {
    const auto address = parse_address(text, 2575);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code(), ErrorCode::InvalidInput);
    EXPECT_THAT(address.error().message(), ::testing::HasSubstr("expected host:port"));
  }
}

TEST(Address, RefusesAHostThatIsTooLong) {
  EXPECT_TRUE(parse_address(std::string(253, 'a') + ":1", 2575));
  EXPECT_FALSE(parse_address(std::string(254, 'a') + ":1", 2575));
}

}  // namespace
}  // namespace myelin::io
