#include "feeds/feed.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/json_validate.h"
#include "feeds/fake_bus.h"
#include "feeds/test_support.h"

namespace myelin::feeds {
namespace {

class FeedTest : public testing::Test {
 protected:
  void make(const FeedSettings& settings = {}, std::size_t topics_max = 1000) {
    bus_ = std::make_unique<FakeBus>(topics_max);
    auto made = Feed::make(settings, 7, {.bus = *bus_, .ids = ids_, .clock = clock_});
    feed_ = std::move(made).value();
    ASSERT_TRUE(feed_->start());
  }
  void SetUp() override { make(); }

  Result<Accepted> accept(std::string_view message) { return feed_->accept({}, message); }
  // Accepts it and gives the record that it became.
  bus::Record record_of(std::string_view message) {
    const auto accepted = accept(message);
    EXPECT_TRUE(accepted) << accepted.error().message();
    return bus_->records().back();
  }
  std::string ack_of(std::string_view message) {
    auto accepted = accept(message);
    return accepted ? accepted->acknowledgment : "error: " + accepted.error().message();
  }
  // "AA" of an acknowledgment, empty for none.
  static std::string code_of(const std::string& ack) {
    const auto msa = ack.find("\rMSA|");
    return msa == std::string::npos ? std::string() : ack.substr(msa + 5, 2);
  }

