#include "servers/mllp/mllp_server.h"

#include "feeds/test_engine.h"
#include "servers/mllp/mllp_test_support.h"

namespace myelin::mllp {
namespace {

using feeds::admission;
using io::testing::eventually;
using testing::frame;
using ::testing::HasSubstr;
using ::testing::Not;

using MllpServerTest = testing::MllpTest;

TEST_F(MllpServerTest, AcknowledgesWhatIsDurable) {
  feeds::TestEngine engine(runtime_, clock_);
  start(engine.bus());
  auto client = connect();
  client.send(frame(admission("M1")));
  EXPECT_EQ(read_ack(client), "AA M1");
  client.send(frame(admission("M2", "AL|NE")));
  EXPECT_EQ(read_ack(client), "CA M2");
  TearDown();
  server_.reset();
}

TEST_F(MllpServerTest, AcknowledgesNothingBeforeItIsDurable) {
  start(held_);
  auto client = connect();
  client.send(frame(admission("M1")) + frame(admission("M2")) + frame("not HL7"));
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 3; }));
  client.send(frame(admission("M3")));
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 4; }));
  // The fourth was read after the first three could have been acknowledged.
  EXPECT_FALSE(has_received(client));
  held_.release(1);
  EXPECT_EQ(read_ack(client), "AA M1");
  held_.release(3);
  EXPECT_EQ(read_ack(client), "AA M2");
  EXPECT_EQ(read_ack(client), "AE ");
  EXPECT_EQ(read_ack(client), "AA M3");
}

TEST_F(MllpServerTest, AcknowledgesInOrderWhateverIsDurableFirst) {
  start(held_);
  auto client = connect();
  client.send(frame(admission("M1")) + frame(admission("M2")));
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 2; }));
  held_.release_at(1);
  client.send(frame(admission("M3")));
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 2; }));
  EXPECT_FALSE(has_received(client));
  held_.release(2);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(read_ack(client), "AA M" + std::to_string(i));
}

TEST_F(MllpServerTest, AcknowledgesInOrderAlsoWhatIsRefusedAtOnce) {
  Settings settings;
  settings.feed.message_bytes_max = 1_KiB;
  start(held_, settings);
  auto client = connect();
  client.send(frame(admission("M1")) + frame(admission("M2") + std::string(2000, 'x')) +
              frame(admission("M3")));
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 2; }));
  held_.release(2);
  EXPECT_EQ(read_ack(client), "AA M1");
  EXPECT_EQ(read_ack(client), "AR M2");
  EXPECT_EQ(read_ack(client), "AA M3");
  EXPECT_EQ(metric("myelin_mllp_refused_total{feed=\"default\",reason=\"too_long\"}"), 1u);
}

TEST_F(MllpServerTest, GivesTheSameAcknowledgmentsHoweverTheStreamIsCut) {
  start(bus_);
  std::string stream;
  for (int i = 1; i <= 3; ++i) stream += frame(admission("M" + std::to_string(i))) + "\r\n";
  for (const std::size_t portion : {1u, 2u, 7u, 100u}) {
    auto client = connect();
    for (std::size_t at = 0; at < stream.size(); at += portion)
      ASSERT_TRUE(client.send(std::string_view(stream).substr(at, portion)));
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(read_ack(client), "AA M" + std::to_string(i));
  }
}

TEST_F(MllpServerTest, SendsNoAcknowledgmentWhereNoneIsAsked) {
  start(bus_);
  auto client = connect();
  client.send(frame(admission("M1", "NE|NE")) + frame(admission("M2")));
  EXPECT_EQ(read_ack(client), "AA M2");
  EXPECT_EQ(bus_.record_count(), 2u);
}

