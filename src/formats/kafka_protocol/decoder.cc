#include "formats/kafka_protocol/decoder.h"

#include <fmt/format.h>

namespace myelin::kafka {

Error Decoder::error() const {
  std::string path;
  for (std::size_t i = 0; i < depth_; ++i) {
    const auto& [name, index] = places_[i];
    if (i > 0) path += '.';
    path += name;
    if (index >= 0) path += fmt::format("[{}]", index);
  }
  if (path.empty()) path = "the message";
  return Error(code_, fmt::format("{} {} (byte {})", path, what_, in_.position()));
}

void Decoder::fail(std::string_view what) {
  if (failed_) return;
  failed_ = true;
  what_ = what;
}

void Decoder::fail_exhausted() {
  fail("holds more than a message may");
  code_ = ErrorCode::Exhausted;
}

std::int64_t Decoder::string_length() {
  return flexible_ ? std::int64_t{in_.uvarint()} - 1 : in_.be<std::int16_t>();
}

std::int64_t Decoder::bytes_length() {
  return flexible_ ? std::int64_t{in_.uvarint()} - 1 : in_.be<std::int32_t>();
}

std::int64_t Decoder::array_length() { return bytes_length(); }

void Decoder::read_view(std::optional<std::string_view>& value, std::int64_t length) {
  value.reset();
  if (length >= 0) value = in_.bytes(static_cast<std::size_t>(length));
}

void Decoder::take(std::string_view& value, const std::optional<std::string_view>& read_value,
                   Versions) {
  if (!in_.ok()) return;
  if (!read_value) return fail("may not be null");
  value = *read_value;
}

void Decoder::read(Records& value, Versions) {
  std::optional<std::string_view> view;
  read_view(view, bytes_length());
  value = {};
  if (!view || !in_.ok()) return;
  auto* const piece = arena_.try_make<std::string_view>(1);
  if (piece == nullptr) return fail_exhausted();
  *piece = *view;
  value.pieces = List<std::string_view>(piece, 1);
  value.is_null = false;
}

}  // namespace myelin::kafka