  ManualClock clock_;
  SystemRandom random_;
  UuidGenerator ids_{clock_, random_};
  std::unique_ptr<FakeBus> bus_;
  std::unique_ptr<Feed> feed_;
};

TEST_F(FeedTest, ChoosesTheTopicByTypeAndTrigger) {
  struct Case {
    std::string type;
    std::string topic;
  };
  const Case cases[] = {
      {"ADT^A01", "hl7.adt.a01"},  {"ADT^A01^ADT_A01", "hl7.adt.a01"},
      {"ORU^R01", "hl7.oru.r01"},  {"PPR^PC1", "hl7.ppr.pc1"},
      {"ADT", "hl7.adt.a01"},  // From EVN-1.
      {"ADT^", "hl7.adt.a01"},     {"ADT^^ADT_A01", "hl7.adt.a01"},
      {"ZZZ^A01", "hl7.other"},    {"ADT^A99", "hl7.other"},
      {"adt^a01", "hl7.other"},    {"", "hl7.other"},
      {"../ADT^A01", "hl7.other"}, {"ADT^A01.*", "hl7.other"},
      {"ADT&X^A01", "hl7.other"},  {"__X^A01", "hl7.other"},
  };
  for (const auto& c : cases) {
    const auto record = record_of(admission("1", "|", c.type));
    EXPECT_EQ(record.topic.name, c.topic) << c.type;
    EXPECT_NE(record.value->find("\"eventType\":\"" + c.topic + "\""), std::string::npos);
  }
}

TEST_F(FeedTest, NeedsATriggerFromSomewhere) {
  EXPECT_EQ(record_of("MSH|^~\\&|A||B||20260101||ADT|1|P|2.5\rPID|1\r").topic.name, "hl7.other");
}

TEST_F(FeedTest, PutsWhatPassesTheTopicLimitOnOther) {
  make({}, 3);  // hl7.other, hl7.errors and one more.
  EXPECT_EQ(record_of(admission("1", "|", "ADT^A01")).topic.name, "hl7.adt.a01");
  EXPECT_EQ(record_of(admission("2", "|", "ORU^R01")).topic.name, "hl7.other");
  EXPECT_EQ(record_of(admission("3", "|", "ADT^A01")).topic.name, "hl7.adt.a01");
}

TEST_F(FeedTest, StartsOnlyWhereOtherAndErrorsHaveAPlace) {
  FakeBus full(1);
  const auto feed = Feed::make({}, 1, {.bus = full, .ids = ids_, .clock = clock_});
  const auto started = feed.value()->start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::Exhausted);
}

TEST_F(FeedTest, DescribesTheMessageInHeaders) {
  const auto record = record_of(admission("MSG-1"));
  EXPECT_EQ(header_of_record(record, "type"), "ADT");
  EXPECT_EQ(header_of_record(record, "trigger"), "A01");
  EXPECT_EQ(header_of_record(record, "control-id"), "MSG-1");
  EXPECT_EQ(header_of_record(record, "facility"), "HOSP");
  EXPECT_EQ(header_of_record(record, "feed"), "default");
  EXPECT_EQ(header_of_record(record, "feed-sequence"), "7:1");
  EXPECT_EQ(record.key, "HOSP|4711");
  EXPECT_EQ(record.timestamp, clock_.now());
}

TEST_F(FeedTest, LeavesOutHeadersOfWhatIsAbsent) {
  const auto record = record_of("MSH|^~\\&|A\r");
  for (const char* absent : {"type", "trigger", "control-id", "facility"})
    EXPECT_EQ(header_of_record(record, absent), std::nullopt) << absent;
  EXPECT_EQ(record.key, std::nullopt);
}

TEST_F(FeedTest, CutsHeadersThatASenderMakesLong) {
  const auto record = record_of(admission(std::string(100'000, 'x')));
  EXPECT_EQ(header_of_record(record, "control-id")->size(), 256u);
}

TEST_F(FeedTest, CorrelatesAnEventWithItsOwnId) {
  const auto value = *record_of(admission("1")).value;
  const auto text_at = [&](std::string_view name) {
    const auto at = value.find("\"" + std::string(name) + "\":\"") + name.size() + 4;
    return value.substr(at, 36);
  };
  EXPECT_TRUE(Uuid::parse(text_at("eventId")));
  EXPECT_EQ(text_at("eventId"), text_at("correlationId"));
  EXPECT_EQ(value.find("causationId"), std::string::npos);
  EXPECT_NE(value.find("\"eventSource\":\"feed:default\""), std::string::npos);
}

TEST_F(FeedTest, NumbersMessagesInCommitOrderAcrossThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(accept(admission("1")));
    });
  }
  for (auto& thread : threads) thread.join();
  const auto records = bus_->records();
  ASSERT_EQ(records.size(), 400u);
  for (std::size_t i = 0; i < records.size(); ++i)
    ASSERT_EQ(header_of_record(records[i], "feed-sequence"), "7:" + std::to_string(i + 1));
}

TEST_F(FeedTest, UsesUpNoNumberForWhatTheBusDoesNotTake) {
  bus_->fail_next_append(Error(ErrorCode::Exhausted, "too much waits"));
  const auto refused = accept(admission("1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Exhausted);
  EXPECT_EQ(header_of_record(record_of(admission("1")), "feed-sequence"), "7:1");
}

TEST_F(FeedTest, AcknowledgesWithTheSendersControlId) {
  const std::string ack = ack_of(admission("MSG\\F\\1"));
  EXPECT_NE(ack.find("\rMSA|AA|MSG\\F\\1"), std::string::npos) << ack;
  EXPECT_TRUE(ack.starts_with("MSH|^~\\&|LAB|HOSP|ADT1|HOSP|")) << ack;
}

TEST_F(FeedTest, AcknowledgesAsMsh15And16Ask) {
  EXPECT_EQ(code_of(ack_of(admission("1", "|"))), "AA");
  EXPECT_EQ(code_of(ack_of(admission("1", "AL|NE"))), "CA");
  EXPECT_EQ(code_of(ack_of(admission("1", "NE|AL"))), "AA");
  EXPECT_EQ(ack_of(admission("1", "NE|NE")), "");
  EXPECT_EQ(ack_of(admission("1", "ER|ER")), "");
}

TEST_F(FeedTest, KeepsWhatCannotBeParsedOnErrors) {
  struct Case {
    std::string_view bytes;
    std::string_view reason;
    std::string_view location;
  };
  const Case cases[] = {{"hello", "no-header", "byte 0"},
                        {"", "empty", "byte 0"},
                        {"FHS|^~\\&|A\rBHS|^~\\&|A\r", "batch", "byte 0"},
                        {"MSH", "header-too-short", "MSH-1"},
                        {"MSHA^~\\&|x\r", "field-separator", "MSH-1"},
                        {"\xff\xfe\x00", "no-header", "byte 0"}};
  for (const auto& c : cases) {
    const auto accepted = accept(c.bytes);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->kept, Kept::Errors);
    const auto record = bus_->records().back();
    EXPECT_EQ(record.topic.name, "hl7.errors");
    EXPECT_EQ(raw_of(*record.value), c.bytes);
    EXPECT_TRUE(is_valid_json(*record.value));
    EXPECT_EQ(header_of_record(record, "reason"), c.reason);
    EXPECT_NE(record.value->find("\"reason\":\"" + std::string(c.reason) + "\",\"location\":\"" +
                                 std::string(c.location) + "\""),
              std::string::npos)
        << *record.value;
    EXPECT_TRUE(header_of_record(record, "feed-sequence"));
  }
}

TEST_F(FeedTest, AnswersWhatCannotBeParsedAsTheFeedSays) {
  for (const auto& [name, on_error] : setting_names(OnError{})) {
    FeedSettings settings;
    settings.on_error = on_error;
    make(settings);
    EXPECT_EQ(code_of(ack_of("hello")), name);
  }
}

TEST_F(FeedTest, AnswersErrorsInTheFormThatTheSenderAsksFor) {
  // The field separator is right, the encoding characters leave nothing to split by.
  const auto broken = [](std::string_view msh_15_16) {
    return "MSH|    |A||B||20260101||ADT^A01|77|P|2.5|||" + std::string(msh_15_16) + "\r";
  };
  ASSERT_EQ(accept(broken("|")).value().kept, Kept::Errors);
  EXPECT_EQ(code_of(ack_of(broken("|"))), "AE");
  EXPECT_EQ(code_of(ack_of(broken("AL|"))), "CE");
  EXPECT_EQ(code_of(ack_of(broken("ER|NE"))), "CE");
  EXPECT_EQ(code_of(ack_of(broken("NE|ER"))), "AE");
  EXPECT_EQ(ack_of(broken("SU|SU")), "");
}

TEST_F(FeedTest, RejectsWhatIsTooLongFromItsBeginning) {
  const std::string beginning = admission("LONG-1").substr(0, 80);
  EXPECT_NE(feed_->reject_too_long(beginning).find("\rMSA|AR|LONG-1"), std::string::npos);
  EXPECT_EQ(code_of(feed_->reject_too_long(admission("1", "AL|NE"))), "CR");
  EXPECT_EQ(feed_->reject_too_long(admission("1", "NE|NE")), "");
  EXPECT_EQ(code_of(feed_->reject_too_long("")), "AR");
  EXPECT_EQ(bus_->record_count(), 0u);
}

TEST_F(FeedTest, GivesEachAcknowledgmentAnIdOfItsOwn) {
  const auto control_id = [](const std::string& ack) {
    std::size_t at = 0;
    for (int field = 1; field < 10; ++field) at = ack.find('|', at) + 1;
    return ack.substr(at, ack.find('|', at) - at);
  };
  EXPECT_EQ(control_id(ack_of(admission("1"))), "7-1");
  EXPECT_EQ(control_id(ack_of(admission("1"))), "7-2");
  EXPECT_EQ(control_id(feed_->reject_too_long(admission("1"))), "7-R1");
}

TEST_F(FeedTest, WritesToItsTenant) {
  FeedSettings settings;
  settings.tenant = "north";
  make(settings);
  EXPECT_EQ(record_of(admission("1")).topic, (bus::TopicName{"north", "hl7.adt.a01"}));
  EXPECT_EQ(record_of("x").topic, (bus::TopicName{"north", "hl7.errors"}));
}

TEST(FeedSettings, AreRefusedNamingTheKey) {
  struct Case {
    std::function<void(FeedSettings&)> change;
    std::string_view key;
  };
  const Case cases[] = {
      {[](auto& s) { s.name = ""; }, "name"},
      {[](auto& s) { s.name = "a b"; }, "name"},
      {[](auto& s) { s.name = std::string(65, 'a'); }, "name"},
      {[](auto& s) { s.tenant = "a..b"; }, "tenant"},
      {[](auto& s) { s.key = "PID"; }, "key"},
      {[](auto& s) { s.store_raw = s.store_message = false; }, "store_raw"},
      {[](auto& s) { s.message_bytes_max = 0_KiB; }, "message_bytes_max"},
      {[](auto& s) { s.message_bytes_max = 33_MiB; }, "message_bytes_max"},
  };
  EXPECT_TRUE(FeedSettings().check());
  for (const auto& c : cases) {
    FeedSettings settings;
    c.change(settings);
    const auto status = settings.check();
    ASSERT_FALSE(status) << c.key;
    EXPECT_EQ(status.error().code(), ErrorCode::InvalidInput);
    EXPECT_TRUE(status.error().message().starts_with(c.key)) << status.error().message();
  }
}

}  // namespace
}  // namespace myelin::feeds
