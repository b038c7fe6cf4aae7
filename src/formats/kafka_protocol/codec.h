// decode(), encode(): Kafka's messages from and to bytes, in any version that the codec knows.
//
// Pure functions. Decoding never reads beyond the bytes given, takes no more than the arena allows
// and, when that has a block already, allocates nothing. Both are instantiated for each message in
// this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

// Encoded bytes, with record batches left where they are.
class Output {
 public:
  // What is written by others goes here.
  std::string& bytes() { return bytes_; }
  const std::string& bytes() const { return bytes_; }
  // These come next, and stay where they are.
  void refer(std::string_view elsewhere) { references_.push_back({bytes_.size(), elsewhere}); }

  std::size_t size_bytes() const;
  // Nothing of it is elsewhere: bytes() is all.
  bool is_plain() const { return references_.empty(); }
  // All of it in order: views that hold until the next change.
  std::vector<std::string_view> parts() const;
  // All of it in one, for tests and small messages.
  std::string to_string() const;
  void clear();

 private:
  struct Reference {
    std::size_t at;  // Comes before this byte of bytes_.
    std::string_view bytes;
  };
  std::string bytes_;
  std::vector<Reference> references_;
};

// A message's body. `version` is one that Message::kApi has. InvalidInput names the field that does
// not fit ("topics[2].partitions[0].records: ..."); Exhausted when the arena gives no more. Bytes
// behind the end are ignored, as Kafka does.
template <class Message>
Result<Message> decode(std::string_view body, std::int16_t version, Arena& arena);

// Fields that the version does not have are left out.
template <class Message>
void encode(const Message& message, std::int16_t version, Output& to);

// What precedes a request's body: KIP-482 and KIP-511.
struct RequestHeader {
  std::int16_t api_key = 0;
  std::int16_t api_version = 0;
  std::int32_t correlation_id = 0;
  std::optional<std::string_view> client_id;
};

struct DecodedHeader {
  RequestHeader header;
  std::size_t size_bytes = 0;
};

// The first eight bytes alone, which no version changes: for answering what is not understood.
// InvalidInput when there are fewer.
Result<RequestHeader> peek_request_header(std::string_view request);
// `flexible` is that of the header's api and version.
Result<DecodedHeader> decode_request_header(std::string_view request, const Api& api);
void encode_request_header(const RequestHeader& header, const Api& api, std::string& to);

// What precedes a response's body. That of ApiVersions has never tags.
void encode_response_header(std::int32_t correlation_id, const Api& api, std::int16_t version,
                            std::string& to);
// Gives the correlation id; `size_bytes` is what the header takes.
Result<std::int32_t> decode_response_header(std::string_view response, const Api& api,
                                            std::int16_t version, std::size_t& size_bytes);

}  // namespace myelin::kafka
