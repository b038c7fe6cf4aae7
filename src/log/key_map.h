// KeyMap: the highest offset of each key that compaction has seen, in memory of a fixed size.
//
// Keys are kept as 128-bit hashes under a key of this process, so two keys are taken for one with a
// chance that no disk's error rate comes near, and nobody can make them so. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/siphash.h"
#include "log/types.h"

namespace myelin::log {

class KeyMap {
 public:
  KeyMap(std::size_t bytes_max, const SipKey& key);

  // False, and nothing changed, when it is full and the key is a new one.
  bool put(std::string_view key, Offset offset);
  std::optional<Offset> find(std::string_view key) const;

  std::size_t size() const { return used_; }
  void clear();

 private:
  struct Slot {
    Hash128 key;
    std::int64_t offset = -1;  // -1: empty.
  };
  std::size_t place(const Hash128& hash) const;
  void grow();

  const SipKey key_;
  const std::size_t slots_max_;
  std::vector<Slot> slots_;  // A power of two.
  std::size_t used_ = 0;
};

}  // namespace myelin::log
