#include "feeds/record_key.h"

#include <gtest/gtest.h>

#include "feeds/message_view.h"
#include "formats/hl7v2/parse.h"

namespace myelin::feeds {
namespace {

std::optional<std::string> key(std::string_view setting, std::string_view segments,
                               std::string_view msh_18 = "") {
  const std::string bytes = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5||||||" +
                            std::string(msh_18) + "\r" + std::string(segments);
  const auto message = hl7v2::parse_view(bytes);
  const auto chosen = RecordKey::parse(setting);
  return chosen.value().choose(MessageView(message.value()));
}

TEST(RecordKey, TakesTheFirstPatientIdentifierWithItsAuthority) {
  struct Case {
    std::string_view segments;
    std::optional<std::string> key;
  };
  const Case cases[] = {
      {"PID|1||12345^^^HOSP^MR\r", "HOSP|12345"},
      {"PID|1||12345^^^HOSP&1.2.3&ISO^MR~999^^^OTHER\r", "HOSP|12345"},
      {"PID|1||12345^^^&1.2.3&ISO^MR\r", "1.2.3|12345"},
      {"PID|1||12345\r", "12345"},
      {"PID|1||12345^^^\"\"\r", "12345"},
      {"PID|1||12\\T\\345^^^HO\\S\\SP\r", "HO^SP|12&345"},
      {"PID|1\rPID|2||77^^^X\r", "X|77"},
      {"PID|1||\"\"\r", std::nullopt},
      {"PID|1||^^^HOSP\r", std::nullopt},
      {"PID|1\r", std::nullopt},
      {"EVN|A01\r", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(key("pid-3", c.segments), c.key) << c.segments;
}

TEST(RecordKey, CanBeNoneOrAPath) {
  constexpr std::string_view kSegments = "PID|1||12345^^^HOSP\rPV1|1|I|||||||||||||||||V9^^^H\r";
  EXPECT_EQ(key("none", kSegments), std::nullopt);
  EXPECT_EQ(key("PV1-19.1", kSegments), "V9");
  EXPECT_EQ(key("PV1-50", kSegments), std::nullopt);
  EXPECT_EQ(key("PV2-1", kSegments), std::nullopt);
  EXPECT_EQ(key("PID-2", "PID|1|\"\"\r"), std::nullopt);
}

TEST(RecordKey, IsUtf8) {
  EXPECT_EQ(key("pid-3", "PID|1||\xe9^^^H\r", "8859/1"), "H|\xc3\xa9");
  EXPECT_EQ(key("pid-3", "PID|1||\xe9^^^H\r"), "H|\xef\xbf\xbd");
}

TEST(RecordKey, IsCutBetweenCharacters) {
  std::string id;
  for (int i = 0; i < 600; ++i) id += "\xc3\xa9";
  const auto cut = key("PID-3.1", "PID|1||x" + id + "\r");
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->size(), kKeyBytesMax - 1);
}

TEST(RecordKey, RefusesASettingThatIsNoPath) {
  for (const char* setting : {"", "pid", "PID", "PID-0", "mrn"})
    EXPECT_FALSE(RecordKey::parse(setting)) << setting;
}

}  // namespace
}  // namespace myelin::feeds
