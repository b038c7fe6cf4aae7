#include "base/base64.h"

#include <gtest/gtest.h>

namespace myelin {
namespace {

TEST(Base64, GivesTheTextsOfTheStandard) {
  EXPECT_EQ(encode_base64(""), "");
  EXPECT_EQ(encode_base64("f"), "Zg==");
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  EXPECT_EQ(encode_base64("foo"), "Zm9v");
  EXPECT_EQ(encode_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(encode_base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encode_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_base64("\xFB\xFF\xFE"), "+//+");
}

TEST(Base64, AppendsToWhatIsThere) {
  std::string out = "x:";
  append_base64(out, "foo");
  EXPECT_EQ(out, "x:Zm9v");
}

TEST(Base64, ReadsBackAllByteValuesAtEachLength) {
  std::string bytes;
  for (int i = 0; i < 260; ++i) {
    const auto decoded = decode_base64(encode_base64(bytes));
    ASSERT_TRUE(decoded.has_value());
    ASSERT_EQ(*decoded, bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
}

TEST(Base64, RefusesWhatNoEncoderWrites) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zm9v\n", "Zm 9", "Zm9-",
                           "Zm9_", "Zg==Zg==", "Zh==", "Zm9=", "Z=g="}) {
    const auto decoded = decode_base64(text);
    ASSERT_FALSE(decoded.has_value()) << text;
    EXPECT_EQ(decoded.error().code(), ErrorCode::InvalidInput);
  }
}

}  // namespace
}  // namespace myelin
