#include "api/admin/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/http_test_support.h"

namespace myelin::admin {
namespace {

using io::testing::eventually;
using security::AuditAction;
using security::AuditOutcome;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Keeps what was recorded, and in which order it and the changes came.
class KeptAudit final : public security::AuditSink {
 public:
  explicit KeptAudit(std::vector<std::string>& order, Mutex& mutex)
      : order_(order), mutex_(mutex) {}
  io::Task<Status> record(security::AuditEvent event) override {
    MutexLock lock(mutex_);
    if (fails) co_return Error(ErrorCode::Unavailable, "no disk");
    order_.push_back("audit " + std::string(to_string(event.action)) + " " +
                     std::string(to_string(event.outcome)));
    events.push_back(std::move(event));
    co_return Status();
  }
  std::vector<security::AuditEvent> events;
  std::atomic<bool> fails = false;

 private:
  std::vector<std::string>& order_;
  Mutex& mutex_;
};

class FakeSnapshot final : public Snapshot {
 public:
  const std::string& data_directory() const override { return directory_; }
  std::uint64_t commit() const override { return 77; }
  std::string checkpoint() const override { return std::string("check\0point", 11); }

 private:
  std::string directory_ = "/somewhere/data";
};

class FakeOperations final : public Operations {
 public:
  FakeOperations(std::vector<std::string>& order, Mutex& mutex) : order_(order), mutex_(mutex) {}

  LogReport log_report() override { return {.directory = "/somewhere/data", .commit = 5}; }
  Result<SnapshotPtr> take_snapshot() override {
    if (refuses) return Error(ErrorCode::Exhausted, "no space");
    auto snapshot = std::make_shared<FakeSnapshot>();
    MutexLock lock(mutex_);
    last_ = snapshot;
    return SnapshotPtr(snapshot);
  }
  std::vector<TopicReport> topics() override {
    return {report("lab"), {{"acme", "secret"}, Uuid{}, {}, {}}};
  }
  Result<TopicReport> topic(const bus::TopicName& name) override {
    if (name.name == "lab" || name.name == "security.audit.data-access") return report(name.name);
    return Error(ErrorCode::NotFound, "no topic " + name.full());
  }
  Status check_config(const bus::TopicName&, const ConfigChanges& changes) override {
    if (changes.contains("retention.ms")) return {};
    return Error(ErrorCode::InvalidInput, "there is no such setting");
  }
  Status configure(const bus::TopicName& name, const ConfigChanges&) override {
    return change("configure " + name.full());
  }
  Status remove(const bus::TopicName& name) override { return change("remove " + name.full()); }
  Result<bus::Offset> delete_records(const bus::TopicName& name, bus::PartitionIndex partition,
                                     bus::Offset before) override {
    MYELIN_TRY_VOID(change("delete " + name.full() + " " + std::to_string(partition.value) + " " +
                           std::to_string(before.value)));
    return before;
  }
  bool holds_snapshot() const {
    MutexLock lock(mutex_);
    return !last_.expired();
  }

  std::atomic<bool> refuses = false;

 private:
  static TopicReport report(std::string name) {
    return {{"", std::move(name)},
            Uuid{},
            {{bus::Offset(10), bus::Offset(20)}, {bus::Offset(0), bus::Offset(0)}},
            {{"retention.ms", "1"}}};
  }
  Status change(std::string what) {
    if (refuses) return Error(ErrorCode::Unavailable, "the disk is full");
    MutexLock lock(mutex_);
    order_.push_back(std::move(what));
    return {};
  }

