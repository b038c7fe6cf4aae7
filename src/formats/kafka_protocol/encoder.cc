#include "formats/kafka_protocol/encoder.h"

namespace myelin::kafka {

void Encoder::string_length(std::int64_t length) {
  if (flexible_) {
    out_.uvarint(static_cast<std::uint32_t>(length + 1));
  } else {
    out_.be(static_cast<std::int16_t>(length));
  }
}

void Encoder::bytes_length(std::int64_t length) {
  if (flexible_) {
    out_.uvarint(static_cast<std::uint32_t>(length + 1));
  } else {
    out_.be(static_cast<std::int32_t>(length));
  }
}

void Encoder::write(const Records& value, Versions) {
  if (value.is_null) return bytes_length(-1);
  bytes_length(static_cast<std::int64_t>(value.size_bytes()));
  for (const auto piece : value.pieces) {
    if (piece.size() < kReferredBytesMin) {
      out_.bytes(piece);
    } else {
      to_.refer(piece);
    }
  }
}

void Encoder::insert_size(std::size_t begin) {
  std::string size;
  ByteWriter(size).uvarint(static_cast<std::uint32_t>(to_.bytes().size() - begin));
  to_.bytes().insert(begin, size);
}

}  // namespace myelin::kafka
