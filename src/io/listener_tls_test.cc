#include "io/listener.h"
#include "io/tls_test_support.h"

namespace myelin::io {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::eventually;
using testing::TestAuthority;
using testing::TestCertificate;
using testing::TlsClient;
using testing::TlsFiles;

Task<void> echo(std::unique_ptr<Connection> connection) {
  std::array<char, 16384> buffer;
  for (;;) {
    const auto count = co_await connection->read_shared(buffer);
    if (!count || *count == 0) co_return;
    const std::string own(buffer.data(), *count);
    const auto written = co_await connection->write_all(own);
    if (!written) co_return;
  }
}

Task<void> write_parts(std::unique_ptr<Connection> connection,
                       const std::vector<std::string>* parts) {
  const std::vector<std::string_view> views(parts->begin(), parts->end());
  EXPECT_TRUE(co_await connection->write_all(views));
}

Task<void> read_until_due(std::unique_ptr<Connection> connection, std::atomic<bool>* ended) {
  connection->set_read_deadline(std::chrono::steady_clock::now() + 30ms);
  std::array<char, 1> buffer;
  for (;;) {
    const auto count = co_await connection->read_some(buffer);
    if (!count) break;
  }
  *ended = true;
}

Task<void> write_until_it_fails(std::unique_ptr<Connection> connection,
                                std::atomic<bool>* timed_out) {
  connection->set_write_timeout(20ms);
  const std::string block(1 << 20, 'x');
  for (;;) {
    const auto written = co_await connection->write_all(block);
    if (written) continue;
    *timed_out = written.error().code() == ErrorCode::Unavailable;
    co_return;
  }
}

class TlsListenerTest : public testing::IoTest {
 protected:
  void listen(TcpListener::Handler handler, ListenerSettings settings = {}) {
    if (!settings.tls.enabled()) settings.tls = files_.write(authority_.issue("first"));
    auto listener = TcpListener::bind(runtime_, "test", settings);
    ASSERT_TRUE(listener) << listener.error().message();
    listener_ = std::move(*listener);
    listener_->start(std::move(handler));
  }
  void listen_for_clients(ClientAuthentication authentication) {
    ListenerSettings settings{.tls = files_.write(authority_.issue("first"))};
    settings.tls.client_ca = files_.write("ca.pem", authority_.own().certificate_pem());
    settings.tls.client_authentication = authentication;
    listen(echo, settings);
  }
  std::uint16_t port() const { return listener_->local_port(); }
  static bool echoes(TlsClient& client, const std::string& bytes) {
    return client.send(bytes) && client.read_bytes(bytes.size()) == bytes;
  }

  TestAuthority authority_;
  TlsFiles files_;
  std::unique_ptr<TcpListener> listener_;
};

TEST_F(TlsListenerTest, EchoesInEachVersion) {
  listen(echo);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(port(), {.version_max = version});
    ASSERT_TRUE(client.handshake());
    EXPECT_EQ(SSL_version(client.ssl()), version);
    EXPECT_TRUE(echoes(client, "hello"));
  }
}

TEST_F(TlsListenerTest, RefusesVersionsBelowTheLeast) {
  ListenerSettings settings{.tls = files_.write(authority_.issue("first"))};
  settings.tls.min_version = TlsVersion::Tls13;
  listen(echo, settings);
  TlsClient old(port(), {.version_max = TLS1_2_VERSION});
  EXPECT_FALSE(old.handshake());
  EXPECT_TRUE(eventually([&] { return listener_->counts().handshakes_failed == 1; }));
}

TEST_F(TlsListenerTest, CarriesMuchInBothDirectionsAtOnce) {
  listen(echo);
  TlsClient client(port());
  ASSERT_TRUE(client.handshake());
  std::string bytes;
  for (int i = 0; i < 4 << 20; ++i) bytes += static_cast<char>(i * 131 % 251);
  // All that is sent is encrypted before, so that only one thread uses OpenSSL's object.
  const std::string records = client.encrypt(bytes);
  std::thread sender([&] { EXPECT_TRUE(client.socket().send(records)); });
  EXPECT_TRUE(client.read_bytes(bytes.size()) == bytes);
  sender.join();
}

