// What the structs of Kafka's requests and responses are made of.
//
// A message is a value whose variable parts are views: into the bytes that it was decoded from, or
// into an Arena. It owns nothing and is copied freely. Its visit() lists its fields in the order of
// the wire, each with the versions that have it; decode() and encode() both follow that list
// (codec.h). https://kafka.apache.org/protocol
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include "base/arena.h"
#include "base/uuid.h"

namespace myelin::kafka {

inline constexpr std::int16_t kNever = std::numeric_limits<std::int16_t>::max();

// A request and its response.
struct Api {
  std::int16_t key;
  std::string_view name;
  std::int16_t min;            // The oldest version that this codec knows…
  std::int16_t max;            // …and the newest: Kafka 4.3's.
  std::int16_t flexible_from;  // Compact lengths and tagged fields: KIP-482.

  bool has(std::int16_t version) const { return version >= min && version <= max; }
  bool is_flexible(std::int16_t version) const { return version >= flexible_from; }
};

// The versions of its message in which a field exists.
struct Versions {
  std::int16_t from = 0;
  std::int16_t to = kNever;
  std::int16_t nullable_from = 0;  // For an optional field: before it must be there.
  std::int16_t tag = -1;           // Of a tagged field, which comes after all others…
  std::int64_t left_out = 0;       // …and is not written when its number is this.

  bool has(std::int16_t version) const { return version >= from && version <= to; }
};

// A sequence in an Arena, or a view of one.
template <class T>
class List {
 public:
  List() = default;
  List(T* data, std::size_t size)
      : data_(data),
        size_(static_cast<std::uint32_t>(size)),
        capacity_(static_cast<std::uint32_t>(size)) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }

  // A further element at the end. Earlier references break. Throws ArenaFull.
  T& add(Arena& arena, const T& value = T()) {
    if (size_ == capacity_) reserve(arena, size_ < 4 ? 4 : std::size_t{2} * size_);
    data_[size_] = value;
    return data_[size_++];
  }
  void reserve(Arena& arena, std::size_t capacity) {
    if (capacity <= capacity_) return;
    T* const larger = arena.make<T>(capacity);
    for (std::size_t i = 0; i < size_; ++i) larger[i] = data_[i];
    data_ = larger;
    capacity_ = static_cast<std::uint32_t>(capacity);
  }

 private:
  T* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

struct Bytes {
  std::string_view view;
};

// Record batches, one after another. What was decoded is one piece. Pieces of a response are not
// copied: whoever encodes it keeps them until it is written.
struct Records {
  List<std::string_view> pieces;
  bool is_null = true;

  std::size_t size_bytes() const {
    std::size_t bytes = 0;
    for (const auto piece : pieces) bytes += piece.size();
    return bytes;
  }
};

}  // namespace myelin::kafka
