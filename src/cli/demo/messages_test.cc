#include "cli/demo/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/utf8.h"
#include "cli/demo/source.h"
#include "formats/hl7v2/parse.h"
#include "formats/hl7v2/path.h"
#include "formats/hl7v2/split.h"

namespace myelin::cli::demo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kMessages = 5'000;

std::string text_at(const hl7v2::Message& message, std::string_view path) {
  const auto parsed = hl7v2::parse_path(path);
  EXPECT_TRUE(parsed) << path;
  return hl7v2::find_text(message, *parsed).value_or("");
}

// Each message of a run, with its parsed form.
template <class Check>
void for_each_message(Check check) {
  ManualClock clock;
  Source source(42, clock);
  for (int i = 0; i < kMessages; ++i) {
    const DemoMessage message = source.next();
    clock.advance(std::chrono::milliseconds(250));
    const auto parsed = hl7v2::parse_view(message.bytes);
    ASSERT_TRUE(parsed);
    check(message, *parsed);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

// "MSH EVN PID": of segments that repeat, the first.
std::string shape(const hl7v2::Message& message) {
  std::string text;
  std::set<std::string> seen;
  for (const auto& segment : message) {
    if (seen.emplace(segment.id()).second) text.append(segment.id()).append(" ");
  }
  text.pop_back();
  return text;
}

TEST(DemoMessages, DepartNowhereFromTheStandard) {
  for_each_message([](const DemoMessage&, const hl7v2::Message& parsed) {
    ASSERT_THAT(parsed.deviations(), IsEmpty());
  });
}

TEST(DemoMessages, AreValidUtf8AndOneMessageEach) {
  for_each_message([](const DemoMessage& message, const hl7v2::Message&) {
    ASSERT_TRUE(is_valid_utf8(message.bytes));
    ASSERT_EQ(hl7v2::split_messages(message.bytes, hl7v2::LineEnds::AsIs).messages.size(), 1u);
  });
}

TEST(DemoMessages, HaveTheSegmentsOfTheirStructure) {
  const std::map<std::string, std::set<std::string>> allowed = {
      {"ADT_A01", {"MSH EVN PID PV1 DG1", "MSH EVN PID PV1 AL1 DG1"}},
      {"ADT_A02", {"MSH EVN PID PV1"}},
      {"ADT_A03", {"MSH EVN PID PV1 DG1"}},
      {"ORM_O01", {"MSH PID PV1 ORC OBR DG1"}},
      {"OML_O21", {"MSH PID PV1 ORC OBR SPM"}},
      {"ORU_R01",
       {"MSH PID PV1 ORC OBR OBX SPM", "MSH PID PV1 ORC OBR OBX NTE SPM", "MSH PID PV1 ORC OBR OBX",
        "MSH PID PV1 OBR OBX", "MSH PID PV1 OBR OBX NTE"}},
      {"SIU_S12", {"MSH SCH TQ1 PID PV1 RGS AIL AIP"}},
      {"MDM_T02", {"MSH EVN PID PV1 TXA OBX"}}};
  std::set<std::string> seen;
  for_each_message([&](const DemoMessage&, const hl7v2::Message& parsed) {
    const auto structure = text_at(parsed, "MSH-9.3");
    seen.insert(structure);
    ASSERT_TRUE(allowed.at(structure).contains(shape(parsed)))
        << structure << ": " << shape(parsed);
  });
  EXPECT_EQ(seen.size(), allowed.size());
}

TEST(DemoMessages, SayThatTheyAreTrainingAndWhoseTheyAre) {
  for_each_message([](const DemoMessage& message, const hl7v2::Message& parsed) {
    ASSERT_EQ(text_at(parsed, "MSH-4"), "DEMO-HOSPITAL");
    ASSERT_EQ(text_at(parsed, "MSH-11"), "T");
    ASSERT_EQ(text_at(parsed, "MSH-12"), "2.5.1");
    ASSERT_EQ(text_at(parsed, "MSH-9.1") + "^" + text_at(parsed, "MSH-9.2"), message.type);
    ASSERT_EQ(text_at(parsed, "PID-3.4"), "DEMO-HOSPITAL");
  });
}

TEST(DemoMessages, HaveControlIdsOfTheirOwnWithinTheFieldsLength) {
  std::set<std::string> ids;
  for_each_message([&](const DemoMessage& message, const hl7v2::Message& parsed) {
    ASSERT_EQ(text_at(parsed, "MSH-10"), message.control_id);
    ASSERT_LE(message.control_id.size(), 20u);
    ASSERT_TRUE(ids.insert(message.control_id).second);
  });
}

TEST(DemoMessages, FlagEachValueAsItsReferenceRangeSays) {
  std::set<std::string> flags;
  for_each_message([&](const DemoMessage&, const hl7v2::Message& parsed) {
    for (const auto& segment : parsed) {
      if (segment.id() != "OBX" || segment.field(2).raw() != "NM") continue;
      const double value = std::stod(std::string(segment.field(5).raw()));
      const std::string range(segment.field(7).raw());
      const auto dash = range.find('-');
      const std::string flag(segment.field(8).raw());
      const double low = std::stod(range.substr(0, dash));
      const double high = std::stod(range.substr(dash + 1));
      const char expected = value < low ? 'L' : (value > high ? 'H' : 'N');
      ASSERT_EQ(flag.front(), expected) << value << " of " << range;
      flags.insert(flag);
    }
  });
  EXPECT_THAT(flags, ElementsAre("H", "HH", "L", "LL", "N"));
}

TEST(DemoMessages, TheSameSeedAndTimesGiveTheSameBytes) {
  ManualClock clock;
  Source one(9, clock);
  Source other(9, clock);
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(one.next().bytes, other.next().bytes);
    clock.advance(std::chrono::milliseconds(10));
  }
}

TEST(DemoMessages, EscapeWhatWouldSplitAField) {
  bool seen = false;
  for_each_message([&](const DemoMessage& message, const hl7v2::Message& parsed) {
    if (text_at(parsed, "PID-5.1") != "Blank & Sons") return;
    seen = true;
    ASSERT_NE(message.bytes.find("Blank \\T\\ Sons"), std::string::npos);
  });
  EXPECT_TRUE(seen);
}

TEST(Hl7Time, IsUtcWithMilliseconds) {
  EXPECT_EQ(hl7_time(*parse_rfc3339("2026-01-02T03:04:05.006Z")), "20260102030405.006+0000");
}

}  // namespace
}  // namespace myelin::cli::demo
