// null_broker PORT: speaks the Kafka protocol, answers at once and stores nothing. What a client
// reaches with it is the client's own limit on this machine.
//
// Every topic exists; "x-6" has 6 partitions. Fetch gives the first batch that was produced, again
// and again with other offsets, without end. One thread a connection.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "formats/kafka/record_batch.h"
#include "formats/kafka_protocol/apis.h"
#include "formats/kafka_protocol/codec.h"

namespace myelin::kafka {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kRequestBytesMax = 128u << 20;
constexpr std::size_t kBatchBytesMin = 4096;  // Of the one that fetches give.
constexpr std::size_t kFetchBytes = 1u << 20;
constexpr std::int64_t kEndless = std::int64_t{1} << 40;

std::mutex batch_mutex;
std::string fetched_batch;
std::int64_t fetched_records = 0;

class Peer {
 public:
  Peer(int socket, std::int32_t port) : socket_(socket), port_(port) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(socket_); }

  void run() {
    while (read_request()) {
      arena_.clear(1u << 20);
      const auto peeked = peek_request_header(request_);
      if (!peeked || !answer(*peeked) || !write_answer()) return;
    }
  }

 private:
  bool read(char* to, std::size_t size) {
    while (size > 0) {
      const auto count = recv(socket_, to, size, 0);
      if (count <= 0) return false;
      to += count;
      size -= static_cast<std::size_t>(count);
    }
    return true;
  }
  bool read_request() {
    char length[kLengthBytes];
    if (!read(length, sizeof length)) return false;
    const auto bytes = static_cast<std::uint32_t>(load_be<std::int32_t>(length));
    if (bytes > kRequestBytesMax) return false;
    request_.resize(bytes);
    return read(request_.data(), request_.size());
  }
  bool write_answer() {
    store_be(output_.bytes().data(),
             static_cast<std::int32_t>(output_.size_bytes() - kLengthBytes));
    for (auto part : output_.parts()) {
      while (!part.empty()) {
        const auto count = send(socket_, part.data(), part.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        part.remove_prefix(static_cast<std::size_t>(count));
      }
    }
    return true;
  }

  bool answer(const RequestHeader& header) {
    if (header.api_key == kApiVersions.key) return answer<ApiVersionsRequest>(header);
    if (header.api_key == kMetadata.key) return answer<MetadataRequest>(header);
    if (header.api_key == kInitProducerId.key) return answer<InitProducerIdRequest>(header);
    if (header.api_key == kProduce.key) return answer<ProduceRequest>(header);
    if (header.api_key == kListOffsets.key) return answer<ListOffsetsRequest>(header);
    if (header.api_key == kFetch.key) return answer<FetchRequest>(header);
    return false;
  }
  template <class Request>
  bool answer(const RequestHeader& peeked) {
    const auto& api = Request::kApi;
    const auto header = decode_request_header(request_, api);
    if (!header || !api.has(peeked.api_version)) return false;
    const auto request = decode<Request>(std::string_view(request_).substr(header->size_bytes),
                                         peeked.api_version, arena_);
    if (!request) return false;
    output_.clear();
    output_.bytes().append(kLengthBytes, '\0');
    encode_response_header(peeked.correlation_id, api, peeked.api_version, output_.bytes());
    encode(respond(*request), peeked.api_version, output_);
    return true;
  }

  ApiVersionsResponse respond(const ApiVersionsRequest&) {
    ApiVersionsResponse response;
    for (const auto* api :
         {&kProduce, &kFetch, &kListOffsets, &kMetadata, &kApiVersions, &kInitProducerId}) {
      response.api_keys.add(arena_, {.api_key = api->key,
                                     .min_version = api->min,
                                     .max_version = api->max});
    }
    return response;
  }

  MetadataResponse respond(const MetadataRequest& request) {
    MetadataResponse response;
    response.brokers.add(arena_, {.node_id = 1, .host = "127.0.0.1", .port = port_, .rack = {}});
    response.controller_id = 1;
    if (!request.topics) return response;
    for (const auto& wanted : *request.topics) {
      auto& topic = response.topics.add(arena_);
      const auto name = wanted.name.value_or("");
      topic.name = name;
      for (std::size_t i = 0; i < topic.topic_id.bytes.size(); ++i)
        topic.topic_id.bytes[i] = static_cast<std::uint8_t>(i < name.size() ? name[i] : 'x');
      const auto digits = name.substr(name.rfind('-') + 1);
      std::int32_t count = 1;
      std::from_chars(digits.data(), digits.data() + digits.size(), count);
      for (std::int32_t i = 0; i < count; ++i) {
        auto& partition = topic.partitions.add(arena_);
        partition.partition_index = i;
        partition.leader_id = 1;
        partition.leader_epoch = 0;
        partition.replica_nodes.add(arena_, 1);
        partition.isr_nodes.add(arena_, 1);
      }
    }
    return response;
  }

  static InitProducerIdResponse respond(const InitProducerIdRequest&) {
    static std::atomic<std::int64_t> next = 1;
    InitProducerIdResponse response;
    response.producer_id = next++;
    return response;
  }

  ProduceResponse respond(const ProduceRequest& request) {
    ProduceResponse response;
    for (const auto& topic : request.topic_data) {
      auto& answered = response.responses.add(arena_);
      answered.name = topic.name;
      answered.topic_id = topic.topic_id;
      for (const auto& partition : topic.partition_data) {
        auto& result = answered.partition_responses.add(arena_);
        result.index = partition.index;
        result.base_offset = 0;
        if (!has_batch_ && partition.records.size_bytes() >= kBatchBytesMin)
          keep(partition.records.pieces[0]);
      }
    }
    return response;
  }
  void keep(std::string_view records) {
    has_batch_ = true;
    const auto batch = parse_batch_header(records);
    const std::lock_guard lock(batch_mutex);
    if (!batch || !fetched_batch.empty()) return;
    fetched_batch = records.substr(0, batch->size_bytes);
    fetched_records = batch->last_offset_delta + 1;
  }

  ListOffsetsResponse respond(const ListOffsetsRequest& request) {
    constexpr std::int64_t kLatest = -1;
    ListOffsetsResponse response;
    for (const auto& topic : request.topics) {
      auto& answered = response.topics.add(arena_);
      answered.name = topic.name;
      for (const auto& partition : topic.partitions) {
        auto& result = answered.partitions.add(arena_);
        result.partition_index = partition.partition_index;
        result.offset = partition.timestamp == kLatest ? kEndless : 0;
        result.leader_epoch = 0;
      }
    }
    return response;
  }

  FetchResponse respond(const FetchRequest& request) {
    {
      const std::lock_guard lock(batch_mutex);
      while (!fetched_batch.empty() && fetch_.size() < kFetchBytes) fetch_ += fetched_batch;
    }
    FetchResponse response;
    bool given = fetch_.empty();
    for (const auto& topic : request.topics) {
      auto& answered = response.responses.add(arena_);
      answered.topic = topic.topic;
      answered.topic_id = topic.topic_id;
      for (const auto& partition : topic.partitions) {
        auto& result = answered.partitions.add(arena_);
        result.partition_index = partition.partition;
        result.high_watermark = kEndless;
        result.last_stable_offset = kEndless;
        result.log_start_offset = 0;
        result.records.is_null = false;
        if (given) continue;
        given = true;  // One a request, as a broker that fills max.partition.fetch.bytes.
        auto offset = partition.fetch_offset;
        for (std::size_t at = 0; at < fetch_.size(); at += fetched_batch.size()) {
          store_be(fetch_.data() + at, offset);
          offset += fetched_records;
        }
        result.records.pieces.add(arena_, fetch_);
      }
    }
    return response;
  }

  const int socket_;
  const std::int32_t port_;
  std::string request_;
  std::string fetch_;
  bool has_batch_ = false;
  Arena arena_;
  Output output_;
};

int serve(std::uint16_t port) {
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listening, 128) != 0) {
    fmt::print(stderr, "null_broker: port {} cannot be listened on\n", port);
    return 1;
  }
  for (;;) {
    const int accepted = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0) continue;
    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread([accepted, port] { Peer(accepted, port).run(); }).detach();
  }
}

}  // namespace
}  // namespace myelin::kafka

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "null_broker PORT\n");
    return 2;
  }
  return myelin::kafka::serve(static_cast<std::uint16_t>(std::atoi(argv[1])));
}
