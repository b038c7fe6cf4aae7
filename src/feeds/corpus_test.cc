// Every message of a folder of samples (MYELIN_CORPUS, which holds hl7v2/) goes through a feed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json_validate.h"
#include "feeds/fake_bus.h"
#include "feeds/feed.h"
#include "feeds/test_support.h"
#include "formats/hl7v2/parse.h"
#include "formats/hl7v2/types.h"

namespace myelin::feeds {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

// MSH-9 as the standard has it, read without our parser: it is what is tested here.
std::string expected_topic(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  if (!bytes.starts_with("MSH") || bytes.size() < 8) return {};
  const char field = bytes[3];
  const char component = bytes[4];
  std::size_t at = 0;
  for (int n = 0; n < 8 && at != std::string_view::npos; ++n) at = bytes.find(field, at + 1);
  if (at == std::string_view::npos) return {};
  std::string_view type = bytes.substr(at + 1);
  type = type.substr(0, type.find_first_of(std::string("\r\n") + field));
  const auto split = type.find(component);
  if (split == std::string_view::npos) return {};
  const auto code = type.substr(0, split);
  const auto trigger = type.substr(split + 1, 3);
  if (!hl7v2::is_message_type(code) || !hl7v2::is_event_type(trigger)) return {};
  std::string topic = "hl7." + std::string(code) + "." + std::string(trigger);
  std::ranges::transform(topic, topic.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return topic;
}

TEST(Corpus, IsAcceptedByteForByte) {
  const char* const folder = std::getenv("MYELIN_CORPUS");
  if (folder == nullptr) GTEST_SKIP() << "MYELIN_CORPUS names no folder of samples";
  ManualClock clock;
  SystemRandom random;
  UuidGenerator ids(clock, random);
  FakeBus bus;
  const auto made = Feed::make({}, 1, {.bus = bus, .ids = ids, .clock = clock});
  Feed& feed = *made.value();
  ASSERT_TRUE(feed.start());
  std::size_t typed = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(folder) / "hl7v2")) {
    if (!entry.is_regular_file()) continue;
    SCOPED_TRACE(entry.path().filename().string());
    const std::string bytes = read_file(entry.path());
    const auto accepted = feed.accept({}, bytes);
    ASSERT_TRUE(accepted);
    const auto record = bus.records().back();
    bus.clear();
    EXPECT_TRUE(is_valid_json(*record.value));
    EXPECT_EQ(raw_of(*record.value), bytes);
    const std::string topic = expected_topic(bytes);
    if (topic.empty()) continue;
    ++typed;
    EXPECT_EQ(record.topic.name, topic);
    EXPECT_EQ(accepted->kept, Kept::Typed);
    if (accepted->acknowledgment.empty()) continue;
    EXPECT_TRUE(accepted->acknowledgment.find("MSA") != std::string::npos);
    EXPECT_TRUE(hl7v2::parse_view(accepted->acknowledgment));
  }
  EXPECT_GT(typed, 0u);
}

}  // namespace
}  // namespace myelin::feeds
