#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_validate.h"
#include "cli/kafka/client.h"
#include "cli/kafka/record.h"
#include "cli/kafka/table.h"
#include "cli/kafka/text.h"
#include "cli/kafka/topic_report.h"

namespace myelin::cli::kafka {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<TopicView> kTopics = {
    {.name = "lab",
     .partitions =
         {{.id = 0, .leader = 1, .replicas = {1, 2}, .in_sync = {1}, .first = 5, .end = 12},
          {.id = 1, .leader = -1, .replicas = {2, 1}}}},
    {.name = "x",
     .partitions = {
         {.id = 0, .leader = 1, .replicas = {1}, .in_sync = {1}, .first = 0, .end = 3}}}};

RecordView record() {
  return {.topic = "lab",
          .partition = 2,
          .offset = 7,
          .time_ms = 0,
          .key = "k",
          .value = "MSH|\rPID|\r",
          .headers = {{"type", "hl7"}, {"none", std::nullopt}}};
}

std::string text_of(const RecordView& record, const RecordLayout& layout) {
  std::string out;
  append_record(out, record, layout);
  return out;
}

TEST(Table, LinesUpByCharactersAndEndsNoLineWithSpaces) {
  Table table({{"NAME"}, {"N", Table::Align::Right}, {"WHY"}});
  table.add({"Größe", "1", ""});
  table.add({"a", "100", "z"});
  EXPECT_EQ(table.text("  "), "  NAME     N  WHY\n  Größe    1\n  a      100  z\n");
}

TEST(Text, LetsNothingSteerTheTerminal) {
  EXPECT_EQ(one_line("a\x1B[2Jb\n\x7F"), "a [2Jb  ");
  EXPECT_EQ(one_line("a\xC2\x9B"), "a ");
  EXPECT_EQ(one_line("a\xE2\x80\xAE"
                     "b\xE4"),
            "a b?");
}

TEST(Text, BeginsALineAtEachKindOfLineEnd) {
  std::string out;
  append_lines(out, "a\rb\nc\r\nd\r\r", "> ");
  EXPECT_EQ(out, "> a\n> b\n> c\n> d\n> \n");
}

TEST(Text, DumpsBytes) {
  std::string out;
  append_hex_dump(out, std::string_view("0123456789abcdef\0\xFF", 18), "");
  EXPECT_EQ(out,
            "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
            "00000010  00 ff                                             |..|\n");
}

TEST(TopicReport, ListsTopicsAndMarksWhatIsNotKnown) {
  EXPECT_EQ(list_table(kTopics),
            "TOPIC  PARTITIONS  REPLICAS  RECORDS\n"
            "lab             2         2        ?\n"
            "x               1         1        3\n");
  EXPECT_EQ(list_names(kTopics), "lab\nx\n");
  EXPECT_EQ(list_table({}), "no topics\n");
}

TEST(TopicReport, IsOneJsonDocument) {
  const std::vector<Described> described = {
      {.topic = kTopics[0],
       .settings = {{.name = "a", .value = "\"q\"", .source = "topic"},
                    {.name = "secret", .source = "broker"}}}};
  const auto failed = Outcome{.topic = "lab", .error = Error(ErrorCode::Conflict, "no \"reason\"")};
  for (const auto& text :
       {list_json(kTopics), describe_json(described), outcomes_json(std::vector{failed})})
    EXPECT_TRUE(is_valid_json(text)) << text;
  EXPECT_THAT(describe_json(described), HasSubstr("\"leader\": null"));
  EXPECT_THAT(list_json(kTopics), HasSubstr("\"records\": null"));
  EXPECT_THAT(outcomes_json(std::vector{failed}), HasSubstr("\"done\": false"));
}

TEST(TopicReport, DescribesPartitionsAndSettings) {
  const auto text = describe_text(std::vector<Described>{
      {.topic = kTopics[0], .settings = {{.name = "p", .source = "broker"}}}});
  EXPECT_THAT(text, HasSubstr("lab: 2 partitions, replication factor 2, ? records"));
  EXPECT_THAT(text, HasSubstr("0       1  1,2       1            5   12        7\n"));
  EXPECT_THAT(text, HasSubstr("1    none  2,1"));
  EXPECT_THAT(text, HasSubstr("p        (secret)  broker"));
}

TEST(ClusterView, NamesTheTopicThatWasMeant) {
  const ClusterView cluster{.topics = kTopics};
  EXPECT_THAT(cluster.select({"lbb"}).error().message(), HasSubstr("did you mean lab?"));
  EXPECT_EQ(cluster.select({"x", "lab", "x"})->size(), 2);
}

TEST(Reasons, SayWhyWithoutWhatLibrdkafkaAdds) {
  EXPECT_EQ(tidy_reason("127.0.0.1:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection "
                        "refused (after 0ms in state CONNECT)"),
            "Connection refused");
  EXPECT_EQ(tidy_reason("GroupCoordinator: k:9: Connect to ipv4#127.0.0.1:9 failed: No route"),
            "No route");
  EXPECT_EQ(tidy_reason("sasl_ssl://k:9/1: SASL PLAIN mechanism handshake failed: no"),
            "SASL PLAIN mechanism handshake failed: no");
  EXPECT_EQ(tidy_reason("something: else"), "something: else");
}

TEST(Records, AreALineOfPlaceAndTheLinesOfTheValue) {
  EXPECT_EQ(text_of(record(), {}), "lab 2@7  1970-01-01T00:00:00.000Z\n  MSH|\n  PID|\n");
  EXPECT_EQ(text_of(record(), {.keys = true, .headers = true}),
            "lab 2@7  1970-01-01T00:00:00.000Z\n  key     k\n  header  type: hl7\n"
            "  header  none: (none)\n  MSH|\n  PID|\n");
}

TEST(Records, TellNoValueFromAnEmptyOne) {
  auto one = record();
  one.value.reset();
  EXPECT_THAT(text_of(one, {}), HasSubstr("(no value)"));
  EXPECT_THAT(text_of(one, {.form = RecordForm::Json}), HasSubstr("\"value\":null"));
  one.value = "";
  EXPECT_THAT(text_of(one, {}), HasSubstr("(empty)"));
  EXPECT_THAT(text_of(one, {.form = RecordForm::Json}), HasSubstr("\"value\":\"\""));
}

TEST(Records, AreOneJsonObjectALineWhateverTheirBytes) {
  auto one = record();
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  one.value = one.key = all;
  one.headers = {{all, all}};
  one.topic = all;
  const auto text = text_of(one, {.form = RecordForm::Json});
  EXPECT_TRUE(is_valid_json(text));
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_THAT(text, HasSubstr("\"value_base64\":\"AAEC"));
}

TEST(Records, AreRawBytesByteForByte) {
  EXPECT_EQ(text_of(record(), {.form = RecordForm::Raw}), "MSH|\rPID|\r\n");
  EXPECT_EQ(text_of(record(), {.form = RecordForm::Raw, .keys = true}), "k\tMSH|\rPID|\r\n");
}

TEST(Records, CannotSteerTheTerminalAsTextOrDump) {
  auto one = record();
  one.topic = "\x1B]0;x\x07";
  one.value = one.key = one.topic;
  one.headers = {{"\x1B", "\x1B"}};
  for (const auto form : {RecordForm::Text, RecordForm::Hex})
    EXPECT_THAT(text_of(one, {.form = form, .keys = true, .headers = true}),
                Not(HasSubstr("\x1B")));
}

}  // namespace
}  // namespace myelin::cli::kafka
