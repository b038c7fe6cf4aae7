// Messages with random content, for tests of the codec.
#pragma once

#include <random>
#include <string>

#include "formats/kafka_protocol/apis.h"
#include "formats/kafka_protocol/codec.h"

namespace myelin::kafka {

// A visitor that fills in whatever the version has.
class RandomFill {
 public:
  RandomFill(std::uint32_t seed, std::int16_t version, Arena& arena)
      : chance_(seed), version_(version), arena_(arena) {}

  template <class T>
  void field(std::string_view, T& value, Versions versions = {}) {
    if (!versions.has(version_)) return;
    may_be_null_ = version_ >= versions.nullable_from;
    fill(value);
  }

 private:
  template <class T>
  void fill(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = number() % 2 == 0;
    } else if constexpr (std::is_arithmetic_v<T>) {
      value = static_cast<T>(number());
    } else {
      value.visit(*this);
    }
  }
  void fill(Uuid& value) {
    for (auto& byte : value.bytes) byte = static_cast<std::uint8_t>(number());
  }
  void fill(std::string_view& value) {
    std::string text(static_cast<std::size_t>(number() % 200), '\0');
    for (auto& c : text) c = static_cast<char>(number());
    value = arena_.copy(text);
  }
  void fill(Bytes& value) { fill(value.view); }
  void fill(Records& value) {
    value = {};
    value.is_null = may_be_null_ && number() % 4 == 0;
    if (!value.is_null) fill(value.pieces.add(arena_));
  }
  template <class T>
  void fill(List<T>& value) {
    const auto count = number() % 4;
    for (std::uint64_t i = 0; i < count; ++i) {
      T element;
      fill(element);
      value.add(arena_, element);
    }
  }
  template <class T>
  void fill(std::optional<T>& value) {
    value.reset();
    if (may_be_null_ && number() % 4 == 0) return;
    T inner;
    fill(inner);
    value = inner;
  }
  std::uint64_t number() { return chance_(); }

  std::mt19937_64 chance_;
  const std::int16_t version_;
  Arena& arena_;
  bool may_be_null_ = true;
};

template <class Message>
Message random_message(std::uint32_t seed, std::int16_t version, Arena& arena) {
  RandomFill fill(seed, version, arena);
  Message message;
  message.visit(fill);
  return message;
}

template <class Message>
std::string encoded(const Message& message, std::int16_t version) {
  Output output;
  encode(message, version, output);
  return output.to_string();
}

}  // namespace myelin::kafka
