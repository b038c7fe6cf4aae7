#include "servers/stream/stream_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "feeds/fake_bus.h"
#include "feeds/test_engine.h"
#include "formats/kafka/record_batch.h"
#include "io/http_test_support.h"
#include "io/notifier.h"

namespace myelin::stream {
namespace {

using io::testing::eventually;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class KeptAudit final : public security::AuditSink {
 public:
  io::Task<Status> record(security::AuditEvent event) override {
    MutexLock lock(mutex_);
    if (fails_) co_return Error(ErrorCode::Unavailable, "no disk");
    events_.push_back(std::move(event));
    co_return Status();
  }
  std::vector<security::AuditEvent> events() const {
    MutexLock lock(mutex_);
    return events_;
  }
  void fail() {
    MutexLock lock(mutex_);
    fails_ = true;
  }

 private:
  mutable Mutex mutex_;
  bool fails_ MYELIN_GUARDED_BY(mutex_) = false;
  std::vector<security::AuditEvent> events_ MYELIN_GUARDED_BY(mutex_);
};

class RefusingAuthorizer final : public security::Authorizer {
 public:
  Status authorize(const bus::Context&, security::Operation, const security::Resource&) override {
    return Error(ErrorCode::Forbidden, "nobody may");
  }
};

// One that gives what the test says, then fails.
class ScriptedBus final : public feeds::FakeBus {
 public:
  std::deque<Result<bus::Batches>> script;
  std::optional<std::string> gap;
  std::atomic<int> reads{0};

  io::Task<Result<std::unique_ptr<bus::Subscription>>> subscribe(bus::Context,
                                                                 bus::SubscribeOptions) override {
    co_return std::unique_ptr<bus::Subscription>(new Scripted(*this));
  }

  static bus::Batch batch(std::string_view value, int records = 1) {
    kafka::RecordBatchBuilder builder;
    for (int i = 0; i < records; ++i) EXPECT_TRUE(builder.add(0, std::nullopt, value));
    const auto bytes = std::make_shared<const std::string>(builder.finish());
    bus::Batch made;
    made.topic = std::make_shared<const bus::TopicName>(bus::TopicName{"", "t"});
    made.ref.record_count = static_cast<std::uint32_t>(records);
    made.ref.bytes = *bytes;
    made.ref.owner = bytes;
    return made;
  }

 private:
  class Scripted final : public bus::Subscription {
   public:
    explicit Scripted(ScriptedBus& bus) : bus_(bus) {}
    io::Task<Result<bus::Batches>> next(std::chrono::milliseconds) override {
      ++bus_.reads;
      if (bus_.script.empty()) co_return Error(ErrorCode::Corrupt, "a segment does not add up");
      auto result = std::move(bus_.script.front());
      bus_.script.pop_front();
      co_return result;
    }
    bool wants(const bus::Batch&, std::uint32_t record) const override { return record != 1; }
    std::string cursor(const bus::Batch&, std::uint32_t record) const override {
      return "c" + std::to_string(record);
    }
    std::optional<std::string> take_gap() override { return std::exchange(bus_.gap, std::nullopt); }

   private:
    ScriptedBus& bus_;
  };
};

struct Event {
  std::string id;
  std::string event;
  std::string data;
};

class StreamServerTest : public http::testing::HttpTest {
 protected:
  void open(bus::Bus& bus, Settings settings = {}) {
    streams_ = std::make_unique<StreamServer>(Parts{.runtime = runtime_,
                                                    .bus = bus,
                                                    .authorizer = *authorizer_,
                                                    .audit = audit_,
                                                    .ids = ids_,
                                                    .logger = log_.logger(),
                                                    .registry = registry_,
                                                    .clock = clock_},
                                              settings);
    streams_->install(router_);
    start(router_.as_handler());
  }
  void open_engine(Settings settings = {}) {
    engine_ = std::make_unique<feeds::TestEngine>(runtime_, clock_);
    open(engine_->bus(), settings);
  }
  void TearDown() override {
    if (server_) EXPECT_TRUE(server_->stop(std::chrono::seconds(10)));
    if (streams_) EXPECT_TRUE(streams_->stop(std::chrono::seconds(10)));
    streams_.reset();
    engine_.reset();
  }

