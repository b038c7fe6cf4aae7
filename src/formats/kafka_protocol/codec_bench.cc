// The messages that come with every batch of records, in the version that current clients choose.
#include "formats/kafka_protocol/codec.h"

#include <benchmark/benchmark.h>

#include "formats/kafka_protocol/apis.h"

namespace myelin::kafka {
namespace {

template <class Message>
constexpr std::int16_t kNewest = Message::kApi.max;

template <class Message>
std::string encoded(const Message& message) {
  Output output;
  encode(message, kNewest<Message>, output);
  return output.to_string();
}

ProduceRequest produce_request(Arena& arena, std::int64_t partitions, std::string_view records) {
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 30'000;
  auto& topic = request.topic_data.add(arena);
  for (std::int32_t i = 0; i < partitions; ++i) {
    auto& partition = topic.partition_data.add(arena);
    partition.index = i;
    partition.records.is_null = false;
    partition.records.pieces.add(arena, records);
  }
  return request;
}

ProduceResponse produce_response(Arena& arena, std::int64_t partitions) {
  ProduceResponse response;
  auto& topic = response.responses.add(arena);
  for (std::int32_t i = 0; i < partitions; ++i) {
    auto& partition = topic.partition_responses.add(arena);
    partition.index = i;
    partition.base_offset = i;
  }
  return response;
}

FetchRequest fetch_request(Arena& arena, std::int64_t partitions) {
  FetchRequest request;
  auto& topic = request.topics.add(arena);
  for (std::int32_t i = 0; i < partitions; ++i) {
    auto& partition = topic.partitions.add(arena);
    partition.partition = i;
    partition.fetch_offset = 1000 + i;
    partition.partition_max_bytes = 1 << 20;
  }
  return request;
}

FetchResponse fetch_response(Arena& arena, std::int64_t partitions, std::string_view records) {
  FetchResponse response;
  auto& topic = response.responses.add(arena);
  for (std::int32_t i = 0; i < partitions; ++i) {
    auto& partition = topic.partitions.add(arena);
    partition.partition_index = i;
    partition.high_watermark = 1000 + i;
    partition.records.is_null = false;
    partition.records.pieces.add(arena, records);
  }
  return response;
}

const std::string kRecords(16'384, 'r');

template <class Message>
void decode_again(benchmark::State& state, const Message& message) {
  const auto bytes = encoded(message);
  Arena warm;
  for (auto _ : state) {
    warm.clear();
    const auto decoded = decode<Message>(bytes, kNewest<Message>, warm);
    benchmark::DoNotOptimize(decoded.has_value());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class Message>
void encode_again(benchmark::State& state, const Message& message) {
  Output output;
  for (auto _ : state) {
    output.clear();
    encode(message, kNewest<Message>, output);
    benchmark::DoNotOptimize(output.size_bytes());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// The argument is a number of partitions, the items are partitions.
void decode_produce_request(benchmark::State& state) {
  Arena arena;
  decode_again(state, produce_request(arena, state.range(0), kRecords));
}
BENCHMARK(decode_produce_request)->Arg(1)->Arg(200);

void encode_produce_response(benchmark::State& state) {
  Arena arena;
  encode_again(state, produce_response(arena, state.range(0)));
}
BENCHMARK(encode_produce_response)->Arg(1)->Arg(200);

void decode_fetch_request(benchmark::State& state) {
  Arena arena;
  decode_again(state, fetch_request(arena, state.range(0)));
}
BENCHMARK(decode_fetch_request)->Arg(1)->Arg(200);

void encode_fetch_response(benchmark::State& state) {
  Arena arena;
  encode_again(state, fetch_response(arena, state.range(0), kRecords));
}
BENCHMARK(encode_fetch_response)->Arg(1)->Arg(200);

}  // namespace
}  // namespace myelin::kafka
