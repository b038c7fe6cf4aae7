#include "base/config.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "base/json_validate.h"
#include "base/logging.h"

namespace myelin {
namespace {

using std::chrono::milliseconds;

struct FeedSettings {
  std::uint16_t port = 2575;
  std::string topic = "hl7";
  bool skip_garbage = false;
  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("port", port, "TCP port.", {.min = 1});
    visitor.field("topic", topic, "Topic.");
    visitor.field("skip_garbage", skip_garbage, "Passes over what is no frame.");
  }
};

struct HttpSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  milliseconds idle_timeout{60'000};
  ByteSize body_bytes_max = 16_MiB;
  std::string token;
  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("host", host, "Address.");
    visitor.field("port", port, "TCP port.");
    visitor.field("idle_timeout", idle_timeout, "Closes idle connections.");
    visitor.field("body_bytes_max", body_bytes_max, "Longer bodies are refused.");
    visitor.field("token", token, "Secret of the scraper.", {.secret = true});
  }
};

struct Settings {
  std::string data = "./data";
  HttpSettings http;
  LogFormat log_format = LogFormat::Json;
  double ratio = 0.5;
  std::vector<std::string> origins = {"a"};
  std::map<std::string, FeedSettings> feeds;
  std::vector<FeedSettings> listeners;
  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("data", data, "Data directory.");
    visitor.group("http", http, "The HTTP server.");
    visitor.field("log_format", log_format, "Form of log lines.");
    visitor.field("ratio", ratio, "A ratio.", {.min = 0, .max = 1});
    visitor.field("origins", origins, "Origins.");
    visitor.table("feeds", feeds, "Feeds by name.");
    visitor.table("listeners", listeners, "Listeners.");
  }
};

struct Loaded {
  Settings settings;
  Result<ConfigSources> sources = Error(ErrorCode::Internal, "");
  std::string error() const { return sources ? "" : sources.error().message(); }
};

Loaded load(std::string text, std::vector<std::string> environment = {},
            std::vector<Flag> flags = {}) {
  Loaded loaded;
  loaded.sources = load_config(
      loaded.settings, {"m.yaml", std::move(text), std::move(environment), std::move(flags)});
  return loaded;
}

TEST(Config, KeepsTheDefaultsWhereNothingIsSaid) {
  for (const char* text : {"", "# only a comment\n", "---\n", "{}", "http:\n", "feeds:\n"}) {
    const auto loaded = load(text);
    ASSERT_TRUE(loaded.sources.has_value()) << text << loaded.error();
    EXPECT_EQ(loaded.settings.http.port, 8080);
    EXPECT_EQ(loaded.sources->find("http.port").to_string(), "default");
  }
}

TEST(Config, ReadsEachTypeFromAFile) {
  const auto loaded = load(
      "data: /var/lib/myelin\n"
      "http: {port: 81, idle_timeout: 5s, body_bytes_max: 64KiB, token: \"t\"}\n"
      "log_format: human\nratio: 0.25\norigins: [x, 'y z']\n"
      "feeds:\n  lab:\n    port: 2576\n    skip_garbage: true\n  adt:\n"
      "listeners:\n  - port: 1\n  - {topic: t}\n");
  ASSERT_TRUE(loaded.sources.has_value()) << loaded.error();
  const auto& s = loaded.settings;
  EXPECT_EQ(s.data, "/var/lib/myelin");
  EXPECT_EQ(s.http.port, 81);
  EXPECT_EQ(s.http.idle_timeout, milliseconds(5000));
  EXPECT_EQ(s.http.body_bytes_max, 64_KiB);
  EXPECT_EQ(s.log_format, LogFormat::Human);
  EXPECT_EQ(s.ratio, 0.25);
  EXPECT_EQ(s.origins, (std::vector<std::string>{"x", "y z"}));
  ASSERT_EQ(s.feeds.size(), 2u);
  EXPECT_EQ(s.feeds.at("lab").port, 2576);
  EXPECT_TRUE(s.feeds.at("lab").skip_garbage);
  EXPECT_EQ(s.feeds.at("adt").port, 2575);
  ASSERT_EQ(s.listeners.size(), 2u);
  EXPECT_EQ(s.listeners[0].port, 1);
  EXPECT_EQ(s.listeners[1].topic, "t");
}

