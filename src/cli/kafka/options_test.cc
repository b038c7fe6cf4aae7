#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/kafka/consume_options.h"
#include "cli/kafka/topic_options.h"

namespace myelin::cli::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr std::int64_t kNowMs = 1'800'000'000'000;
const Timestamp kNow = timestamp_from_ms(kNowMs);

Result<TopicOptions> topic(std::vector<std::string> args) {
  return parse_topic_options(args, kNow);
}
Result<ConsumeOptions> consume(std::vector<std::string> args) {
  return parse_consume_options(args, kNow);
}

TEST(TopicOptions, TakeAVerbItsTopicsAndItsFlags) {
  const auto options = topic({"create", "lab", "adt", "--partitions", "3", "--config=a=b=c",
                              "--replication-factor", "2", "--if-not-exists", "--json"});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->verb, TopicVerb::Create);
  EXPECT_THAT(options->topics, ElementsAre("lab", "adt"));
  EXPECT_EQ(options->partitions, 3);
  EXPECT_EQ(options->replication, 2);
  EXPECT_THAT(options->set, ElementsAre(Pair("a", "b=c")));
  EXPECT_TRUE(options->unless_there);
  EXPECT_TRUE(options->json);
  EXPECT_EQ(options->connection.bootstrap, "127.0.0.1:9092");
}

TEST(TopicOptions, RefuseAFlagOfAnotherVerb) {
  EXPECT_THAT(topic({"list", "--partitions", "3"}).error().message(), HasSubstr("--partitions"));
  EXPECT_THAT(topic({"describe", "a", "--yes"}).error().message(), HasSubstr("--yes"));
}

TEST(TopicOptions, NameTheNearestVerb) {
  EXPECT_EQ(topic({"creat", "a"}).error().message(),
            "no command 'topic creat'; did you mean create?");
}

TEST(TopicOptions, SayWhatAVerbCannotDoWithout) {
  EXPECT_THAT(topic({"describe"}).error().message(), HasSubstr("no topic is named"));
  EXPECT_THAT(topic({"grow", "a"}).error().message(), HasSubstr("--partitions"));
  EXPECT_THAT(topic({"trim", "a"}).error().message(), HasSubstr("--before"));
  EXPECT_THAT(topic({"configure", "a"}).error().message(), HasSubstr("--set"));
  EXPECT_THAT(topic({"list", "a"}).error().message(), HasSubstr("describe shows one"));
}

TEST(TopicOptions, RefuseToSetAndUnsetTheSame) {
  EXPECT_THAT(topic({"configure", "a", "--set", "x=1", "--unset", "x"}).error().message(),
              HasSubstr("x is in --set too"));
}

TEST(TopicOptions, RefuseNumbersOutOfTheirLimits) {
  for (const auto* number : {"0", "-1", "x", "1.5", "100001", ""})
    EXPECT_FALSE(topic({"create", "a", "--partitions", number}).has_value()) << number;
}

TEST(TopicOptions, ExplainEachVerbWithAllItsFlags) {
  for (const auto& verb : topic_verbs()) {
    EXPECT_THAT(verb.text, HasSubstr("myelin topic " + std::string(verb.name)));
    EXPECT_THAT(verb.text, HasSubstr("--bootstrap HOST:PORT"));
    EXPECT_TRUE(topic({std::string(verb.name), "--help"})->help);
  }
}

TEST(ConnectionOptions, TakePropertiesOfFileAndFlagsInThisOrder) {
  const auto path = ::testing::TempDir() + "cli_kafka_client.properties";
  std::ofstream(path) << "# a comment\n\nbootstrap.servers = k1:9092,k2:9092\r\n"
                         "sasl.password=a=b c\nclient.id=file\n";
  const auto options = topic({"list", "--client-config", path, "-X", "client.id=flag"});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->connection.bootstrap, "k1:9092,k2:9092");
  EXPECT_THAT(options->connection.properties,
              ElementsAre(Pair("sasl.password", "a=b c"), Pair("client.id", "file"),
                          Pair("client.id", "flag")));
  EXPECT_EQ(
      topic({"list", "--client-config", path, "--bootstrap", "other:1"})->connection.bootstrap,
      "other:1");
  std::remove(path.c_str());
}

TEST(ConnectionOptions, MakeSettingsOfTheFlagsOfTls) {
  const auto path = ::testing::TempDir() + "cli_kafka_tls.pem";
  std::ofstream(path) << "any";
  const auto properties = [](std::vector<std::string> args) {
    args.insert(args.begin(), "list");
    return topic(args)->connection.properties;
  };
  EXPECT_THAT(properties({"--tls"}), ElementsAre(Pair("security.protocol", "ssl")));
  EXPECT_THAT(properties({"--tls-ca", path}),
              ElementsAre(Pair("security.protocol", "ssl"), Pair("ssl.ca.location", path)));
  EXPECT_THAT(properties({"--tls-certificate", path}),
              ElementsAre(Pair("security.protocol", "ssl"), Pair("ssl.certificate.location", path),
                          Pair("ssl.key.location", path)));
  EXPECT_THAT(properties({"-X", "security.protocol=SASL_PLAINTEXT", "--tls"}),
              ElementsAre(Pair("security.protocol", "SASL_PLAINTEXT"),
                          Pair("security.protocol", "sasl_ssl")));
  EXPECT_THAT(topic({"list", "--tls-key", path}).error().message(),
              HasSubstr("--tls-certificate is missing"));
  EXPECT_THAT(topic({"list", "--tls-ca", "/nowhere/ca"}).error().message(),
              HasSubstr("--tls-ca: /nowhere/ca"));
  std::remove(path.c_str());
}

