// Peers that send what no client would.
#include <gmock/gmock.h>

#include <random>
#include <thread>

#include "formats/kafka_protocol/message_test_support.h"
#include "servers/kafka/catalogue.h"
#include "servers/kafka/kafka_test_support.h"

namespace myelin::kafka {
namespace {

class HostilePeerTest : public testing::KafkaTest {
 protected:
  void SetUp() override {
    start();
    make_topic("labs");
  }
  // Whether somebody else is served as if nothing were.
  void expect_unharmed() {
    auto client = connect();
    EXPECT_EQ(produce(client, "labs", batch({"a"})).error_code, 0);
    const auto offsets = client.ask<MetadataResponse>(MetadataRequest(), 9);
    EXPECT_FALSE(offsets.topics.empty());
    EXPECT_TRUE(io::testing::eventually([&] { return server_->request_memory_bytes() == 0; }));
  }
  static std::string frame(const Api& api, std::int16_t version, std::string_view body) {
    std::string bytes;
    encode_request_header(
        {.api_key = api.key, .api_version = version, .correlation_id = 0, .client_id = "hostile"},
        api, bytes);
    return bytes + std::string(body);
  }
  std::string random_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (auto& c : bytes) c = static_cast<char>(chance_());
    return bytes;
  }
  // Sends it and goes away, having read what came at once.
  void send(std::string_view bytes) {
    auto client = connect();
    client.send_frame(bytes);
    client.socket().end();
    client.socket().read_all();
  }

  std::mt19937 chance_{7};
};

TEST_F(HostilePeerTest, RandomBodiesOfEveryApiInEveryVersionHarmNobody) {
  for (const auto& entry : all_entries()) {
    for (auto version = entry.api->min; version <= entry.api->max; ++version) {
      for (const std::size_t size : {0u, 1u, 9u, 40u, 300u})
        send(frame(*entry.api, version, random_bytes(size)));
    }
  }
  expect_unharmed();
}

template <class Request>
std::vector<std::string> sound_bodies(std::int16_t version) {
  std::vector<std::string> bodies;
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    Arena arena;
    bodies.push_back(encoded(random_message<Request>(seed, version, arena), version));
  }
  return bodies;
}

TEST_F(HostilePeerTest, SoundMessagesFullOfNonsenseHarmNobody) {
  const auto send_all = [&](const Api& api, auto bodies_of) {
    if (find_entry(api.key) == nullptr) return;
    for (auto version = api.min; version <= api.max; ++version) {
      for (const auto& body : bodies_of(version)) send(frame(api, version, body));
    }
  };
#define MYELIN_SEND(Name) send_all(k##Name, sound_bodies<Name##Request>);
  MYELIN_KAFKA_APIS(MYELIN_SEND)
#undef MYELIN_SEND
  expect_unharmed();
}

TEST_F(HostilePeerTest, RandomBytesHarmNobody) {
  for (int i = 0; i < 200; ++i) {
    auto client = connect();
    client.socket().send(random_bytes(static_cast<std::size_t>(i) * 7));
    client.socket().end();
    client.socket().read_all();
  }
  expect_unharmed();
}

TEST_F(HostilePeerTest, ARequestThatIsNeverFinishedHarmsNobody) {
  std::deque<testing::KafkaClient> stuck;
  for (int i = 0; i < 20; ++i) {
    stuck.emplace_back(server_->port());
    std::string beginning(4, '\0');
    store_be(beginning.data(), std::int32_t{1'000'000});
    stuck.back().socket().send(beginning + "begun");
  }
  auto client = connect();
  EXPECT_EQ(produce(client, "labs", batch({"a"})).error_code, 0);
  stuck.clear();
  expect_unharmed();
}

TEST_F(HostilePeerTest, LargeRequestsThatAreNeverFinishedHarmNobody) {
  std::deque<testing::KafkaClient> stuck;
  for (int i = 0; i < 20; ++i) {
    stuck.emplace_back(server_->port());
    std::string beginning(4, '\0');
    store_be(beginning.data(), std::int32_t{100'000'000});
    stuck.back().socket().send(beginning + "begun");
  }
  EXPECT_TRUE(
      io::testing::eventually([&] { return server_->request_memory_bytes() >= 100'000'000; }));
  auto client = connect();
  EXPECT_EQ(produce(client, "labs", batch({"a"})).error_code, 0);
  stuck.clear();
  expect_unharmed();
}