  void append(std::string topic, std::string value) {
    bus::Record record;
    record.topic = {"", std::move(topic)};
    record.value = std::move(value);
    record.timestamp = clock_.now();
    bus::WriteSet writes;
    writes.records.push_back(std::move(record));
    auto receipt = engine_->bus().append({}, std::move(writes));
    ASSERT_TRUE(receipt) << receipt.error().message();
    runtime_.run_to_end(await(*receipt));
  }
  static io::Task<void> await(bus::Receipt receipt) {
    const auto positions = co_await receipt.durable();
    EXPECT_TRUE(positions);
  }

  // A stream whose head was read.
  Client follow(std::string_view target, std::string_view last_event_id = {}) {
    Client client(port());
    std::string text = fmt::format("GET {} HTTP/1.1\r\n{}", target, host());
    if (!last_event_id.empty()) text += fmt::format("Last-Event-ID: {}\r\n", last_event_id);
    client.send(text + "\r\n");
    const std::string head = client.read_until("\r\n\r\n");
    EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream"));
    return client;
  }
  // The next event; comments are passed over. Chunk lines never look like a field.
  static Event read_event(Client& client) {
    Event found;
    for (;;) {
      const std::string line = client.read_until("\n");
      if (line.empty()) return found;
      const auto field = [&](std::string_view name) {
        return line.substr(name.size(), line.size() - name.size() - 1);
      };
      if (line.starts_with("id: ")) found.id = field("id: ");
      if (line.starts_with("event: ")) found.event = field("event: ");
      if (line.starts_with("data: "))
        found.data += (found.data.empty() ? "" : "\n") + field("data: ");
      if (line == "\n" && !found.data.empty()) return found;
    }
  }
  static std::string value_of(const Event& event) {
    const auto at = event.data.find("\"value\":");
    return at == std::string::npos ? "none: " + event.data
                                   : event.data.substr(at + 8, event.data.size() - at - 9);
  }
  std::vector<std::string> read_values(Client& client, std::size_t count) {
    std::vector<std::string> values;
    while (values.size() < count) {
      const Event event = read_event(client);
      if (event.data.empty()) break;
      values.push_back(value_of(event));
    }
    return values;
  }