  std::vector<std::string>& order_;
  Mutex& mutex_;
  std::weak_ptr<const Snapshot> last_;
};

class RefusingAuthorizer final : public security::Authorizer {
 public:
  Status authorize(const bus::Context&, security::Operation, const security::Resource&) override {
    return Error(ErrorCode::Forbidden, "nobody may");
  }
};

class AdminServerTest : public http::testing::HttpTest {
 protected:
  void SetUp() override { serve(local_); }
  void TearDown() override {
    if (server_) server_->stop(std::chrono::seconds(10));
    EXPECT_TRUE(admin_->stop(std::chrono::seconds(10)));
  }
  void serve(security::Authorizer& authorizer, Limits limits = {}) {
    if (server_) TearDown();
    router_ = std::make_unique<http::Router>();
    admin_ = std::make_unique<AdminServer>(
        Parts{runtime_, operations_, authorizer, audit_, ids_, log_.logger(), clock_}, limits);
    admin_->install(*router_);
    start(router_->as_handler());
  }
  std::string send(std::string_view method, std::string_view path, std::string_view body = {},
                   std::string_view headers = "Myelin-Admin: 1\r\n") {
    return ask(std::string(method) + " /api/v1/admin/" + std::string(path) + " HTTP/1.1\r\n" +
               host() + std::string(headers) + "Content-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + std::string(body));
  }
  std::string read(std::string_view path) { return get("/api/v1/admin/" + std::string(path)); }
  // The id in an answer.
  static std::string id_of(std::string_view answer) {
    const auto at = answer.find("\"id\":\"");
    return std::string(answer.substr(at + 6, 36));
  }
  std::vector<std::string> order() {
    MutexLock lock(mutex_);
    return order_;
  }

  SystemClock clock_;
  SystemRandom random_;
  UuidGenerator ids_{clock_, random_};
  Mutex mutex_;
  std::vector<std::string> order_;
  FakeOperations operations_{order_, mutex_};
  KeptAudit audit_{order_, mutex_};
  security::LocalAuthorizer local_;
  std::unique_ptr<http::Router> router_;
  std::unique_ptr<AdminServer> admin_;
};

TEST_F(AdminServerTest, ShowsTheLog) {
  const auto answer = read("log");
  EXPECT_EQ(status_of_answer(answer), 200);
  EXPECT_THAT(answer, HasSubstr("\"commit\":5"));
}

TEST_F(AdminServerTest, ShowsTopicsThatMayBeSeen) {
  const auto answer = read("topics");
  EXPECT_THAT(answer, HasSubstr("\"name\":\"lab\""));
  EXPECT_EQ(answer.find("secret"), std::string::npos);
}

TEST_F(AdminServerTest, HoldsASnapshotUntilItIsReleased) {
  const auto taken = send("POST", "log/snapshots");
  EXPECT_EQ(status_of_answer(taken), 201);
  EXPECT_THAT(taken, HasSubstr("\"dataDirectory\":\"/somewhere/data\",\"commit\":77"));
  const auto path = "log/snapshots/" + id_of(taken);
  EXPECT_EQ(body_of(read(path + "/checkpoint")), std::string("check\0point", 11));
  EXPECT_EQ(status_of_answer(send("POST", path + "/renew")), 200);
  EXPECT_TRUE(operations_.holds_snapshot());
  EXPECT_EQ(status_of_answer(send("DELETE", path)), 204);
  EXPECT_FALSE(operations_.holds_snapshot());
  EXPECT_EQ(status_of_answer(send("POST", path + "/renew")), 404);
  EXPECT_EQ(status_of_answer(read(path + "/checkpoint")), 404);
}

TEST_F(AdminServerTest, HoldsFourSnapshotsAtMost) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(status_of_answer(send("POST", "log/snapshots")), 201);
  EXPECT_EQ(status_of_answer(send("POST", "log/snapshots")), 429);
}

TEST_F(AdminServerTest, LetsGoOfASnapshotThatIsNotRenewed) {
  serve(local_, {.snapshot_life = std::chrono::milliseconds(300),
                 .expiry_interval = std::chrono::milliseconds(1)});
  ASSERT_EQ(status_of_answer(send("POST", "log/snapshots")), 201);
  EXPECT_TRUE(eventually([&] { return admin_->snapshots() == 0; }));
  EXPECT_TRUE(eventually([&] { return !operations_.holds_snapshot(); }));
}

TEST_F(AdminServerTest, LetsGoOfAllSnapshotsWhenItStops) {
  ASSERT_EQ(status_of_answer(send("POST", "log/snapshots")), 201);
  server_->stop(std::chrono::seconds(10));
  EXPECT_TRUE(admin_->stop(std::chrono::seconds(10)));
  EXPECT_FALSE(operations_.holds_snapshot());
}

TEST_F(AdminServerTest, GivesThePlaceBackWhenThereIsNoSnapshot) {
  operations_.refuses = true;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(status_of_answer(send("POST", "log/snapshots")), 429);
  EXPECT_EQ(admin_->snapshots(), 0u);
  operations_.refuses = false;
  EXPECT_EQ(status_of_answer(send("POST", "log/snapshots")), 201);
}

TEST_F(AdminServerTest, ChangesNothingWithoutTheHeader) {
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
           {"POST", "log/snapshots"},
           {"PATCH", "topics/lab/config"},
           {"DELETE", "topics/lab"},
           {"POST", "topics/lab/partitions/0/delete-records"}}) {
    const auto answer = send(method, path, R"({"before":12})", "");
    EXPECT_EQ(status_of_answer(answer), 403) << path;
    EXPECT_EQ(status_of_answer(send(method, path, R"({"before":12})",
                                    "Myelin-Admin: 1\r\nOrigin: http://evil.example\r\n")),
              403)
        << path;
  }
  EXPECT_THAT(order(), IsEmpty());
}