TEST(Config, LetsFlagsWinOverEnvironmentOverFileOverDefaults) {
  const std::string file = "http:\n  port: 1\n  host: file\n  token: file\n";
  const auto loaded =
      load(file, {"MYELIN_HTTP_PORT=2", "MYELIN_HTTP_HOST=env", "PATH=/bin"}, {{"http.port", "3"}});
  ASSERT_TRUE(loaded.sources.has_value()) << loaded.error();
  EXPECT_EQ(loaded.settings.http.port, 3);
  EXPECT_EQ(loaded.settings.http.host, "env");
  EXPECT_EQ(loaded.settings.http.token, "file");
  EXPECT_EQ(loaded.sources->find("http.port").to_string(), "flag --http.port");
  EXPECT_EQ(loaded.sources->find("http.host").to_string(), "environment MYELIN_HTTP_HOST");
  EXPECT_EQ(loaded.sources->find("http.token").to_string(), "m.yaml:4");
  EXPECT_EQ(loaded.sources->find("data").to_string(), "default");
}

TEST(Config, SetsTableEntriesByFlagAndVariable) {
  const auto loaded = load("feeds:\n  lab-results:\n", {"MYELIN_FEEDS_LAB_RESULTS_PORT=7"},
                           {{"feeds.new.topic", "t"},
                            {"listeners.0.port", "9"},
                            {"set", "data=/x=y"},
                            {"origins", "p,q"},
                            {"feeds.new.skip_garbage", std::nullopt}});
  ASSERT_TRUE(loaded.sources.has_value()) << loaded.error();
  EXPECT_EQ(loaded.settings.feeds.at("lab-results").port, 7);
  EXPECT_EQ(loaded.settings.feeds.at("new").topic, "t");
  EXPECT_TRUE(loaded.settings.feeds.at("new").skip_garbage);
  EXPECT_EQ(loaded.settings.listeners.at(0).port, 9);
  EXPECT_EQ(loaded.settings.data, "/x=y");
  EXPECT_EQ(loaded.settings.origins, (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(loaded.sources->find("data").to_string(), "flag --set data");
}

TEST(Config, TellsOfVariablesThatNameNoSetting) {
  const auto loaded = load("", {"MYELIN_HTTP_PROT=1", "MYELIN_DATA=/d", "HOME=/"});
  ASSERT_TRUE(loaded.sources.has_value());
  EXPECT_EQ(loaded.sources->unknown_environment, std::vector<std::string>{"MYELIN_HTTP_PROT"});
}

TEST(Config, RefusesAVariableThatStandsForTwoSettings) {
  const auto loaded = load("feeds: {a-b: , a_b: }", {"MYELIN_FEEDS_A_B_PORT=7"});
  EXPECT_EQ(loaded.error(),
            "environment MYELIN_FEEDS_A_B_PORT: it stands for both feeds.a-b.port and "
            "feeds.a_b.port; use the file or a flag");
}

TEST(Config, NamesPlaceKeyAndNearestNameForAnUnknownKey) {
  EXPECT_EQ(load("data: x\nhttp:\n  prot: 1\n").error(),
            "m.yaml:3:3: http.prot: unknown key; did you mean http.port?");
  EXPECT_EQ(load("feeds:\n  lab:\n    topics: x\n").error(),
            "m.yaml:3:5: feeds.lab.topics: unknown key; did you mean feeds.lab.topic?");
  EXPECT_EQ(load("zzzzzzzz: 1").error(), "m.yaml:1:1: zzzzzzzz: unknown key");
  EXPECT_EQ(load("", {}, {{"http.prot", "1"}}).error(),
            "flag --http.prot: http.prot: unknown key; did you mean http.port?");
}

TEST(Config, NamesPlaceKeyAndExpectationForAWrongValue) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"http:\n  port: x\n",
       "m.yaml:2:9: http.port: expected a whole number from 0 to 65535, not \"x\""},
      {"http:\n  port:\n", "m.yaml:2:3: http.port: expected a whole number from 0 to 65535"},
      {"http: 5", "m.yaml:1:7: http: expected settings, one a line, indented"},
      {"data: [a]", "m.yaml:1:7: data: expected text in UTF-8, not a list"},
      {"data: {a: b}", "m.yaml:1:7: data: expected text in UTF-8"},
      {"origins: a", "m.yaml:1:10: origins: expected a list of text in UTF-8, not \"a\""},
      {"origins: [[a]]", "m.yaml:1:10: origins: expected a list of text in UTF-8"},
      {"feeds: [a]", "m.yaml:1:8: feeds: expected settings by name"},
      {"feeds: {a: 1}", "m.yaml:1:12: feeds.a: expected settings"},
      {"listeners: {a: 1}", "m.yaml:1:12: listeners: expected a list of settings"},
      {"feeds: {'a b': }",
       "m.yaml:1:9: feeds.a b: expected a name of 1 to 64 letters, digits, hyphens and "
       "underscores"},
      {"ratio: 2", "m.yaml:1:8: ratio: expected a number from 0 to 1, not \"2\""},
      {"- a", "m.yaml:1:1: expected keys and values"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(load(text).error(), message);
  EXPECT_EQ(load("", {"MYELIN_HTTP_PORT=x"}).error(),
            "environment MYELIN_HTTP_PORT: http.port: expected a whole number from 0 to 65535, "
            "not \"x\"");
  EXPECT_EQ(load("", {}, {{"http", "x"}}).error(),
            "flag --http: http: a group of settings; name one of them");
  EXPECT_EQ(load("", {"MYELIN_DATA=\xFF\n"}).error(),
            "environment MYELIN_DATA: data: expected text in UTF-8, not \"\uFFFD\\n\"");
  EXPECT_EQ(load("", {}, {{"set", "x"}}).error(), "flag --set: expected KEY=VALUE");
}

TEST(Config, RefusesYamlThatMeansMoreThanItShows) {
  for (const char* text :
       {"data: a\ndata: b\n", "data: &x a\n", "data: *x\n", "data: !!str a\n",
        "data: a\n---\ndata: b\n", "data: \"a", "data: [", "\tdata: x", "? [a]\n: b\n",
        "data: \x04", "data: \x7f", "data: \xFF", "%YAML 9.9\n---\n", "data: a: b\n", "~: x"}) {
    const auto loaded = load(text);
    ASSERT_FALSE(loaded.sources.has_value()) << text;
    EXPECT_EQ(loaded.sources.error().code(), ErrorCode::InvalidInput);
    EXPECT_EQ(loaded.error().rfind("m.yaml:", 0), 0u) << loaded.error();
  }
  EXPECT_EQ(load("data: a\ndata: b\n").error(),
            "m.yaml:2:1: this key is already on line 1 of the same group");
}

TEST(Config, LetsAListInTheFileReplaceTheDefaultsAndAMapJoinThem) {
  Settings settings;
  settings.listeners.resize(3);
  settings.feeds["default"].port = 5;
  const auto sources = load_config(
      settings, {"m.yaml", "listeners: [{port: 9}]\nfeeds: {lab: {port: 6}}\n", {}, {}});
  ASSERT_TRUE(sources.has_value());
  ASSERT_EQ(settings.listeners.size(), 1u);
  EXPECT_EQ(settings.listeners[0].port, 9);
  ASSERT_EQ(settings.feeds.size(), 2u);
  EXPECT_EQ(settings.feeds.at("default").port, 5);
}

TEST(Config, RefusesTooLongAndTooDeep) {
  EXPECT_NE(load(std::string(kConfigBytesMax + 1, '#')).error().find("longer than 1 MiB"),
            std::string::npos);
  EXPECT_TRUE(load(std::string(kConfigBytesMax, '#')).sources.has_value());
  const auto deep = load("data: " + std::string(17, '[') + std::string(17, ']')).error();
  EXPECT_EQ(deep, "m.yaml:1:22: nested too deep");
  EXPECT_FALSE(load("data: " + std::string(100'000, '[')).sources.has_value());
}

TEST(Config, PrintsEffectiveSettingsWithTheirSources) {
  auto loaded = load("http:\n  port: 81\n  token: hunter2\nfeeds:\n  lab:\n    port: 7\n",
                     {"MYELIN_DATA=/d e"});
  ASSERT_TRUE(loaded.sources.has_value());
  const auto text = config_as_yaml(loaded.settings, *loaded.sources);
  EXPECT_EQ(text,
            "data: \"/d e\"  # environment MYELIN_DATA\n"
            "http:\n"
            "  host: \"127.0.0.1\"  # default\n"
            "  port: 81  # m.yaml:2\n"
            "  idle_timeout: 1m  # default\n"
            "  body_bytes_max: 16MiB  # default\n"
            "  token: \"********\"  # m.yaml:3\n"
            "log_format: json  # default\n"
            "ratio: 0.5  # default\n"
            "origins: [\"a\"]  # default\n"
            "feeds:\n"
            "  lab:\n"
            "    port: 7  # m.yaml:6\n"
            "    topic: hl7  # default\n"
            "    skip_garbage: false  # default\n"
            "listeners: []\n");
}

TEST(Config, PrintsWhatReadsBackTheSame) {
  Settings settings;
  settings.data = "true";
  settings.http.host = "a: b # c \"d\"\n\t\x7f\xC2\x85 ü \\";
  settings.origins = {"", "a,b", "[x]", "null"};
  settings.feeds["on"].topic = "";
  settings.feeds["007"].topic = "1e3";
  settings.listeners.resize(2);
  const auto text = config_as_yaml(settings, {});
  auto again = load(text);
  ASSERT_TRUE(again.sources.has_value()) << again.error() << text;
  EXPECT_EQ(config_as_yaml(again.settings, {}), text);
  EXPECT_EQ(again.settings.http.host, settings.http.host);
  EXPECT_EQ(again.settings.feeds.at("007").topic, "1e3");
}

TEST(Config, WritesASchemaThatIsJson) {
  const auto schema = config_schema(Settings{}, "Myelin");
  EXPECT_TRUE(is_valid_json(schema)) << schema;
  for (const char* part :
       {"https://json-schema.org/draft/2020-12/schema", "\"additionalProperties\": false",
        "\"maximum\": 65535", "\"writeOnly\": true", "\"default\": \"16MiB\"", "\"human\""}) {
    EXPECT_NE(schema.find(part), std::string::npos) << part;
  }
}

TEST(Config, ListsEachSettingInHelpAndFlags) {
  const auto help = config_help(Settings{});
  EXPECT_NE(help.find("  --http.port NUMBER\n      TCP port. Takes a whole number from 0 to 65535. "
                      "Default: 8080.\n"),
            std::string::npos)
      << help;
  EXPECT_NE(help.find("--feeds.NAME.port NUMBER"), std::string::npos);
  const auto flags = config_flags(Settings{});
  const std::vector<std::string> args = {"--http.port", "9", "--feeds.lab.port=7", "--set", "a=b"};
  EXPECT_TRUE(parse_command_line(args, flags).has_value());
  EXPECT_FALSE(parse_command_line(std::vector<std::string>{"--http.prot=1"}, flags).has_value());
}

TEST(Config, ReadsAFileUpToItsLimit) {
  const std::string path = testing::TempDir() + "config_test.yaml";
  std::ofstream(path) << "data: x\n";
  EXPECT_EQ(*read_config_file(path), "data: x\n");
  std::remove(path.c_str());
  EXPECT_EQ(read_config_file(path).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(read_config_file(testing::TempDir()).error().code(), ErrorCode::Unavailable);
}

}  // namespace
}  // namespace myelin
