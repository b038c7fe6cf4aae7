#include "bus/partitioner.h"

#include "base/bytes.h"

namespace myelin::bus {
namespace {

// MurmurHash2 (A. Appleby, public domain), 32 bits, with the seed that Kafka's default partitioner
// uses.
std::uint32_t murmur2(std::string_view bytes) {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  auto hash = 0x9747b28cu ^ static_cast<std::uint32_t>(bytes.size());
  while (bytes.size() >= 4) {
    auto word = load_le<std::uint32_t>(bytes.data()) * kMultiplier;
    word = (word ^ (word >> 24)) * kMultiplier;
    hash = (hash * kMultiplier) ^ word;
    bytes.remove_prefix(4);
  }
  if (!bytes.empty()) {
    for (auto i = bytes.size(); i-- > 0;) {
      hash ^= static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[i])) << (8 * i);
    }
    hash *= kMultiplier;
  }
  hash = (hash ^ (hash >> 13)) * kMultiplier;
  return hash ^ (hash >> 15);
}

}  // namespace

PartitionIndex partition_of_key(std::string_view key, std::int32_t partition_count) {
  const auto positive = static_cast<std::int32_t>(murmur2(key) & 0x7fffffff);
  return PartitionIndex(positive % partition_count);
}

}  // namespace myelin::bus
