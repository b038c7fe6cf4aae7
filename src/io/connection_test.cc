#include "io/connection.h"

#include "io/listener.h"
#include "io/test_support.h"

namespace myelin::io {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::eventually;

class ConnectionTest : public testing::IoTest {
 protected:
  // Runs the task with the server's end of a fresh connection.
  std::unique_ptr<TcpListener> serve(TcpListener::Handler handler) {
    auto listener = TcpListener::bind(runtime_, "test", {});
    EXPECT_TRUE(listener);
    (*listener)->start(std::move(handler));
    return std::move(listener).value();
  }
};

TEST_F(ConnectionTest, TellsItsPeerAndItsPort) {
  OneShot<std::string> peer;
  const auto listener = serve([&](std::unique_ptr<Connection> connection) -> Task<void> {
    peer.set(connection->peer() + " " + connection->local_address() + " " +
             std::to_string(connection->local_port()));
    co_return;
  });
  Client client(listener->local_port());
  sockaddr_in own{};
  socklen_t size = sizeof own;
  ::getsockname(client.fd(), reinterpret_cast<sockaddr*>(&own), &size);
  EXPECT_TRUE(eventually([&] { return peer.ready(); }));
  EXPECT_EQ(peer.take(), "127.0.0.1:" + std::to_string(ntohs(own.sin_port)) + " 127.0.0.1 " +
                             std::to_string(listener->local_port()));
}

TEST_F(ConnectionTest, ReadsNothingAtThePeersEndAndCanStillWrite) {
  const auto listener = serve([](std::unique_ptr<Connection> connection) -> Task<void> {
    std::array<char, 16> buffer;
    const auto count = co_await connection->read_some(buffer);
    EXPECT_TRUE(count && *count == 0);
    EXPECT_TRUE(co_await connection->write_all("bye"));
  });
  Client client(listener->local_port());
  client.end();
  EXPECT_EQ(client.read_all(), "bye");
}

TEST_F(ConnectionTest, ConnectionsThatShareABufferReadTheirOwnBytes) {
  // One io thread serves both, so the buffer is shared indeed.
  std::array<char, 16> shared;
  const auto echo = [&shared](std::unique_ptr<Connection> connection) -> Task<void> {
    for (;;) {
      const auto count = co_await connection->read_shared(shared);
      if (!count || *count == 0) break;
      const std::string own(shared.data(), *count);
      EXPECT_TRUE(co_await connection->write_all(own));
    }
  };
  Runtime one(log_.logger(), {.threads = 1, .blocking_threads = 1});
  auto bound = TcpListener::bind(one, "test", {});
  ASSERT_TRUE(bound);
  (*bound)->start(echo);
  Client first((*bound)->local_port());
  Client second((*bound)->local_port());
  for (int i = 0; i < 100; ++i) {
    first.send("abc");
    second.send("xyz");
    EXPECT_EQ(first.read_bytes(3), "abc");
    EXPECT_EQ(second.read_bytes(3), "xyz");
  }
  EXPECT_TRUE((*bound)->stop(10s));
}

TEST_F(ConnectionTest, ASharedReadEndsWhenThePeerDoesNotSendInTime) {
  const auto listener = serve([](std::unique_ptr<Connection> connection) -> Task<void> {
    std::array<char, 16> buffer;
    connection->set_read_timeout(10ms);
    const auto nothing = co_await connection->read_shared(buffer);
    EXPECT_FALSE(nothing);
    EXPECT_TRUE(co_await connection->write_all("!"));
  });
  Client client(listener->local_port());
  EXPECT_EQ(client.read_all(), "!");
}

TEST_F(ConnectionTest, WritesManyPartsInOrderToASlowReader) {
  constexpr int kParts = 500;
  std::string expected;
  std::vector<std::string> parts;
  for (int i = 0; i < kParts; ++i) {
    parts.push_back(
        std::string(static_cast<std::size_t>(i * 37 % 20'000), static_cast<char>('a' + i % 26)));
    expected += parts.back();
  }
  const auto listener = serve([&parts](std::unique_ptr<Connection> connection) -> Task<void> {
    const std::vector<std::string_view> views(parts.begin(), parts.end());
    EXPECT_TRUE(co_await connection->write_all(views));
  });
  Client client(listener->local_port(), 4096);
  EXPECT_TRUE(client.read_all() == expected);
}

TEST_F(ConnectionTest, AWriteToAPeerThatDoesNotReadTimesOut) {
  std::atomic<int> outcome = 0;
  const auto listener = serve([&outcome](std::unique_ptr<Connection> connection) -> Task<void> {
    connection->set_write_timeout(20ms);
    const std::string block(1 << 20, 'x');
    for (;;) {
      const auto written = co_await connection->write_all(block);
      if (written) continue;
      EXPECT_EQ(written.error().code(), ErrorCode::Unavailable);
      outcome = 1;
      co_return;
    }
  });
  Client client(listener->local_port(), 4096);
  EXPECT_TRUE(eventually([&] { return outcome == 1; }));
}

TEST_F(ConnectionTest, AReadTimeOutLeavesTheConnectionUsable) {
  const auto listener = serve([](std::unique_ptr<Connection> connection) -> Task<void> {
    std::array<char, 16> buffer;
    connection->set_read_timeout(10ms);
    const auto nothing = co_await connection->read_some(buffer);
    EXPECT_FALSE(nothing);
    connection->set_read_timeout(0ms);
    EXPECT_TRUE(co_await connection->write_all("?"));
    const auto count = co_await connection->read_some(buffer);
    EXPECT_TRUE(count && *count == 1);
    EXPECT_TRUE(co_await connection->write_all("!"));
  });
  Client client(listener->local_port());
  EXPECT_EQ(client.read_bytes(1), "?");
  client.send("a");
  EXPECT_EQ(client.read_all(), "!");
}

TEST_F(ConnectionTest, ADeadlineEndsReadsThatEachBringSomething) {
  std::atomic<bool> ended = false;
  const auto listener = serve([&ended](std::unique_ptr<Connection> connection) -> Task<void> {
    connection->set_read_deadline(std::chrono::steady_clock::now() + 30ms);
    std::array<char, 1> buffer;
    for (;;) {
      const auto count = co_await connection->read_some(buffer);
      if (!count) break;
    }
    ended = true;
  });
  Client client(listener->local_port());
  EXPECT_TRUE(eventually([&] {
    client.send("x");
    return ended.load();
  }));
}

TEST_F(ConnectionTest, AReadersTimeOutDoesNotDisturbTheWriter) {
  std::string block(8 << 20, 'x');
  std::atomic<bool> timed_out = false;
  auto read = [](Connection* connection, std::atomic<bool>* flag) -> Task<void> {
    std::array<char, 16> buffer;
    connection->set_read_timeout(10ms);
    const auto count = co_await connection->read_some(buffer);
    *flag = !count;
  };
  auto write = [](Connection* connection, const std::string* bytes) -> Task<void> {
    EXPECT_TRUE(co_await connection->write_all(*bytes));
  };
  const auto listener = serve([&](std::unique_ptr<Connection> connection) -> Task<void> {
    co_await both(read(connection.get(), &timed_out), write(connection.get(), &block));
  });
  Client client(listener->local_port(), 4096);
  EXPECT_TRUE(eventually([&] { return timed_out.load(); }));
  EXPECT_EQ(client.read_all().size(), block.size());
}

TEST_F(ConnectionTest, ClosingFromAnotherTaskBreaksTheReader) {
  std::atomic<bool> broken = false;
  auto read = [](Connection* connection, std::atomic<bool>* flag) -> Task<void> {
    std::array<char, 16> buffer;
    try {
      const auto count = co_await connection->read_some(buffer);
      EXPECT_FALSE(count) << "a read of a closed connection came back";
    } catch (const Broken&) {
      *flag = true;
    }
  };
  auto close = [](Connection* connection) -> Task<void> {
    co_await sleep_for(5ms);
    connection->close();
  };
  const auto listener = serve([&](std::unique_ptr<Connection> connection) -> Task<void> {
    co_await both(read(connection.get(), &broken), close(connection.get()));
  });
  Client client(listener->local_port());
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(eventually([&] { return broken.load(); }));
}

TEST_F(ConnectionTest, AResetEndsTheTaskWithoutALogLine) {
  std::atomic<int> state = 0;
  const auto listener = serve([&](std::unique_ptr<Connection> connection) -> Task<void> {
    state = 1;
    std::array<char, 16> buffer;
    const auto count = co_await connection->read_some(buffer);
    EXPECT_FALSE(count) << "a reset is no end of the stream";
  });
  Client client(listener->local_port());
  EXPECT_TRUE(eventually([&] { return state == 1; }));
  client.reset();
  EXPECT_TRUE(eventually([&] { return listener->counts().open == 0; }));
  EXPECT_EQ(log_.text(), "");
}

TEST_F(ConnectionTest, ConnectsToAListenerByName) {
  const auto listener = serve([](std::unique_ptr<Connection> connection) -> Task<void> {
    EXPECT_TRUE(co_await connection->write_all("hi"));
  });
  auto check = [](Runtime* runtime, std::uint16_t port) -> Task<void> {
    auto connection = co_await connect(*runtime, "localhost", port, 10s);
    EXPECT_TRUE(connection);
    if (!connection) co_return;
    std::array<char, 16> buffer;
    const auto count = co_await (*connection)->read_some(buffer);
    EXPECT_TRUE(count && std::string_view(buffer.data(), *count) == "hi");
  };
  runtime_.run_to_end(check(&runtime_, listener->local_port()));
}

TEST_F(ConnectionTest, ConnectingToNobodyIsAnError) {
  std::uint16_t port = 0;
  {
    const auto listener = serve([](std::unique_ptr<Connection>) -> Task<void> { co_return; });
    port = listener->local_port();
  }
  auto check = [](Runtime* runtime, std::uint16_t to) -> Task<void> {
    const auto connection = co_await connect(*runtime, "127.0.0.1", to, 10s);
    EXPECT_FALSE(connection);
    if (!connection) EXPECT_EQ(connection.error().code(), ErrorCode::Unavailable);
  };
  runtime_.run_to_end(check(&runtime_, port));
}

}  // namespace
}  // namespace myelin::io