TEST_F(HostilePeerTest, AReaderThatNeverReadsHoldsNoMoreThanItsShare) {
  auto writer = connect();
  const auto large = batch({std::string(200'000, 'x')});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(produce(writer, "labs", large).error_code, 0);
  std::deque<testing::KafkaClient> readers;
  for (int i = 0; i < 10; ++i) {
    readers.emplace_back(server_->port());
    for (int n = 0; n < 5; ++n)
      readers.back().send(fetch_request(readers.back(), "labs", {.max_bytes = 4 << 20}), 12);
  }
  EXPECT_TRUE(io::testing::eventually([&] { return server_->fetch_memory_bytes() > 0; }));
  EXPECT_LE(server_->fetch_memory_bytes(), server_->settings().fetch_memory.value);
  auto client = connect();
  EXPECT_EQ(produce(client, "labs", batch({"a"})).error_code, 0);
  readers.clear();
  EXPECT_TRUE(io::testing::eventually([&] { return server_->fetch_memory_bytes() == 0; }));
  expect_unharmed();
}

class SlowReaderTest : public testing::KafkaTest {};

TEST_F(SlowReaderTest, IsClosedThoughMoreOfItsRequestsWait) {
  ServerSettings settings;
  settings.listener.write_timeout = std::chrono::milliseconds(200);
  start(settings);
  make_topic("labs");
  auto writer = connect();
  const auto large = batch({std::string(200'000, 'x')});
  for (int i = 0; i < 60; ++i) EXPECT_EQ(produce(writer, "labs", large).error_code, 0);
  auto reader = connect();
  for (int n = 0; n < 5; ++n)
    reader.send(fetch_request(reader, "labs", {.max_bytes = 16 << 20}), 12);
  EXPECT_TRUE(io::testing::eventually(
      [&] { return log_.text().find("kafka.connection.slow") != std::string::npos; }));
  EXPECT_TRUE(io::testing::eventually([&] { return server_->fetch_memory_bytes() == 0; }));
  EXPECT_TRUE(io::testing::eventually([&] { return server_->connections() == 1; }))
      << "the writer's alone";
}

TEST_F(SlowReaderTest, KeepsNobodyElseFromReading) {
  ServerSettings settings;
  settings.fetch_memory = 4_MiB;
  start(settings);
  make_topic("labs");
  auto writer = connect();
  const auto large = batch({std::string(200'000, 'x')});
  for (int i = 0; i < 60; ++i) EXPECT_EQ(produce(writer, "labs", large).error_code, 0);
  broker_.settle();
  std::deque<testing::KafkaClient> readers;
  for (int i = 0; i < 6; ++i) {
    readers.emplace_back(server_->port());
    // What a socket's buffers take does not count.
    for (int n = 0; n < 10; ++n)
      readers.back().send(fetch_request(readers.back(), "labs", {.max_bytes = 16 << 20}), 12);
  }
  const auto is_full = [&] { return !server_->large_fetch_memory().try_take(1 << 20); };
  EXPECT_TRUE(io::testing::eventually([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return is_full();
  }));
  auto client = connect();
  EXPECT_EQ(values(fetch(client, "labs", {.offset = 30}).records).size(), 1u) << "from the disk";
  EXPECT_EQ(produce(writer, "labs", batch({"new"})).error_code, 0);
  EXPECT_THAT(values(fetch(client, "labs", {.offset = 60}).records),
              ::testing::ElementsAre("60:new"));
}

OffsetFetchRequest many_offsets(testing::KafkaClient& client, std::size_t count) {
  OffsetFetchRequest request;
  request.group_id = "readers";
  auto& topic = request.topics.emplace().add(client.arena());
  topic.name = "labs";
  topic.partition_indexes = {client.arena().make<std::int32_t>(count), count};
  return request;
}

TEST_F(HostilePeerTest, AnAnswerMayTakeMuchMoreThanItsRequest) {
  constexpr std::size_t kMany = 300'000;
  auto client = connect();
  const auto found = client.ask<OffsetFetchResponse>(many_offsets(client, kMany), 7);
  ASSERT_EQ(found.topics.size(), 1u);
  EXPECT_EQ(found.topics[0].partitions.size(), kMany);
  expect_unharmed();
}

TEST_F(HostilePeerTest, AnAnswerBeyondAllMeasureIsRefused) {
  auto client = connect();
  DescribeConfigsRequest request;
  request.include_documentation = true;
  constexpr std::int8_t kTopic = 2;
  for (int i = 0; i < 60'000; ++i) {
    auto& resource = request.resources.add(client.arena());
    resource.resource_type = kTopic;
    resource.resource_name = "labs";
  }
  client.send(request, 4);
  EXPECT_TRUE(client.is_closed());
  expect_unharmed();
}

TEST_F(HostilePeerTest, NoFurtherRequestBeginsWhileLargeAnswersWaitForTheirReader) {
  constexpr int kRequests = 60;
  constexpr std::size_t kMany = 100'000;  // 2 MB on the wire.
  auto client = connect();
  const auto request = many_offsets(client, kMany);
  std::thread sending([&] {
    for (int i = 0; i < kRequests; ++i) client.send(request, 7);
  });
  const auto begun = [&] { return server_->requests(kOffsetFetch.key).value(); };
  EXPECT_TRUE(io::testing::eventually([&] { return begun() > 0; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(begun(), kRequests / 2u);
  for (int i = 0; i < kRequests; ++i)
    EXPECT_EQ(client.receive<OffsetFetchResponse>(7).topics[0].partitions.size(), kMany);
  sending.join();
  expect_unharmed();
}

}  // namespace
}  // namespace myelin::kafka