  // Here rather than in a test's body, which is over before the server has stopped.
  ScriptedBus scripted_;
  RefusingAuthorizer refusing_;
  SystemClock clock_;
  SystemRandom random_;
  UuidGenerator ids_{clock_, random_};
  metrics::Registry registry_;
  security::LocalAuthorizer local_;
  security::Authorizer* authorizer_ = &local_;
  KeptAudit audit_;
  http::Router router_;
  std::unique_ptr<feeds::TestEngine> engine_;
  std::unique_ptr<StreamServer> streams_;
};

TEST_F(StreamServerTest, SendsWhatIsAppended) {
  open_engine();
  auto client = follow("/events/hl7.adt.a01");
  append("hl7.adt.a01", R"({"n":1})");
  const Event event = read_event(client);
  EXPECT_THAT(event.data, HasSubstr(R"({"topic":"hl7.adt.a01","partition":0,"offset":0,)"));
  EXPECT_EQ(value_of(event), R"({"n":1})");
  EXPECT_FALSE(event.id.empty());
}

TEST_F(StreamServerTest, BeginsNowUnlessAskedOtherwise) {
  open_engine();
  append("t", "1");
  auto now = follow("/events/t");
  auto earliest = follow("/events/t?from=earliest");
  append("t", "2");
  EXPECT_THAT(read_values(now, 1), ElementsAre("2"));
  EXPECT_THAT(read_values(earliest, 2), ElementsAre("1", "2"));
}

TEST_F(StreamServerTest, BeginsAtATime) {
  open_engine();
  append("t", "1");
  const std::string future = format_rfc3339(clock_.now() + std::chrono::hours(24));
  auto past = follow("/events/t?from=2020-01-01T00:00:00Z");
  EXPECT_THAT(read_values(past, 1), ElementsAre("1"));
  auto later = follow("/events/t?from=" + future);
  append("t", "2");
  EXPECT_THAT(read_values(past, 1), ElementsAre("2"));
}

TEST_F(StreamServerTest, FollowsAPatternInCommitOrderWithTopicsMadeLater) {
  open_engine();
  append("hl7.b", "1");
  auto client = follow("/events/hl7.*?from=earliest");
  append("hl7.a", "2");
  append("fhir.a", "3");
  append("hl7.b", "4");
  append("hl7.c", "5");
  EXPECT_THAT(read_values(client, 4), ElementsAre("1", "2", "4", "5"));
}

TEST_F(StreamServerTest, ResumesAfterTheLastEventWithoutLossOrRepetition) {
  open_engine();
  for (int i = 0; i < 20; ++i) append(i % 2 ? "hl7.a" : "hl7.b", std::to_string(i));
  std::vector<std::string> seen;
  std::string last;
  // Each connection breaks after a few events.
  for (int connection = 0; connection < 8; ++connection) {
    auto client = follow("/events/hl7.*?from=earliest", last);
    if (connection == 3) append("hl7.new", "20");
    for (int i = 0; i < 3 && seen.size() < 21; ++i) {
      const Event event = read_event(client);
      ASSERT_FALSE(event.data.empty());
      seen.push_back(value_of(event));
      last = event.id;
    }
    client.reset();
  }
  std::vector<std::string> expected;
  for (int i = 0; i <= 20; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(seen, expected);
}

TEST_F(StreamServerTest, ResumesFromTheQueryToo) {
  open_engine();
  append("t", "1");
  append("t", "2");
  auto first = follow("/events/t?from=earliest");
  const std::string id = read_event(first).id;
  auto second = follow("/events/t?from=earliest&lastEventId=" + id);
  EXPECT_THAT(read_values(second, 1), ElementsAre("2"));
}

TEST_F(StreamServerTest, RefusesWhatItCannotBegin) {
  open_engine();
  for (const char* target : {"/events/t?from=yesterday", "/events/__myelin_metadata",
                             "/events/a..b", "/events/t?lastEventId=nonsense"}) {
    const std::string answer = get(target);
    EXPECT_EQ(status_of_answer(answer), 400) << target;
    EXPECT_THAT(body_of(answer), StartsWith(R"({"error":{"code":"invalid-input","message":)"));
  }
}

TEST_F(StreamServerTest, RefusesACursorOfAnotherDirectory) {
  open_engine();
  append("t", "1");
  auto client = follow("/events/t?from=earliest");
  const std::string id = read_event(client).id;
  TearDown();
  server_.reset();
  http::Router other;
  engine_ = std::make_unique<feeds::TestEngine>(runtime_, clock_);
  StreamServer streams({.runtime = runtime_,
                        .bus = engine_->bus(),
                        .authorizer = local_,
                        .audit = audit_,
                        .ids = ids_,
                        .logger = log_.logger(),
                        .registry = registry_,
                        .clock = clock_},
                       {});
  streams.install(other);
  start(other.as_handler());
  EXPECT_EQ(status_of_answer(get("/events/t?lastEventId=" + id)), 400);
  EXPECT_TRUE(server_->stop(std::chrono::seconds(10)));
  EXPECT_TRUE(streams.stop(std::chrono::seconds(10)));
}

TEST_F(StreamServerTest, RefusesWhomTheAuthorizerRefusesAndRecordsIt) {
  authorizer_ = &refusing_;
  open_engine();
  EXPECT_EQ(status_of_answer(get("/events/t")), 403);
  ASSERT_EQ(audit_.events().size(), 1u);
  EXPECT_EQ(audit_.events()[0].outcome, security::AuditOutcome::Refused);
}

TEST_F(StreamServerTest, RefusesWhatCannotBeAudited) {
  audit_.fail();
  open_engine();
  EXPECT_EQ(status_of_answer(get("/events/t")), 503);
}

TEST_F(StreamServerTest, RefusesStreamsBeyondTheLimit) {
  open_engine({.streams_max = 1});
  {
    auto client = follow("/events/t");
    EXPECT_EQ(status_of_answer(get("/events/t")), 503);
    EXPECT_EQ(streams_->open_streams(), 1u);
    client.reset();
    append("t", "1");  // What is written finds that the reader has left.
    append("t", "2");
  }
  EXPECT_TRUE(eventually([&] {
    append("t", "3");
    return streams_->open_streams() == 0;
  }));
  auto client = follow("/events/t?from=earliest");
  EXPECT_THAT(read_values(client, 1), ElementsAre("1"));
}

TEST_F(StreamServerTest, RecordsOpeningAndEndWithCounts) {
  open_engine();
  {
    auto client = follow("/events/t*");
    append("t", "1");
    append("t", "2");
    read_values(client, 2);
  }
  TearDown();
  const auto events = audit_.events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].action, security::AuditAction::StreamOpened);
  EXPECT_EQ(events[0].context.principal, "User:local");
  EXPECT_EQ(events[0].resource.name, "t*");
  EXPECT_EQ(events[1].action, security::AuditAction::StreamEnded);
  EXPECT_EQ(events[1].session, events[0].id);
  EXPECT_EQ(events[1].counts[0].name, "records");
  EXPECT_EQ(events[1].counts[0].value, 2u);
}

TEST_F(StreamServerTest, SplitsJsonWithLineBreaks) {
  open_engine();
  auto client = follow("/events/t");
  append("t", "{\n\"a\":1\n}");
  EXPECT_EQ(value_of(read_event(client)), "{\n\"a\":1\n}");
}

TEST_F(StreamServerTest, KeepsASilentStreamAlive) {
  open_engine({.heartbeat = std::chrono::milliseconds(100)});
  auto client = follow("/events/t");
  EXPECT_THAT(client.read_until(":"), HasSubstr(":"));
  EXPECT_THAT(client.read_until("\n\n"), Not(HasSubstr("data")));
}

TEST_F(StreamServerTest, TellsOfAGapAndOfAFailureAndThenEnds) {
  scripted_.gap = "events before offset 7 of t are not kept any more";
  scripted_.script.emplace_back(bus::Batches{ScriptedBus::batch("1", 3)});
  open(scripted_);
  auto client = follow("/events/t");
  const Event gap = read_event(client);
  EXPECT_EQ(gap.event, "gap");
  EXPECT_EQ(gap.data, R"({"message":"events before offset 7 of t are not kept any more"})");
  EXPECT_EQ(read_event(client).id, "c0");
  EXPECT_EQ(read_event(client).id, "c2");  // Record 1 is not wanted.
  const Event failure = read_event(client);
  EXPECT_EQ(failure.event, "failure");
  EXPECT_EQ(failure.data, R"({"code":"corrupt","message":"a segment does not add up"})");
  EXPECT_EQ(client.read_until("\r\n0\r\n\r\n"), "\r\n0\r\n\r\n");
}

TEST_F(StreamServerTest, ReadsNoFurtherThanASlowReaderTakes) {
  const auto large = ScriptedBus::batch("\"" + std::string(1u << 20, 'x') + "\"");
  for (int i = 0; i < 200; ++i) scripted_.script.emplace_back(bus::Batches{large});
  open(scripted_, {.write_timeout = std::chrono::milliseconds(300)});
  Client client(port(), 4096);
  client.send(get_text("/events/t"));
  // It takes nothing: the stream stops reading after what the sockets hold, then ends.
  ASSERT_TRUE(eventually([&] { return streams_->open_streams() == 0 && scripted_.reads > 0; }));
  EXPECT_LT(scripted_.reads, 50);
  EXPECT_THAT(registry_.prometheus_text(),
              HasSubstr("myelin_stream_ended_total{reason=\"slow\"} 1"));
}

TEST_F(StreamServerTest, AnswersHeadWithoutOpeningAStream) {
  open_engine();
  const std::string answer = ask("HEAD /events/t HTTP/1.1\r\n" + host() + "\r\n");
  EXPECT_EQ(status_of_answer(answer), 200);
  EXPECT_TRUE(audit_.events().empty());
}

TEST_F(StreamServerTest, EndsWhenItsReaderLeavesAlsoInSilence) {
  open_engine();
  {
    auto client = follow("/events/t");
    ASSERT_EQ(streams_->open_streams(), 1u);
  }
  EXPECT_TRUE(eventually([&] { return streams_->open_streams() == 0; }));
}

TEST_F(StreamServerTest, EndsWhenTheServerStops) {
  open_engine();
  auto client = follow("/events/t");
  EXPECT_TRUE(server_->stop(std::chrono::seconds(10)));
  EXPECT_TRUE(read_event(client).data.empty());
  EXPECT_TRUE(streams_->stop(std::chrono::seconds(10)));
  EXPECT_EQ(audit_.events().size(), 2u);
}

}  // namespace
}  // namespace myelin::stream
