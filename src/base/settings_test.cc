#include "base/settings.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace myelin {
namespace {

using std::chrono::milliseconds;

enum class Mode : std::uint8_t { Slow = 3, Fast = 7 };
constexpr std::array<std::pair<std::string_view, Mode>, 2> setting_names(Mode) {
  return {{{"slow", Mode::Slow}, {"fast", Mode::Fast}}};
}

// One field of any type, to be set and printed.
template <class T>
struct One {
  T value{};
  FieldOptions options = {};
  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("value", value, "A value.", options);
  }
};

template <class T>
Status set(One<T>& one, std::string_view text) {
  SettingsFields fields;
  one.visit(fields);
  return set_field(fields.fields().at(0), text);
}

template <class T>
std::string text_of(One<T>& one) {
  SettingsFields fields;
  one.visit(fields);
  return field_text(fields.fields().at(0));
}

template <class T>
void check_edges() {
  using Limits = std::numeric_limits<T>;
  One<T> one;
  for (const T edge : {Limits::min(), Limits::max()}) {
    ASSERT_TRUE(set(one, std::to_string(edge)).has_value());
    EXPECT_EQ(one.value, edge);
    EXPECT_EQ(text_of(one), std::to_string(edge));
  }
  EXPECT_FALSE(set(one, std::to_string(Limits::max()) + "0").has_value());
  EXPECT_FALSE(set(one, "99999999999999999999999").has_value());
}

TEST(Settings, TakesIntegersOfEachWidthUpToTheirEdges) {
  check_edges<std::int8_t>();
  check_edges<std::int16_t>();
  check_edges<std::int32_t>();
  check_edges<std::int64_t>();
  check_edges<std::uint8_t>();
  check_edges<std::uint16_t>();
  check_edges<std::uint32_t>();
  check_edges<std::uint64_t>();
  check_edges<long long>();
}

TEST(Settings, RefusesIntegersWrittenOtherwise) {
  One<std::uint16_t> one;
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "1.0", "0x10", "1e3", "65536", "one"})
    EXPECT_FALSE(set(one, text).has_value()) << text;
  EXPECT_EQ(set(one, "x").error().message(), "expected a whole number from 0 to 65535, not \"x\"");
}

TEST(Settings, HoldsNumbersToTheirLimits) {
  One<int> one{5, {.min = 1, .max = 10}};
  EXPECT_TRUE(set(one, "1").has_value());
  EXPECT_TRUE(set(one, "10").has_value());
  EXPECT_FALSE(set(one, "0").has_value());
  EXPECT_EQ(set(one, "11").error().message(), "expected a whole number from 1 to 10, not \"11\"");
  EXPECT_EQ(one.value, 10);
  One<double> ratio{0.5, {.min = 0, .max = 1}};
  EXPECT_TRUE(set(ratio, "0.25").has_value());
  EXPECT_FALSE(set(ratio, "1.1").has_value());
  EXPECT_FALSE(set(ratio, "nan").has_value());
  EXPECT_EQ(text_of(ratio), "0.25");
  One<milliseconds> time{milliseconds(5), {.min = 1, .max = 60'000}};
  EXPECT_EQ(set(time, "2m").error().message(),
            "expected a duration such as 50ms, 5s, 2m or 1h from 1ms to 1m, not \"2m\"");
  One<ByteSize> size{1_MiB, {.max = 32 << 20}};
  EXPECT_FALSE(set(size, "33MiB").has_value());
}

TEST(Settings, TakesBooleansAsTheTwoWords) {
  One<bool> one;
  EXPECT_TRUE(set(one, "true").has_value());
  EXPECT_TRUE(one.value);
  for (const char* text : {"yes", "1", "True", "on", ""}) EXPECT_FALSE(set(one, text).has_value());
}

TEST(Settings, TakesAnEnumByItsNames) {
  One<Mode> one{Mode::Slow};
  EXPECT_TRUE(set(one, "fast").has_value());
  EXPECT_EQ(one.value, Mode::Fast);
  EXPECT_EQ(text_of(one), "fast");
  EXPECT_EQ(set(one, "Fast").error().message(), "expected one of slow, fast, not \"Fast\"");
}

TEST(Settings, ReadsAndWritesDurations) {
  EXPECT_EQ(*parse_duration("50ms"), milliseconds(50));
  EXPECT_EQ(*parse_duration("5s"), milliseconds(5000));
  EXPECT_EQ(*parse_duration("2m"), milliseconds(120'000));
  EXPECT_EQ(*parse_duration("1h"), milliseconds(3'600'000));
  EXPECT_EQ(*parse_duration("0"), milliseconds(0));
  for (const char* text :
       {"", "5", "ms", "-5s", "1.5s", "5 s", "5S", "1h30m", "99999999999999999h"})
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  for (const char* text : {"0ms", "1ms", "1s", "1500ms", "90s", "1m", "36h"})
    EXPECT_EQ(format_duration(*parse_duration(text)), text);
}

TEST(Settings, ReadsAndWritesSizes) {
  EXPECT_EQ(parse_byte_size("16MiB")->value, 16u << 20);
  EXPECT_EQ(*parse_byte_size("64KiB"), 64_KiB);
  EXPECT_EQ(*parse_byte_size("1GiB"), 1_GiB);
  EXPECT_EQ(parse_byte_size("123")->value, 123u);
  for (const char* text : {"", "MiB", "16MB", "16 MiB", "-1", "1.5GiB", "99999999999TiB"})
    EXPECT_FALSE(parse_byte_size(text).has_value()) << text;
  for (const char* text : {"0", "1023", "1KiB", "1025", "1536MiB", "2TiB"})
    EXPECT_EQ(format_byte_size(*parse_byte_size(text)), text);
}

TEST(Settings, ShowsNoSecret) {
  One<std::string> one{"hunter2", {.secret = true}};
  EXPECT_EQ(text_of(one), "********");
  const auto status = set(one, "********");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(one.value, "hunter2");
  one.value.clear();
  EXPECT_EQ(text_of(one), "");
  One<int> number{0, {.secret = true}};
  EXPECT_EQ(set(number, "s3cret").error().message().find("s3cret"), std::string::npos);
}

TEST(Settings, RepeatsNoLongValueInAnError) {
  One<int> one;
  const std::string value(41, 'x');
  EXPECT_EQ(set(one, value).error().message().find("xx"), std::string::npos);
}

TEST(Settings, KeepsATableToItsNamesAndItsLimit) {
  std::map<std::string, One<int>> entries;
  MapTable<One<int>> table(entries);
  EXPECT_TRUE(table.entry("lab-results_2").has_value());
  for (const std::string& key : {std::string(), std::string("a.b"), std::string("a b"),
                                 std::string(65, 'a'), std::string("ü")})
    EXPECT_FALSE(table.entry(key).has_value()) << key;
  while (entries.size() < kTableEntriesMax) entries.try_emplace(std::to_string(entries.size()));
  EXPECT_FALSE(table.entry("new").has_value());
  EXPECT_TRUE(table.entry("lab-results_2").has_value());
}

TEST(Settings, GrowsAListOnlyAtItsEnd) {
  std::vector<One<int>> entries;
  ListTable<One<int>> table(entries);
  EXPECT_FALSE(table.entry("1").has_value());
  EXPECT_TRUE(table.entry("0").has_value());
  EXPECT_TRUE(table.entry("1").has_value());
  EXPECT_FALSE(table.entry("x").has_value());
  EXPECT_EQ(entries.size(), 2u);
}

}  // namespace
}  // namespace myelin