TEST_F(MllpServerTest, ClosesWithoutAcknowledgmentWhatCannotBecomeDurable) {
  for (const auto code : {ErrorCode::Unavailable, ErrorCode::Canceled}) {
    testing::HeldBus bus;
    start(bus);
    auto client = connect();
    client.send(frame(admission("M1")) + frame(admission("M2")) + frame(admission("M3")));
    ASSERT_TRUE(eventually([&] { return bus.waiting() == 3; }));
    bus.release(1);
    EXPECT_EQ(read_ack(client), "AA M1");
    bus.release(1, Error(code, "no"));
    EXPECT_EQ(read_ack(client), "closed");
    bus.release(1);
    ASSERT_TRUE(server_->stop(std::chrono::seconds(10)));
    server_.reset();
  }
}

TEST_F(MllpServerTest, ClosesWithoutAcknowledgmentWhatTheBusDoesNotTake) {
  start(held_);
  auto client = connect();
  client.send(frame(admission("M1")));
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 1; }));
  held_.fail_next_append(Error(ErrorCode::Unavailable, "no space on disk"));
  client.send(frame(admission("M2")) + frame(admission("M3")));
  // The one before it is durable later and is told so.
  ASSERT_TRUE(eventually([&] {
    return metric("myelin_mllp_refused_total{feed=\"default\",reason=\"not_durable\"}");
  }));
  held_.release(1);
  EXPECT_EQ(read_ack(client), "AA M1");
  EXPECT_EQ(read_ack(client), "closed");
  EXPECT_EQ(held_.record_count(), 1u);
}

TEST_F(MllpServerTest, TriesAgainWhatTheBusCannotTakeYet) {
  start(bus_);
  for (int i = 0; i < 3; ++i) bus_.fail_next_append(Error(ErrorCode::Exhausted, "too much waits"));
  auto client = connect();
  client.send(frame(admission("M1")) + frame(admission("M2")));
  EXPECT_EQ(read_ack(client), "AA M1");
  EXPECT_EQ(read_ack(client), "AA M2");
  EXPECT_EQ(bus_.record_count(), 2u);
  EXPECT_EQ(metric("myelin_mllp_exhausted_total{feed=\"default\"}"), 3u);
}

TEST_F(MllpServerTest, ReadsNoFurtherThanItsLimitOfMessagesInFlight) {
  Settings settings;
  settings.in_flight_messages_max = 2;
  start(held_, settings);
  auto client = connect();
  std::string stream;
  for (int i = 1; i <= 5; ++i) stream += frame(admission("M" + std::to_string(i)));
  client.send(stream);
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 2; }));
  held_.release(1);
  EXPECT_EQ(read_ack(client), "AA M1");
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 2; }));
  EXPECT_EQ(held_.record_count(), 3u);
  held_.release(2);
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 2; }));
  held_.release(2);
  for (int i = 2; i <= 5; ++i) EXPECT_EQ(read_ack(client), "AA M" + std::to_string(i));
}

TEST_F(MllpServerTest, TakesAMessageLargerThanItsLimitOfBytesInFlightAlone) {
  Settings settings;
  settings.in_flight_bytes_max = 1_KiB;
  start(held_, settings);
  auto client = connect();
  client.send(frame(admission("M1") + "NTE|1||" + std::string(5000, 'x') + "\r") +
              frame(admission("M2")));
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 1; }));
  held_.release(1);
  EXPECT_EQ(read_ack(client), "AA M1");
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 1; }));
  held_.release(1);
  EXPECT_EQ(read_ack(client), "AA M2");
}

TEST_F(MllpServerTest, AcknowledgesTogetherWhatBecomesDurableTogether) {
  start(held_);
  auto client = connect();
  std::string stream;
  for (int i = 1; i <= 100; ++i) stream += frame(admission("M" + std::to_string(i)));
  client.send(stream);
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 100; }));
  held_.release(100);
  for (int i = 1; i <= 100; ++i) EXPECT_EQ(read_ack(client), "AA M" + std::to_string(i));
}

TEST_F(MllpServerTest, AnswersASenderThatHasEndedItsSide) {
  start(held_);
  auto client = connect();
  client.send(frame(admission("M1")) + frame(admission("M2")));
  client.end();
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 2; }));
  held_.release(2);
  EXPECT_EQ(read_ack(client), "AA M1");
  EXPECT_EQ(read_ack(client), "AA M2");
  EXPECT_EQ(read_ack(client), "closed");
}