TEST_F(TlsListenerTest, ReadsTheSameHoweverTheRecordsAreCut) {
  listen(echo);
  std::string bytes;
  for (int i = 0; i < 40'000; ++i) bytes += static_cast<char>(i * 31 % 251);
  for (const std::size_t portion : {1u, 5u, 1000u, 16'406u}) {
    TlsClient client(port());
    ASSERT_TRUE(client.handshake());
    const std::string records = client.encrypt(bytes);
    for (std::size_t at = 0; at < records.size(); at += portion)
      ASSERT_TRUE(client.socket().send(std::string_view(records).substr(at, portion)));
    EXPECT_TRUE(client.read_bytes(bytes.size()) == bytes) << portion;
  }
}

TEST_F(TlsListenerTest, ReadsIntoLittleMemoryWhatCameInALargeRecord) {
  listen([](std::unique_ptr<Connection> connection) -> Task<void> {
    std::string all;
    std::array<char, 7> little;
    while (all.size() < 10'000) {
      const auto count = co_await connection->read_some(little);
      if (!count || *count == 0) co_return;
      all.append(little.data(), *count);
    }
    EXPECT_EQ(connection->bytes_read(), 10'000u);
    EXPECT_TRUE(co_await connection->write_all(all));
  });
  TlsClient client(port());
  ASSERT_TRUE(client.handshake());
  const std::string bytes(10'000, 'x');
  EXPECT_TRUE(echoes(client, bytes));
}

TEST_F(TlsListenerTest, WritesManyPartsInOrderToASlowReader) {
  std::string expected;
  std::vector<std::string> parts;
  for (int i = 0; i < 500; ++i) {
    parts.push_back(
        std::string(static_cast<std::size_t>(i * 37 % 20'000), static_cast<char>('a' + i % 26)));
    expected += parts.back();
  }
  listen([&parts](auto connection) { return write_parts(std::move(connection), &parts); });
  TlsClient client(port(), {.receive_buffer = 4096});
  ASSERT_TRUE(client.handshake());
  EXPECT_TRUE(client.read_all() == expected);
  EXPECT_TRUE(client.was_told_the_end());
}

TEST_F(TlsListenerTest, AnEndThatIsToldOrNotIsAnEndAndWritingGoesOn) {
  listen([](std::unique_ptr<Connection> connection) -> Task<void> {
    std::array<char, 16> buffer;
    const auto count = co_await connection->read_some(buffer);
    EXPECT_TRUE(count && *count == 0);
    const auto again = co_await connection->read_some(buffer);
    EXPECT_TRUE(again && *again == 0);
    EXPECT_TRUE(co_await connection->write_all("bye"));
    connection->shutdown_write();
  });
  TlsClient polite(port());
  ASSERT_TRUE(polite.handshake());
  polite.end();
  EXPECT_EQ(polite.read_all(), "bye");
  EXPECT_TRUE(polite.was_told_the_end());
  TlsClient rude(port());
  ASSERT_TRUE(rude.handshake());
  rude.socket().end();
  EXPECT_EQ(rude.read_all(), "bye");
  TlsClient cut(port());
  ASSERT_TRUE(cut.handshake());
  const std::string record = cut.encrypt("never whole");
  cut.socket().send(std::string_view(record).substr(0, record.size() - 1));
  cut.socket().end();
  EXPECT_EQ(cut.read_all(), "bye");
  EXPECT_TRUE(eventually([&] { return listener_->counts().open == 0; }));
  EXPECT_EQ(log_.text(), "");
}

TEST_F(TlsListenerTest, ADamagedRecordEndsTheConnectionWithoutALogLine) {
  listen(echo);
  TlsClient client(port());
  ASSERT_TRUE(client.handshake());
  EXPECT_TRUE(echoes(client, "hello"));
  std::string record = client.encrypt("damaged");
  record.back() = static_cast<char>(record.back() ^ 1);
  client.socket().send(record);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(eventually([&] { return listener_->counts().open == 0; }));
  EXPECT_EQ(log_.text(), "");
}

TEST_F(TlsListenerTest, ReadsTimeOutAndGoOn) {
  listen([](std::unique_ptr<Connection> connection) -> Task<void> {
    std::array<char, 16> buffer;
    connection->set_read_timeout(10ms);
    const auto nothing = co_await connection->read_shared(buffer);
    EXPECT_FALSE(nothing);
    connection->set_read_timeout(0ms);
    EXPECT_TRUE(co_await connection->write_all("?"));
    const auto count = co_await connection->read_some(buffer);
    EXPECT_TRUE(count && *count == 1);
    EXPECT_TRUE(co_await connection->write_all("!"));
  });
  TlsClient client(port());
  ASSERT_TRUE(client.handshake());
  // The first half of a record is something for the socket and nothing for the reader.
  const std::string record = client.encrypt("a");
  client.socket().send(std::string_view(record).substr(0, 10));
  EXPECT_EQ(client.read_bytes(1), "?");
  client.socket().send(std::string_view(record).substr(10));
  EXPECT_EQ(client.read_all(), "!");
}

TEST_F(TlsListenerTest, ADeadlineEndsReadsThatEachBringSomething) {
  std::atomic<bool> ended = false;
  listen([&ended](auto connection) { return read_until_due(std::move(connection), &ended); });
  TlsClient client(port());
  ASSERT_TRUE(client.handshake());
  EXPECT_TRUE(eventually([&] {
    client.send("x");
    return ended.load();
  }));
}

TEST_F(TlsListenerTest, AWriteToAPeerThatDoesNotReadTimesOut) {
  std::atomic<bool> timed_out = false;
  listen([&timed_out](auto connection) {
    return write_until_it_fails(std::move(connection), &timed_out);
  });
  TlsClient client(port(), {.receive_buffer = 4096});
  ASSERT_TRUE(client.handshake());
  EXPECT_TRUE(eventually([&] { return timed_out.load(); }));
}

TEST_F(TlsListenerTest, APeerThatDoesNotFinishTheHandshakeIsClosed) {
  listen(echo, {.handshake_timeout = 50ms});
  Client silent(port());
  EXPECT_EQ(silent.read_all(), "");
  // A peer that sends a byte now and then is not kept longer.
  TlsClient slow(port());
  SSL_do_handshake(slow.ssl());
  const std::string hello = slow.records();
  std::size_t at = 0;
  EXPECT_TRUE(eventually([&] {
    std::this_thread::sleep_for(20ms);
    if (at + 1 < hello.size()) slow.socket().send(std::string_view(hello).substr(at++, 1));
    return listener_->counts().handshakes_failed == 2;
  }));
  EXPECT_LT(at + 1, hello.size());
  EXPECT_TRUE(eventually([&] { return listener_->counts().open == 0; }));
}

TEST_F(TlsListenerTest, APeerThatSpeaksSomethingElseIsClosedWithALineThatSaysSo) {
  listen(echo);
  Client plain(port());
  plain.send("GET /patients/MUSTERMANN HTTP/1.1\r\n\r\n");
  plain.read_all();
  EXPECT_TRUE(eventually([&] { return listener_->counts().handshakes_failed == 1; }));
  EXPECT_TRUE(eventually(
      [&] { return log_.text().find("the peer does not speak TLS") != std::string::npos; }));
  EXPECT_EQ(log_.text().find("MUSTERMANN"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return listener_->counts().open == 0; }));
}

TEST_F(TlsListenerTest, APeerThatGoesWithoutAByteIsNoFailure) {
  listen(echo);
  Client(port()).close();
  EXPECT_TRUE(eventually(
      [&] { return listener_->counts().accepted == 1 && listener_->counts().open == 0; }));
  EXPECT_EQ(listener_->counts().handshakes_failed, 0u);
  EXPECT_EQ(log_.text(), "");
}

TEST_F(TlsListenerTest, StopEndsHandshakes) {
  listen(echo);
  Client silent(port());
  EXPECT_TRUE(eventually([&] { return listener_->counts().open == 1; }));
  EXPECT_TRUE(listener_->stop(10s));
  EXPECT_EQ(silent.read_all(), "");
}

TEST_F(TlsListenerTest, NewConnectionsGetTheNewCertificateAndOldOnesGoOn) {
  listen(echo);
  TlsClient before(port());
  ASSERT_TRUE(before.handshake());
  EXPECT_EQ(before.server_name(), "first");
  files_.write(authority_.issue("second"));
  EXPECT_TRUE(eventually([&] {
    TlsClient after(port());
    return after.handshake() && after.server_name() == "second" && echoes(after, "new");
  }));
  EXPECT_TRUE(echoes(before, "old"));
  files_.write("tls.crt", "broken");
  EXPECT_TRUE(
      eventually([&] { return log_.text().find("tls.reload_failed") != std::string::npos; }));
  TlsClient later(port());
  EXPECT_TRUE(later.handshake());
  EXPECT_EQ(later.server_name(), "second");
}

TEST_F(TlsListenerTest, AClientWithoutACertificateIsRefusedWhereOneIsRequired) {
  listen_for_clients(ClientAuthentication::Required);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient nobody(port(), {.version_max = version});
    nobody.handshake();  // In 1.3 it ends before the server has looked.
    EXPECT_EQ(nobody.read_all(), "");
    TestAuthority another;
    const auto foreign = another.issue("client");
    TlsClient stranger(port(), {.version_max = version, .own = &foreign});
    stranger.handshake();
    EXPECT_EQ(stranger.read_all(), "");
  }
  EXPECT_TRUE(eventually([&] { return listener_->counts().handshakes_failed == 4; }));
  EXPECT_NE(log_.text().find("peer did not return a certificate"), std::string::npos);
  EXPECT_NE(log_.text().find("its certificate is refused: "), std::string::npos);
}

TEST_F(TlsListenerTest, AClientWithACertificateIsTakenAndComesBack) {
  listen_for_clients(ClientAuthentication::Required);
  const auto own = authority_.issue("client");
  TlsClient client(port(), {.own = &own});
  ASSERT_TRUE(client.handshake());
  EXPECT_TRUE(echoes(client, "hello"));
  const std::shared_ptr<SSL_SESSION> session(SSL_get1_session(client.ssl()), SSL_SESSION_free);
  TlsClient again(port(), {.own = &own});
  SSL_set_session(again.ssl(), session.get());
  ASSERT_TRUE(again.handshake());
  EXPECT_TRUE(SSL_session_reused(again.ssl()));
  EXPECT_TRUE(echoes(again, "hello"));
}

TEST_F(TlsListenerTest, AClientWithoutACertificateIsTakenWhereOneIsOnlyRequested) {
  listen_for_clients(ClientAuthentication::Requested);
  TlsClient nobody(port());
  ASSERT_TRUE(nobody.handshake());
  EXPECT_TRUE(echoes(nobody, "hello"));
}

TEST_F(TlsListenerTest, DoesNotBindWhenItsFilesAreNoGood) {
  const auto listener =
      TcpListener::bind(runtime_, "test", {.tls = {.certificate = files_.path("missing")}});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().message(), "tls.certificate: " + files_.path("missing") +
                                            ": cannot be read: No such file or directory");
}

}  // namespace
}  // namespace myelin::io
