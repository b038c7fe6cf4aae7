// The bodies of decode() and encode(), for the files that instantiate them.
#pragma once

#include "formats/kafka_protocol/decoder.h"
#include "formats/kafka_protocol/encoder.h"

namespace myelin::kafka {

template <class Message>
Result<Message> decode(std::string_view body, std::int16_t version, Arena& arena) {
  Decoder decoder(body, version, Message::kApi.is_flexible(version), arena);
  Message message;
  decoder.read_struct(message);
  if (decoder.failed()) return decoder.error();
  return message;
}

template <class Message>
void encode(const Message& message, std::int16_t version, Output& to) {
  Encoder encoder(to, version, Message::kApi.is_flexible(version));
  encoder.write_struct(message);
}

// Both messages of an API.
#define MYELIN_KAFKA_INSTANTIATE(Api)                                                           \
  template Result<Api##Request> decode<Api##Request>(std::string_view, std::int16_t, Arena&);   \
  template void encode<Api##Request>(const Api##Request&, std::int16_t, Output&);               \
  template Result<Api##Response> decode<Api##Response>(std::string_view, std::int16_t, Arena&); \
  template void encode<Api##Response>(const Api##Response&, std::int16_t, Output&)

}  // namespace myelin::kafka