TEST_F(MllpServerTest, ClosesOnGarbageAfterAcknowledgingWhatCameBefore) {
  start(bus_);
  auto client = connect();
  client.send(frame(admission("M1")) + "garbage" + frame(admission("M2")));
  EXPECT_EQ(read_ack(client), "AA M1");
  EXPECT_EQ(read_ack(client), "closed");
  EXPECT_EQ(bus_.record_count(), 1u);
}

TEST_F(MllpServerTest, SkipsAndCountsGarbageWhereTheFeedSaysSo) {
  Settings settings;
  settings.feed.skip_garbage = true;
  start(bus_, settings);
  auto client = connect();
  client.send("junk" + frame(admission("M1")) + "garbage" + frame(admission("M2")));
  EXPECT_EQ(read_ack(client), "AA M1");
  EXPECT_EQ(read_ack(client), "AA M2");
  EXPECT_EQ(metric("myelin_mllp_garbage_bytes_total{feed=\"default\"}"), 11u);
}

TEST_F(MllpServerTest, SkipsLineBreaksAndADoubledStart) {
  start(bus_);
  auto client = connect();
  client.send("\r\n\x0b" + frame(admission("M1")) + "\n\n" + frame(admission("M2")));
  EXPECT_EQ(read_ack(client), "AA M1");
  EXPECT_EQ(read_ack(client), "AA M2");
}

TEST_F(MllpServerTest, ClosesASilentConnection) {
  Settings settings;
  settings.listener.idle_timeout = std::chrono::milliseconds(50);
  settings.listener.handshake_timeout = std::chrono::milliseconds(50);
  start(bus_, settings);
  auto client = connect();
  EXPECT_EQ(read_ack(client), "closed");
}

TEST_F(MllpServerTest, ClosesConnectionsBeyondTheLimit) {
  Settings settings;
  settings.listener.connections_max = 1;
  start(bus_, settings);
  auto first = connect();
  first.send(frame(admission("M1")));
  EXPECT_EQ(read_ack(first), "AA M1");
  auto second = connect();
  EXPECT_EQ(read_ack(second), "closed");
  first.send(frame(admission("M2")));
  EXPECT_EQ(read_ack(first), "AA M2");
}

TEST_F(MllpServerTest, TakesNothingFromWhomTheAuthorizerRefuses) {
  authorizer_ = &refusing_;
  start(bus_);
  auto client = connect();
  client.send(frame(admission("M1")));
  EXPECT_THAT(read_ack(client), HasSubstr("closed"));
  EXPECT_EQ(bus_.record_count(), 0u);
  ASSERT_TRUE(eventually([&] { return audit_.events().size() == 1; }));
  EXPECT_EQ(audit_.events()[0].outcome, security::AuditOutcome::Refused);
  EXPECT_EQ(audit_.events()[0].reason, "forbidden");
}

TEST_F(MllpServerTest, TakesNothingWhereTheAuditFails) {
  audit_.fail();
  start(bus_);
  auto client = connect();
  client.send(frame(admission("M1")));
  EXPECT_THAT(read_ack(client), HasSubstr("closed"));
  EXPECT_EQ(bus_.record_count(), 0u);
}

TEST_F(MllpServerTest, RecordsAConnectionsOpeningAndEndInTheAudit) {
  Settings settings;
  settings.feed.name = "lab";
  settings.feed.message_bytes_max = 1_KiB;
  start(bus_, settings);
  {
    auto client = connect();
    client.send(frame(admission("M1")) + frame(std::string(2000, 'x')) + frame("bad"));
    for (int i = 0; i < 3; ++i) read_ack(client);
  }
  ASSERT_TRUE(eventually([&] { return audit_.events().size() == 2; }));
  const auto opened = audit_.events()[0];
  const auto ended = audit_.events()[1];
  EXPECT_EQ(opened.action, security::AuditAction::ConnectionOpened);
  EXPECT_EQ(opened.context.principal, "Feed:lab");
  EXPECT_THAT(opened.context.peer, HasSubstr("127.0.0.1:"));
  EXPECT_EQ(opened.resource.name, "hl7.*");
  EXPECT_EQ(ended.action, security::AuditAction::ConnectionEnded);
  EXPECT_EQ(ended.session, opened.id);
  ASSERT_EQ(ended.counts.size(), 2u);
  EXPECT_EQ(ended.counts[0].value, 2u);
  EXPECT_EQ(ended.counts[1].value, 1u);
}

