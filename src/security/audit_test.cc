#include "security/audit.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/json_validate.h"
#include "io/test_support.h"

namespace myelin::security {
namespace {

// A bus that only appends, and only as the test says.
class AppendingBus final : public bus::Bus, public bus::Topics {
 public:
  std::vector<bus::Record> records;
  std::vector<bus::TopicName> made;
  std::optional<Error> append_error;
  std::optional<Error> durable_error;

  Result<bus::Receipt> append(const bus::Context&, bus::WriteSet writes) override {
    if (append_error) return *append_error;
    for (auto& record : writes.records) records.push_back(std::move(record));
    return bus::Receipt(std::make_shared<State>(durable_error));
  }
  io::Task<Result<bus::Batches>> read(bus::Context, bus::TopicPartition, bus::Offset,
                                      bus::ReadLimits) override {
    co_return bus::Batches();
  }
  io::Task<Result<std::unique_ptr<bus::Subscription>>> subscribe(bus::Context,
                                                                 bus::SubscribeOptions) override {
    co_return Error(ErrorCode::Internal, "not here");
  }
  bus::Topics& topics() override { return *this; }
  Status ensure(const bus::Context&, const bus::TopicName& name) override {
    made.push_back(name);
    return {};
  }
  io::Task<Result<bus::TopicDescription>> describe(bus::Context, bus::TopicName) override {
    co_return Error(ErrorCode::NotFound, "not here");
  }
  io::Task<Result<std::vector<bus::TopicDescription>>> list(bus::Context, std::string) override {
    co_return std::vector<bus::TopicDescription>();
  }

 private:
  class State final : public bus::Receipt::State {
   public:
    explicit State(std::optional<Error> error) : error_(std::move(error)) {}
    bool ready() const override { return true; }
    io::Task<Result<bus::Positions>> durable() override {
      if (error_) co_return *error_;
      co_return bus::Positions();
    }

   private:
    const std::optional<Error> error_;
  };
};

class BusAuditSinkTest : public io::testing::IoTest {
 protected:
  Status record(AuditEvent event) {
    std::optional<Status> status;
    runtime_.run_to_end(run(sink_, std::move(event), status));
    return *status;
  }
  static io::Task<void> run(AuditSink& sink, AuditEvent event, std::optional<Status>& status) {
    auto recorded = co_await sink.record(std::move(event));
    status.emplace(std::move(recorded));
  }
  static AuditEvent ended() {
    AuditEvent event{.id = Uuid::parse("0190b8a0-0000-7000-8000-000000000002").value(),
                     .session = Uuid::parse("0190b8a0-0000-7000-8000-000000000001").value(),
                     .time = timestamp_from_ms(1'700'000'000'123),
                     .context = {},
                     .action = AuditAction::StreamEnded,
                     .resource = Resource::topic("hl7.*"),
                     .outcome = AuditOutcome::Failed,
                     .reason = "corrupt",
                     .counts = {{"records", 7}, {"bytes", 900}}};
    event.context.principal = "User:local";
    event.context.peer = "127.0.0.1:5000";
    return event;
  }

  AppendingBus bus_;
  metrics::Registry registry_;
  BusAuditSink sink_{bus_, log_.logger(), registry_};
};

TEST_F(BusAuditSinkTest, StoresAnEventInTheEnvelope) {
  ASSERT_TRUE(record(ended()));
  ASSERT_EQ(bus_.records.size(), 1u);
  EXPECT_EQ(bus_.records[0].topic, (bus::TopicName{"", "security.audit.data-access"}));
  EXPECT_TRUE(is_valid_json(*bus_.records[0].value));
  EXPECT_EQ(*bus_.records[0].value,
            R"({"metadata":{"eventId":"0190b8a0-0000-7000-8000-000000000002",)"
            R"("eventType":"security.audit.data-access","eventSource":"myelin",)"
            R"("correlationId":"0190b8a0-0000-7000-8000-000000000001",)"
            R"("causationId":"0190b8a0-0000-7000-8000-000000000001",)"
            R"("timestamp":1700000000123,"version":"1.0.0"},)"
            R"("payload":{"action":"stream.ended","outcome":"failed","reason":"corrupt",)"
            R"("principal":"User:local","tenant":"","peer":"127.0.0.1:5000",)"
            R"("resource":{"kind":"topic","name":"hl7.*"},"counts":{"records":7,"bytes":900}}})");
}

TEST_F(BusAuditSinkTest, NamesNoCauseForWhatOpensASession) {
  AuditEvent event = ended();
  event.session = event.id;
  event.reason.clear();
  ASSERT_TRUE(record(event));
  EXPECT_EQ(bus_.records[0].value->find("causationId"), std::string::npos);
  EXPECT_EQ(bus_.records[0].value->find("reason"), std::string::npos);
}

TEST(AuditJson, TellsSettingsThatWereChanged) {
  AuditEvent event{};
  event.action = AuditAction::TopicConfigured;
  EXPECT_EQ(audit_json(event).find("settings"), std::string::npos);
  event.settings = {{"retention.ms", "1000"}, {"cleanup.policy", std::nullopt}};
  const auto json = audit_json(event);
  EXPECT_TRUE(is_valid_json(json));
  EXPECT_NE(json.find(R"("settings":{"retention.ms":"1000","cleanup.policy":null})"),
            std::string::npos);
}

TEST_F(BusAuditSinkTest, FailsWhereTheBusTakesNothing) {
  bus_.append_error = Error(ErrorCode::Exhausted, "too much waits");
  const auto status = record(ended());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::Exhausted);
}

TEST_F(BusAuditSinkTest, FailsTellsAndCountsWhatDoesNotBecomeDurable) {
  bus_.durable_error = Error(ErrorCode::Unavailable, "no space on disk");
  const auto status = record(ended());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::Unavailable);
  EXPECT_NE(log_.text().find("audit.lost"), std::string::npos);
  EXPECT_NE(registry_.prometheus_text().find("\nmyelin_audit_lost_total 1\n"), std::string::npos);
  EXPECT_NE(registry_.prometheus_text().find("\nmyelin_audit_recorded_total 0\n"),
            std::string::npos);
}

TEST_F(BusAuditSinkTest, MakesItsTopicAtStart) {
  ASSERT_TRUE(sink_.start());
  EXPECT_EQ(bus_.made.at(0).name, kAuditTopic);
}

}  // namespace
}  // namespace myelin::security
