// Encoder: the visitor that writes a message. For the files that instantiate encode().
#pragma once

#include <bit>
#include <string>

#include "base/bytes.h"
#include "formats/kafka_protocol/codec.h"

namespace myelin::kafka {

class Encoder {
 public:
  Encoder(Output& to, std::int16_t version, bool flexible)
      : to_(to), out_(to.bytes()), version_(version), flexible_(flexible) {}

  template <class T>
  void field(std::string_view, const T& value, Versions versions = {}) {
    if (versions.tag < 0 && versions.has(version_)) write(value, versions);
  }

  template <class T>
  void write_struct(const T& value) {
    value.visit(*this);
    if (flexible_) write_tags(value);
  }

 private:
  // Smaller ones are copied: a piece of its own costs more.
  static constexpr std::size_t kReferredBytesMin = 1024;

  struct TagCount {
    std::int16_t version;
    std::uint32_t count = 0;

    template <class T>
    void field(std::string_view, const T& value, Versions versions = {}) {
      if (versions.tag >= 0 && versions.has(version) && !is_default(value, versions)) ++count;
    }
  };
  struct TagWriter {
    Encoder& encoder;

    template <class T>
    void field(std::string_view, const T& value, Versions versions = {}) {
      if (versions.tag < 0 || !versions.has(encoder.version_) || is_default(value, versions))
        return;
      encoder.write_tagged(value, versions);
    }
  };

  template <class T>
  static bool is_default(const T& value, Versions versions) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<std::int64_t>(value) == versions.left_out;
    } else if constexpr (requires { value.empty(); }) {
      return value.empty();
    } else if constexpr (requires { value.has_value(); }) {
      return !value.has_value();
    } else if constexpr (requires { value == T(); }) {
      return value == T();
    } else {
      return true;  // No tagged field is of such a type.
    }
  }

  template <class T>
  void write(const T& value, Versions versions) {
    if constexpr (std::is_same_v<T, bool>) {
      out_.be(static_cast<std::int8_t>(value));
    } else if constexpr (std::is_integral_v<T>) {
      out_.be(value);
    } else if constexpr (std::is_same_v<T, double>) {
      out_.be(std::bit_cast<std::uint64_t>(value));
    } else {
      write_struct(value);
    }
    (void)versions;
  }
  void write(const Uuid& value, Versions) { out_.bytes(value.view()); }
  void write(std::string_view value, Versions) {
    string_length(static_cast<std::int64_t>(value.size()));
    out_.bytes(value);
  }
  void write(Bytes value, Versions) {
    bytes_length(static_cast<std::int64_t>(value.view.size()));
    out_.bytes(value.view);
  }
  void write(const Records& value, Versions);
  template <class T>
  void write(const List<T>& value, Versions) {
    bytes_length(static_cast<std::int64_t>(value.size()));
    for (const auto& element : value) write(element, Versions{});
  }

  void write(const std::optional<std::string_view>& value, Versions versions) {
    if (value || !may_be_null(versions)) return write(value.value_or(""), versions);
    string_length(-1);
  }
  void write(const std::optional<Bytes>& value, Versions versions) {
    if (value || !may_be_null(versions)) return write(value.value_or(Bytes()), versions);
    bytes_length(-1);
  }
  template <class T>
  void write(const std::optional<List<T>>& value, Versions versions) {
    if (value || !may_be_null(versions)) return write(value.value_or(List<T>()), versions);
    bytes_length(-1);
  }
  template <class T>
  void write(const std::optional<T>& value, Versions) {
    out_.be(static_cast<std::int8_t>(value ? 1 : -1));
    if (value) write_struct(*value);
  }

  template <class T>
  void write_tags(const T& value) {
    if constexpr (requires { T::kHasTags; }) {
      TagCount count{version_};
      value.visit(count);
      out_.uvarint(count.count);
      TagWriter writer{*this};
      if (count.count > 0) value.visit(writer);
    } else {
      out_.uvarint(0);
    }
  }
  template <class T>
  void write_tagged(const T& value, Versions versions) {
    out_.uvarint(static_cast<std::uint32_t>(versions.tag));
    const auto begin = to_.bytes().size();
    write(value, versions);
    insert_size(begin);
  }

  bool may_be_null(Versions versions) const { return version_ >= versions.nullable_from; }
  void string_length(std::int64_t length);
  void bytes_length(std::int64_t length);
  // Of what was written since `begin`.
  void insert_size(std::size_t begin);

  Output& to_;
  ByteWriter out_;
  const std::int16_t version_;
  const bool flexible_;
};

}  // namespace myelin::kafka