TEST(ConnectionOptions, NeverRepeatWhatMayBeAPassword) {
  const auto wrong = parse_properties("a=b\nsecret-without-equals\n", "file");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().message(), "file:2: expected KEY=VALUE");
  EXPECT_THAT(topic({"list", "-X", "secret"}).error().message(), Not(HasSubstr("secret")));
}

TEST(ConnectionOptions, RefuseAFileThatIsNotThereAndABrokerThatIsNone) {
  EXPECT_THAT(topic({"list", "--client-config", "/nowhere/x"}).error().message(),
              HasSubstr("/nowhere/x"));
  EXPECT_FALSE(topic({"list", "--bootstrap", ""}).has_value());
  EXPECT_FALSE(topic({"list", "--bootstrap", "http://a"}).has_value());
  EXPECT_FALSE(topic({"list", "--timeout", "0ms"}).has_value());
}

TEST(Positions, AreTakenInEachForm) {
  using Kind = Position::Kind;
  const auto position = [](std::string_view text) { return parse_position("from", text, kNow); };
  EXPECT_EQ(*position("beginning"), (Position{Kind::Beginning, 0}));
  EXPECT_EQ(*position("end"), (Position{Kind::End, 0}));
  EXPECT_EQ(*position("0"), (Position{Kind::Offset, 0}));
  EXPECT_EQ(*position("4711"), (Position{Kind::Offset, 4711}));
  EXPECT_EQ(*position("-10"), (Position{Kind::Last, 10}));
  EXPECT_EQ(*position("15m"), (Position{Kind::Time, kNowMs - 900'000}));
  EXPECT_EQ(*position("1970-01-02"), (Position{Kind::Time, 86'400'000}));
  EXPECT_EQ(*position("1970-01-01T00:00:01Z"), (Position{Kind::Time, 1000}));
}

TEST(Positions, RefuseEverythingElse) {
  for (const auto* text :
       {"", "-", "-0", "soon", "12x", "2026-13-01", "9223372036854775808", "-9223372036854775808"})
    EXPECT_FALSE(parse_position("from", text, kNow).has_value()) << text;
}

TEST(ConsumeOptions, FollowFromTheEndUnlessToldOtherwise) {
  const auto follows = consume({"lab"});
  EXPECT_EQ(follows->from.kind, Position::Kind::End);
  EXPECT_EQ(follows->until.kind, Until::Kind::Stopped);
  const auto reads = consume({"lab", "--until", "end"});
  EXPECT_EQ(reads->from.kind, Position::Kind::Beginning);
  EXPECT_EQ(consume({"lab", "--until", "end", "--from", "-3"})->from,
            (Position{Position::Kind::Last, 3}));
  EXPECT_EQ(consume({"lab", "--until", "5"})->until, (Until{Until::Kind::Count, 5}));
}

TEST(ConsumeOptions, TakeEachTopicAndPartitionOnce) {
  const auto options =
      consume({"b", "a", "b", "--partition", "1", "--partition", "0", "--partition=1"});
  EXPECT_THAT(options->topics, ElementsAre("b", "a"));
  EXPECT_THAT(options->partitions, ElementsAre(1, 0));
}

TEST(ConsumeOptions, KnowFourFormsAndTheirLimits) {
  EXPECT_EQ(consume({"a", "--json"})->layout.form, RecordForm::Json);
  EXPECT_EQ(consume({"a", "--format", "hex"})->layout.form, RecordForm::Hex);
  EXPECT_THAT(consume({"a", "--format", "xml"}).error().message(), HasSubstr("--format"));
  EXPECT_FALSE(consume({"a", "--format", "raw", "--json"}).has_value());
  EXPECT_FALSE(consume({"a", "--format", "raw", "--headers"}).has_value());
}

TEST(ConsumeOptions, LeaveToAGroupWhatIsItsOwn) {
  EXPECT_EQ(consume({"a", "--group", "g", "--from", "beginning"})->group, "g");
  EXPECT_FALSE(consume({"a", "--group", "g", "--partition", "1"}).has_value());
  EXPECT_FALSE(consume({"a", "--group", "g", "--from", "17"}).has_value());
  EXPECT_FALSE(consume({"a", "--group", ""}).has_value());
  EXPECT_THAT(consume({"a", "--group", "g", "-X", "group.id=x"}).error().message(),
              HasSubstr("--group"));
}

TEST(ConsumeOptions, NeedATopicAndACountFromOne) {
  EXPECT_THAT(consume({}).error().message(), HasSubstr("no topic"));
  EXPECT_FALSE(consume({"a", "--until", "0"}).has_value());
  EXPECT_FALSE(consume({"a", "--until", "never"}).has_value());
}

}  // namespace
}  // namespace myelin::cli::kafka