TEST_F(AdminServerTest, IsNotServedThroughAProxy) {
  const auto answer =
      ask("GET /api/v1/admin/log HTTP/1.1\r\n" + host() + "X-Forwarded-For: 10.0.0.1\r\n\r\n");
  EXPECT_EQ(status_of_answer(answer), 403);
}

TEST_F(AdminServerTest, ChangesSettingsOnceThatIsInTheAudit) {
  const auto answer = send("PATCH", "topics/lab/config", R"({"retention.ms":"1"})");
  EXPECT_EQ(status_of_answer(answer), 200);
  EXPECT_EQ(body_of(answer), R"({"retention.ms":"1"})");
  EXPECT_EQ(order(), (std::vector<std::string>{"audit topic.configured success", "configure lab"}));
  ASSERT_THAT(audit_.events, SizeIs(1));
  EXPECT_EQ(audit_.events[0].settings.at(0).name, "retention.ms");
  EXPECT_EQ(audit_.events[0].settings.at(0).value, "1");
  EXPECT_THAT(audit_.events[0].context.peer, HasSubstr("127.0.0.1:"));
}

TEST_F(AdminServerTest, RefusesASettingThatIsNotThere) {
  EXPECT_EQ(status_of_answer(send("PATCH", "topics/lab/config", R"({"colour":"1"})")), 400);
  EXPECT_EQ(status_of_answer(send("PATCH", "topics/lab/config", "{")), 400);
  EXPECT_EQ(status_of_answer(send("PATCH", "topics/lab/config", std::string(70'000, ' '))), 413);
  EXPECT_THAT(order(), IsEmpty());
}

TEST_F(AdminServerTest, DeletesATopicOnceItsOffsetsAreInTheAudit) {
  EXPECT_EQ(status_of_answer(send("DELETE", "topics/lab")), 204);
  EXPECT_EQ(order(), (std::vector<std::string>{"audit topic.deleted success",
                                               "audit records.removed success", "remove lab"}));
  ASSERT_THAT(audit_.events, SizeIs(2));
  const auto& records = audit_.events[1];
  EXPECT_EQ(records.session, audit_.events[0].id);
  EXPECT_EQ(records.counts.at(1).value, 10u);
  EXPECT_EQ(records.counts.at(2).value, 20u);
}

TEST_F(AdminServerTest, DeletesRecordsOnceThatIsInTheAudit) {
  const auto answer = send("POST", "topics/lab/partitions/0/delete-records", R"({"before":15})");
  EXPECT_EQ(body_of(answer), R"({"partition":0,"start":15})");
  EXPECT_EQ(order(),
            (std::vector<std::string>{"audit records.removed success", "delete lab 0 15"}));
  const auto& counts = audit_.events.at(0).counts;
  EXPECT_EQ(counts.at(0).value, 0u);
  EXPECT_EQ(counts.at(1).value, 10u);
  EXPECT_EQ(counts.at(2).value, 15u);
}

TEST_F(AdminServerTest, RefusesToDeleteWhatIsNotThere) {
  const std::string before = R"({"before":15})";
  EXPECT_EQ(status_of_answer(send("DELETE", "topics/none")), 404);
  EXPECT_EQ(status_of_answer(send("POST", "topics/none/partitions/0/delete-records", before)), 404);
  for (const auto* partition : {"2", "-1", "x", "99999999999"}) {
    const auto path = "topics/lab/partitions/" + std::string(partition) + "/delete-records";
    EXPECT_EQ(status_of_answer(send("POST", path, before)), 404) << partition;
  }
  EXPECT_EQ(
      status_of_answer(send("POST", "topics/lab/partitions/0/delete-records", R"({"before":21})")),
      400);
  EXPECT_THAT(order(), IsEmpty());
}

TEST_F(AdminServerTest, LeavesAloneWhatIsDeletedAlready) {
  const auto answer = send("POST", "topics/lab/partitions/0/delete-records", R"({"before":3})");
  EXPECT_EQ(body_of(answer), R"({"partition":0,"start":10})");
  EXPECT_THAT(order(), IsEmpty());
}

TEST_F(AdminServerTest, DoesNothingThatCannotBeRecorded) {
  audit_.fails = true;
  EXPECT_EQ(status_of_answer(send("DELETE", "topics/lab")), 503);
  EXPECT_EQ(
      status_of_answer(send("POST", "topics/lab/partitions/0/delete-records", R"({"before":15})")),
      503);
  EXPECT_EQ(status_of_answer(send("PATCH", "topics/lab/config", R"({"retention.ms":"1"})")), 503);
  EXPECT_EQ(status_of_answer(send("POST", "log/snapshots")), 503);
  EXPECT_THAT(order(), IsEmpty());
  EXPECT_EQ(admin_->snapshots(), 0u);
}

TEST_F(AdminServerTest, RecordsThatAChangeFailed) {
  operations_.refuses = true;
  EXPECT_EQ(status_of_answer(send("PATCH", "topics/lab/config", R"({"retention.ms":"1"})")), 503);
  ASSERT_THAT(audit_.events, SizeIs(2));
  EXPECT_EQ(audit_.events[1].outcome, AuditOutcome::Failed);
  EXPECT_EQ(audit_.events[1].reason, "unavailable");
  EXPECT_EQ(audit_.events[1].session, audit_.events[0].id);
}

TEST_F(AdminServerTest, DoesNotDeleteTheAudit) {
  EXPECT_EQ(status_of_answer(send("DELETE", "topics/security.audit.data-access")), 403);
  EXPECT_EQ(
      status_of_answer(send("POST", "topics/security.audit.data-access/partitions/0/delete-records",
                            R"({"before":15})")),
      403);
  EXPECT_THAT(order(), IsEmpty());
}

TEST_F(AdminServerTest, DoesNotChangeTheServersOwnTopics) {
  EXPECT_EQ(status_of_answer(send("DELETE", "topics/__myelin_metadata")), 403);
}

TEST_F(AdminServerTest, AsksTheAuthorizerAndRecordsARefusal) {
  RefusingAuthorizer nobody;
  serve(nobody);
  EXPECT_EQ(status_of_answer(read("log")), 403);
  EXPECT_EQ(status_of_answer(read("topics/lab/config")), 403);
  EXPECT_THAT(order(), IsEmpty());
  EXPECT_EQ(status_of_answer(send("DELETE", "topics/lab")), 403);
  EXPECT_EQ(status_of_answer(send("POST", "log/snapshots")), 403);
  EXPECT_EQ(order(), (std::vector<std::string>{"audit topic.deleted refused",
                                               "audit snapshot.taken refused"}));
  TearDown();
  serve(local_);
}

}  // namespace
}  // namespace myelin::admin
