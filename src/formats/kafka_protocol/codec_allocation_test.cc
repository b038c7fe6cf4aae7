// What comes with every batch of records takes no memory to read, once its arena is warm.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "formats/kafka_protocol/apis.h"
#include "formats/kafka_protocol/codec.h"

namespace {

thread_local std::size_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace myelin::kafka {
namespace {

constexpr std::int32_t kPartitions = 6;
const std::string kRecords(16'384, 'r');

ProduceRequest produce_request(Arena& arena) {
  ProduceRequest request;
  auto& topic = request.topic_data.add(arena);
  topic.name = "labs";
  for (std::int32_t i = 0; i < kPartitions; ++i) {
    auto& partition = topic.partition_data.add(arena);
    partition.index = i;
    partition.records.is_null = false;
    partition.records.pieces.add(arena, kRecords);
  }
  return request;
}

FetchRequest fetch_request(Arena& arena) {
  FetchRequest request;
  auto& topic = request.topics.add(arena);
  topic.topic = "labs";
  for (std::int32_t i = 0; i < kPartitions; ++i) topic.partitions.add(arena).partition = i;
  return request;
}

template <class Message>
void expect_no_memory_is_taken(const Message& message) {
  for (auto version = Message::kApi.min; version <= Message::kApi.max; ++version) {
    Output output;
    encode(message, version, output);
    const auto bytes = output.to_string();
    Arena warm;
    ASSERT_TRUE(decode<Message>(bytes, version, warm)) << version;
    const auto before = allocations;
    bool whole = true;
    for (int i = 0; i < 100; ++i) {
      warm.clear();
      whole = whole && decode<Message>(bytes, version, warm).has_value();
    }
    EXPECT_EQ(allocations, before) << "version " << version;
    EXPECT_TRUE(whole);
  }
}

TEST(KafkaCodecAllocations, AreCounted) {
  const auto before = allocations;
  const auto one = std::make_unique<int>(1);
  EXPECT_EQ(allocations, before + 1);
}

TEST(KafkaCodecAllocations, ReadingAProduceRequestTakesNone) {
  Arena arena;
  expect_no_memory_is_taken(produce_request(arena));
}

TEST(KafkaCodecAllocations, ReadingAFetchRequestTakesNone) {
  Arena arena;
  expect_no_memory_is_taken(fetch_request(arena));
}

}  // namespace
}  // namespace myelin::kafka