TEST_F(MllpServerTest, RecordsTheEndAlsoWhenItIsStopped) {
  start(bus_);
  auto client = connect();
  client.send(frame(admission("M1")));
  EXPECT_EQ(read_ack(client), "AA M1");
  ASSERT_TRUE(server_->stop(std::chrono::seconds(10)));
  ASSERT_EQ(audit_.events().size(), 2u);
  EXPECT_EQ(audit_.events()[1].action, security::AuditAction::ConnectionEnded);
  EXPECT_EQ(read_ack(client), "closed");
}

TEST_F(MllpServerTest, StopsWhileReceiptsAreOpen) {
  start(held_);
  auto client = connect();
  client.send(frame(admission("M1")));
  ASSERT_TRUE(eventually([&] { return held_.waiting() == 1; }));
  ASSERT_TRUE(server_->stop(std::chrono::seconds(10)));
  EXPECT_EQ(read_ack(client), "closed");
  held_.release(1);
}

TEST_F(MllpServerTest, CountsMessagesByWhereTheyAreKept) {
  start(bus_);
  auto client = connect();
  client.send(frame(admission("M1")) + frame(admission("M2", "|", "ZZZ^Z01")) + frame("bad"));
  for (int i = 0; i < 3; ++i) read_ack(client);
  for (const char* kept : {"typed", "other", "errors"}) {
    EXPECT_EQ(
        metric(fmt::format("myelin_mllp_messages_total{{feed=\"default\",kept=\"{}\"}}", kept)), 1u)
        << kept;
  }
  EXPECT_EQ(metric("myelin_mllp_acknowledged_seconds_count{feed=\"default\"}"), 3u);
}

TEST_F(MllpServerTest, KeepsPatientsOutOfItsLogAndMetrics) {
  start(bus_);
  {
    auto client = connect();
    client.send(frame(admission("M1")) + frame("Doe^Jane 4711") + "4711 garbage");
    read_ack(client);
    read_ack(client);
    EXPECT_EQ(read_ack(client), "closed");
  }
  ASSERT_TRUE(eventually([&] { return audit_.events().size() == 2; }));
  const std::string told = log_.text() + registry_.prometheus_text();
  EXPECT_THAT(told, Not(HasSubstr("4711")));
  EXPECT_THAT(told, Not(HasSubstr("Doe")));
}

TEST_F(MllpServerTest, SurvivesASenderThatLeavesAtAnyByte) {
  start(bus_);
  const std::string stream = frame(admission("M1"));
  for (std::size_t size = 0; size <= stream.size(); size += 5) {
    auto client = connect();
    client.send(stream.substr(0, size));
    if (size % 2 == 0) {
      client.close();
    } else {
      client.reset();
    }
  }
  auto client = connect();
  client.send(stream);
  EXPECT_EQ(read_ack(client), "AA M1");
}

TEST_F(MllpServerTest, RefusesWrongSettings) {
  Settings settings;
  settings.feed.key = "nonsense";
  const auto made = MllpServer::make({.runtime = runtime_,
                                      .bus = bus_,
                                      .authorizer = local_,
                                      .audit = audit_,
                                      .ids = ids_,
                                      .logger = log_.logger(),
                                      .registry = registry_,
                                      .clock = clock_},
                                     settings, 1);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(made.error().message(), HasSubstr("key"));
}

}  // namespace
}  // namespace myelin::mllp
