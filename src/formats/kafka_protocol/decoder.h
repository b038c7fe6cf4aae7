// Decoder: the visitor that reads a message. For the files that instantiate decode().
#pragma once

#include <array>
#include <bit>
#include <string>

#include "base/bytes.h"
#include "formats/kafka_protocol/codec.h"

namespace myelin::kafka {

class Decoder {
 public:
  Decoder(std::string_view bytes, std::int16_t version, bool flexible, Arena& arena)
      : in_(bytes), version_(version), flexible_(flexible), arena_(arena) {}

  template <class T>
  void field(std::string_view name, T& value, Versions versions = {}) {
    if (versions.tag >= 0 || !versions.has(version_) || failed_) return;
    read_named(name, value, versions);
  }

  template <class T>
  void read_struct(T& value) {
    value.visit(*this);
    if (flexible_ && !failed_) read_tags(value);
  }

  bool failed() const { return failed_; }
  Error error() const;

 private:
  static constexpr std::size_t kDepthMax = 8;
  struct Place {
    std::string_view name;
    std::int64_t index = -1;
  };

  // Reads the field with one tag, if the message has it.
  struct Tagged {
    Decoder& decoder;
    std::int64_t tag;
    bool found = false;

    template <class T>
    void field(std::string_view name, T& value, Versions versions = {}) {
      if (versions.tag != tag || !versions.has(decoder.version_)) return;
      found = true;
      decoder.read_named(name, value, versions);
    }
  };

  template <class T>
  void read_named(std::string_view name, T& value, Versions versions) {
    places_[depth_++] = {name};
    read(value, versions);
    if (!failed_ && !in_.ok()) fail("ends within the field");
    if (!failed_) --depth_;
  }

  template <class T>
  void read(T& value, Versions versions) {
    if constexpr (std::is_same_v<T, bool>) {
      value = in_.be<std::int8_t>() != 0;
    } else if constexpr (std::is_integral_v<T>) {
      value = in_.be<T>();
    } else if constexpr (std::is_same_v<T, double>) {
      value = std::bit_cast<double>(in_.be<std::uint64_t>());
    } else {
      read_struct(value);
    }
    (void)versions;
  }
  void read(Uuid& value, Versions) {
    const auto bytes = in_.bytes(sizeof value.bytes);
    if (in_.ok()) value = Uuid::from_bytes(bytes);
  }
  void read(std::string_view& value, Versions versions) {
    std::optional<std::string_view> read_value;
    read_view(read_value, string_length());
    take(value, read_value, versions);
  }
  void read(Bytes& value, Versions versions) {
    std::optional<std::string_view> read_value;
    read_view(read_value, bytes_length());
    take(value.view, read_value, versions);
  }
  void read(Records& value, Versions);
  template <class T>
  void read(List<T>& value, Versions) {
    const auto count = array_length();
    if (count < 0) return fail("may not be null");
    read_elements(value, count);
  }

  void read(std::optional<std::string_view>& value, Versions versions) {
    read_view(value, string_length());
    if (!value) check_nullable(versions);
  }
  void read(std::optional<Bytes>& value, Versions versions) {
    std::optional<std::string_view> view;
    read_view(view, bytes_length());
    value.reset();
    if (view) value = Bytes{*view};
    if (!value) check_nullable(versions);
  }
  template <class T>
  void read(std::optional<List<T>>& value, Versions versions) {
    const auto count = array_length();
    value.reset();
    if (count < 0) return check_nullable(versions);
    value = List<T>();
    read_elements(*value, count);
  }
  // A struct that may be missing: a byte tells.
  template <class T>
  void read(std::optional<T>& value, Versions versions) {
    value.reset();
    if (in_.be<std::int8_t>() < 0) return check_nullable(versions);
    value = T();  // emplace() does not compile: the message around T was not complete yet.
    read_struct(*value);
  }

  template <class T>
  void read_elements(List<T>& value, std::int64_t count) {
    if (!in_.ok()) return;
    // Each takes a byte at least.
    if (static_cast<std::uint64_t>(count) > in_.remaining())
      return fail("says that it holds more than there is");
    T* const data = arena_.try_make<T>(static_cast<std::size_t>(count));
    if (data == nullptr) return fail_exhausted();
    value = List<T>(data, static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
      places_[depth_ - 1].index = i;
      read(data[i], Versions{});
      if (failed_ || !in_.ok()) return;
    }
    places_[depth_ - 1].index = -1;
  }

  template <class T>
  void read_tags(T& value) {
    const auto count = in_.uvarint();
    for (std::uint32_t i = 0; i < count && in_.ok() && !failed_; ++i) {
      const auto tag = in_.uvarint();
      const auto bytes = in_.uvarint();
      const auto end = in_.position() + bytes;
      if (!in_.ok() || bytes > in_.remaining()) return fail("ends within its tagged fields");
      Tagged tagged{*this, tag};
      if constexpr (requires { T::kHasTags; }) value.visit(tagged);
      if (failed_) return;
      if (!tagged.found) in_.bytes(bytes);
      if (in_.position() != end) return fail("has a tagged field of another length than it says");
    }
    if (!in_.ok()) fail("ends within its tagged fields");
  }

  std::int64_t string_length();
  std::int64_t bytes_length();
  std::int64_t array_length();
  void read_view(std::optional<std::string_view>& value, std::int64_t length);
  void take(std::string_view& value, const std::optional<std::string_view>& read_value, Versions);
  void check_nullable(Versions versions) {
    if (version_ < versions.nullable_from) fail("may not be null");
  }
  void fail(std::string_view what);
  void fail_exhausted();

  ByteReader in_;
  const std::int16_t version_;
  const bool flexible_;
  Arena& arena_;
  bool failed_ = false;
  ErrorCode code_ = ErrorCode::InvalidInput;
  std::string_view what_;
  std::array<Place, kDepthMax> places_;
  std::size_t depth_ = 0;
};

}  // namespace myelin::kafka
