// Bytes as views and as numbers: little- and big-endian access, a reader that cannot run over its
// end, a writer.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace myelin {

template <std::integral T>
T load_le(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : std::byteswap(value);
}

template <std::integral T>
void store_le(void* to, T value) {
  if constexpr (std::endian::native != std::endian::little) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}

template <std::integral T>
T load_be(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::big ? value : std::byteswap(value);
}

template <std::integral T>
void store_be(void* to, T value) {
  if constexpr (std::endian::native != std::endian::big) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}

// Reads from the front of a view. Once something did not fit, every later read comes back empty and
// `ok()` is false: a decoder may read all its fields and ask once.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  template <std::integral T>
  T le() {
    const char* at = take(sizeof(T));
    return at ? load_le<T>(at) : T{};
  }
  template <std::integral T>
  T be() {
    const char* at = take(sizeof(T));
    return at ? load_be<T>(at) : T{};
  }
  std::string_view bytes(std::size_t size) {
    const char* at = take(size);
    return at ? std::string_view(at, size) : std::string_view();
  }
  // A 32-bit little-endian length, then that many bytes.
  std::string_view sized() { return bytes(le<std::uint32_t>()); }
  // Kafka's varints (Protocol Buffers' zigzag encoding): 32 and 64 bits.
  std::int32_t varint() { return static_cast<std::int32_t>(varlong_limited(5)); }
  std::int64_t varlong() { return varlong_limited(10); }
  // The unsigned one of 32 bits that Kafka's compact lengths are: KIP-482.
  std::uint32_t uvarint() { return static_cast<std::uint32_t>(raw_varint(5)); }

 private:
  const char* take(std::size_t size) {
    if (!ok_ || size > remaining()) {
      ok_ = false;
      return nullptr;
    }
    const char* at = bytes_.data() + position_;
    position_ += size;
    return at;
  }
  std::int64_t varlong_limited(int bytes_max) {
    const auto raw = raw_varint(bytes_max);
    return static_cast<std::int64_t>(raw >> 1) ^ -static_cast<std::int64_t>(raw & 1);
  }
  std::uint64_t raw_varint(int bytes_max) {
    std::uint64_t raw = 0;
    for (int i = 0; i < bytes_max; ++i) {
      const auto byte = le<std::uint8_t>();
      if (!ok_) return 0;
      raw |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if ((byte & 0x80) == 0) {
        // A value beyond the width asked for is a malformed number, not a truncated one.
        if (bytes_max == 5 && (raw >> 32) != 0) break;
        return raw;
      }
    }
    ok_ = false;
    return 0;
  }

  std::string_view bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

// Appends to a string it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  std::size_t size() const { return out_.size(); }

  template <std::integral T>
  void le(T value) {
    char raw[sizeof(T)];
    store_le(raw, value);
    out_.append(raw, sizeof raw);
  }
  template <std::integral T>
  void be(T value) {
    char raw[sizeof(T)];
    store_be(raw, value);
    out_.append(raw, sizeof raw);
  }
  void bytes(std::string_view value) { out_.append(value); }
  void sized(std::string_view value) {
    le(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
  }
  void varint(std::int32_t value) { varlong(value); }
  void varlong(std::int64_t value) {
    raw_varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void uvarint(std::uint32_t value) { raw_varint(value); }

 private:
  void raw_varint(std::uint64_t raw) {
    while (raw >= 0x80) {
      out_.push_back(static_cast<char>(raw | 0x80));
      raw >>= 7;
    }
    out_.push_back(static_cast<char>(raw));
  }

  std::string& out_;
};

}  // namespace myelin
