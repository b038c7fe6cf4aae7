#include "io/sse.h"

#include <atomic>

#include "io/http_test_support.h"
#include "io/notifier.h"

namespace myelin::http {
namespace {

using namespace std::chrono_literals;
using io::testing::Client;
using io::testing::eventually;

class Sse : public testing::HttpTest {
 protected:
  // What the events look like on the wire, without the answer's head and its chunks' sizes.
  std::string stream_of(Handler handler) {
    start(std::move(handler));
    Client client(port());
    client.send("GET / HTTP/1.0\r\n\r\n");
    return body_of(client.read_all());
  }
};

Task<void> one_event(Request&, ResponseWriter& writer) {
  SseStream stream(writer);
  stream.add_retry(2500ms);
  (void)co_await stream.start();
  (void)co_await stream.send("7-1", "record", "{\"a\":1}");
  (void)co_await stream.finish();
}

Task<void> hostile_event(Request&, ResponseWriter& writer) {
  SseStream stream(writer);
  (void)co_await stream.start();
  (void)co_await stream.send("1\ndata: x", "e\r\nid: y", "a\nb\r\nc\rd\n");
  (void)co_await stream.finish();
}

Task<void> gathered_events(Request&, ResponseWriter& writer) {
  SseStream stream(writer);
  (void)co_await stream.start();
  for (int i = 0; i < 3; ++i) stream.add(std::to_string(i), "", "x");
  (void)co_await stream.flush();
  (void)co_await stream.heartbeat();
  (void)co_await stream.finish();
}

Task<void> flood(Request&, ResponseWriter& writer) {
  writer.set_write_timeout(20ms);
  SseStream stream(writer);
  MYELIN_CHECK(co_await stream.start(), "the head goes out");
  const std::string data(1 << 16, 'x');
  while (co_await stream.send("", "", data)) {
  }
}

TEST_F(Sse, WritesHeadRetryAndEvent) {
  start(one_event);
  Client client(port());
  client.send(get_text("/"));
  const auto head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(has_field(head, "Content-Type: text/event-stream"));
  EXPECT_TRUE(has_field(head, "Cache-Control: no-store"));
  EXPECT_TRUE(has_field(head, "X-Accel-Buffering: no"));
  EXPECT_TRUE(has_field(head, "Transfer-Encoding: chunked"));
  EXPECT_EQ(
      client.read_until("0\r\n\r\n"),
      "d\r\nretry: 2500\n\n\r\n25\r\nid: 7-1\nevent: record\ndata: {\"a\":1}\n\n\r\n0\r\n\r\n");
}

TEST_F(Sse, SplitsDataAtEveryLineBreakAndCutsThemOutOfIds) {
  EXPECT_EQ(stream_of(hostile_event),
            "id: 1data: x\nevent: eid: y\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
}

TEST_F(Sse, GathersEventsIntoOneWrite) {
  start(gathered_events);
  Client client(port());
  client.send(get_text("/"));
  client.read_until("\r\n\r\n");
  EXPECT_EQ(
      client.read_until("0\r\n\r\n"),
      "2d\r\nid: 0\ndata: x\n\nid: 1\ndata: x\n\nid: 2\ndata: x\n\n\r\n4\r\n: \n\n\r\n0\r\n\r\n");
}

TEST_F(Sse, ASlowReaderEndsItsStreamAndIsCounted) {
  start(flood);
  Client client(port(), 4096);
  client.send(get_text("/"));
  EXPECT_TRUE(eventually([&] { return server_->counts().slow_readers == 1; }));
  EXPECT_TRUE(eventually([&] { return server_->connection_counts().open == 0; }));
}

TEST_F(Sse, AStopEndsAnOpenStreamAtOnce) {
  io::Notifier never;
  const auto wait_on = [](io::Notifier* notifier, ResponseWriter* writer) -> Task<void> {
    SseStream stream(*writer);
    stream.add_comment("open");
    (void)co_await stream.start();
    for (;;) {
      if (!co_await notifier->wait_until(std::chrono::steady_clock::now() + 10ms))
        (void)co_await stream.heartbeat();
    }
  };
  start([&](Request&, ResponseWriter& writer) { return wait_on(&never, &writer); });
  Client client(port());
  client.send(get_text("/"));
  client.read_until(": open\n\n");
  EXPECT_TRUE(server_->stop(20s));
  client.read_all();
}

TEST_F(Sse, AStreamWhoseClientLeftEndsAtItsNextHeartbeats) {
  const auto beat = [](ResponseWriter* writer) -> Task<void> {
    SseStream stream(*writer);
    (void)co_await stream.start();
    while (co_await stream.heartbeat()) co_await io::sleep_for(2ms);
  };
  start([&](Request&, ResponseWriter& writer) { return beat(&writer); });
  {
    Client client(port());
    client.send(get_text("/"));
    client.read_until("\r\n\r\n");
  }
  EXPECT_TRUE(eventually([&] { return server_->connection_counts().open == 0; }));
}

}  // namespace
}  // namespace myelin::http
