#include "io/listener.h"

#include <sys/resource.h>
#include <unistd.h>

#include "io/test_support.h"

namespace myelin::io {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::eventually;

Task<void> echo(std::unique_ptr<Connection> connection) {
  std::array<char, 4096> buffer;
  for (;;) {
    const auto count = co_await connection->read_some(buffer);
    if (!count || *count == 0) co_return;
    const auto written = co_await connection->write_all(std::string_view(buffer.data(), *count));
    if (!written) co_return;
  }
}

class ListenerTest : public testing::IoTest {
 protected:
  std::unique_ptr<TcpListener> listen(TcpListener::Handler handler,
                                      ListenerSettings settings = {}) {
    auto listener = TcpListener::bind(runtime_, "test", settings);
    EXPECT_TRUE(listener);
    (*listener)->start(std::move(handler));
    return std::move(listener).value();
  }
};

TEST_F(ListenerTest, EchoesOverManyConnectionsAtOnce) {
  const auto listener = listen(echo);
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) clients.emplace_back(listener->local_port());
  for (auto& client : clients) EXPECT_TRUE(client.send("hello"));
  for (auto& client : clients) EXPECT_EQ(client.read_bytes(5), "hello");
  EXPECT_EQ(listener->counts().open, 50u);
}

TEST_F(ListenerTest, OpensAndClosesAThousandConnections) {
  const auto listener = listen(echo);
  for (int i = 0; i < 1000; ++i) {
    Client client(listener->local_port());
    ASSERT_TRUE(client.connected());
    if (i % 3 == 0) {
      client.send("x");
      EXPECT_EQ(client.read_bytes(1), "x");
    }
    if (i % 7 == 0) client.reset();
  }
  EXPECT_TRUE(eventually([&] { return listener->counts().accepted == 1000; }));
  EXPECT_TRUE(eventually([&] { return listener->counts().open == 0; }));
}

TEST_F(ListenerTest, ClosesConnectionsBeyondTheLimitAndAcceptsAgainWhenOneLeaves) {
  const auto listener = listen(echo, {.connections_max = 2});
  std::vector<Client> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back(listener->local_port());
    clients.back().send("a");
    EXPECT_EQ(clients.back().read_bytes(1), "a");
  }
  Client refused(listener->local_port());
  EXPECT_EQ(refused.read_all(), "");
  EXPECT_EQ(listener->counts().refused, 1u);
  clients.pop_back();
  EXPECT_TRUE(eventually([&] { return listener->counts().open == 1; }));
  Client again(listener->local_port());
  again.send("b");
  EXPECT_EQ(again.read_bytes(1), "b");
}

TEST_F(ListenerTest, StopEndsConnectionsThatWait) {
  const auto listener = listen(echo);
  Client client(listener->local_port());
  client.send("a");
  EXPECT_EQ(client.read_bytes(1), "a");
  EXPECT_TRUE(listener->stop(10s));
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(listener->counts().open, 0u);
  EXPECT_FALSE(Client(listener->local_port()).connected());
}

TEST_F(ListenerTest, NamesThePortAndItsHolderWhenItIsTaken) {
  const auto listener = listen(echo);
  const auto second = TcpListener::bind(runtime_, "second", {.port = listener->local_port()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::Conflict);
  const std::string& message = second.error().message();
  EXPECT_NE(message.find("127.0.0.1:" + std::to_string(listener->local_port())), std::string::npos);
  EXPECT_NE(message.find("process " + std::to_string(::getpid())), std::string::npos) << message;
}

TEST_F(ListenerTest, RefusesAnAddressThatIsNone) {
  const auto listener = TcpListener::bind(runtime_, "test", {.address = "not an address"});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code(), ErrorCode::InvalidInput);
}

TEST_F(ListenerTest, ListensOnLocalhost) {
  const auto listener = listen(echo, {.address = "localhost"});
  Client client(listener->local_port());
  client.send("a");
  EXPECT_EQ(client.read_bytes(1), "a");
}

TEST_F(ListenerTest, ClosesAConnectionThatSaysNothingFirst) {
  const auto listener = listen(echo, {.handshake_timeout = 20ms});
  Client client(listener->local_port());
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(ListenerTest, ClosesAConnectionThatFallsSilent) {
  const auto listener = listen(echo, {.idle_timeout = 20ms});
  Client client(listener->local_port());
  client.send("a");
  EXPECT_EQ(client.read_bytes(1), "a");
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(ListenerTest, GoesOnWhenDescriptorsRunOut) {
  const auto listener = listen(echo);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  Client client(listener->local_port());
  client.send("a");
  EXPECT_EQ(client.read_bytes(1), "a");
  // The next descriptor is the client's, the one after that is what accept cannot have.
  const int next = ::dup(0);
  ::close(next);
  const rlimit low{.rlim_cur = static_cast<rlim_t>(next) + 1, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  Client waiting(listener->local_port());
  EXPECT_TRUE(eventually([&] { return listener->counts().failed > 0; }));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  waiting.send("b");
  EXPECT_EQ(waiting.read_bytes(1), "b");
}

}  // namespace
}  // namespace myelin::io
