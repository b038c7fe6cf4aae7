#include "formats/kafka_protocol/codec.h"

#include "base/bytes.h"
#include "formats/kafka_protocol/api_versions.h"

namespace myelin::kafka {
namespace {

// Those of a header mean nothing yet.
void skip_tags(ByteReader& in) {
  const auto count = in.uvarint();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    in.uvarint();
    in.bytes(in.uvarint());
  }
}

Error cut_off() { return Error(ErrorCode::InvalidInput, "ends within its header"); }

bool has_tags(const Api& api, std::int16_t version) {
  return api.is_flexible(version) && api.key != kApiVersions.key;
}

}  // namespace

std::size_t Output::size_bytes() const {
  std::size_t bytes = bytes_.size();
  for (const auto& reference : references_) bytes += reference.bytes.size();
  return bytes;
}

std::vector<std::string_view> Output::parts() const {
  std::vector<std::string_view> parts;
  parts.reserve(2 * references_.size() + 1);
  const std::string_view own = bytes_;
  std::size_t from = 0;
  for (const auto& reference : references_) {
    if (reference.at > from) parts.push_back(own.substr(from, reference.at - from));
    parts.push_back(reference.bytes);
    from = reference.at;
  }
  if (from < own.size()) parts.push_back(own.substr(from));
  return parts;
}

std::string Output::to_string() const {
  std::string whole;
  whole.reserve(size_bytes());
  for (const auto part : parts()) whole += part;
  return whole;
}

void Output::clear() {
  bytes_.clear();
  references_.clear();
}

Result<RequestHeader> peek_request_header(std::string_view request) {
  ByteReader in(request);
  RequestHeader header;
  header.api_key = in.be<std::int16_t>();
  header.api_version = in.be<std::int16_t>();
  header.correlation_id = in.be<std::int32_t>();
  if (!in.ok()) return cut_off();
  return header;
}

Result<DecodedHeader> decode_request_header(std::string_view request, const Api& api) {
  MYELIN_TRY(header, peek_request_header(request));
  ByteReader in(request);
  in.bytes(8);
  const auto length = in.be<std::int16_t>();
  if (length >= 0) header.client_id = in.bytes(static_cast<std::size_t>(length));
  if (api.is_flexible(header.api_version)) skip_tags(in);
  if (!in.ok()) return cut_off();
  return DecodedHeader{header, in.position()};
}

void encode_request_header(const RequestHeader& header, const Api& api, std::string& to) {
  ByteWriter out(to);
  out.be(header.api_key);
  out.be(header.api_version);
  out.be(header.correlation_id);
  out.be(static_cast<std::int16_t>(header.client_id ? header.client_id->size() : -1));
  out.bytes(header.client_id.value_or(""));
  if (api.is_flexible(header.api_version)) out.uvarint(0);
}

void encode_response_header(std::int32_t correlation_id, const Api& api, std::int16_t version,
                            std::string& to) {
  ByteWriter out(to);
  out.be(correlation_id);
  if (has_tags(api, version)) out.uvarint(0);
}

Result<std::int32_t> decode_response_header(std::string_view response, const Api& api,
                                            std::int16_t version, std::size_t& size_bytes) {
  ByteReader in(response);
  const auto correlation_id = in.be<std::int32_t>();
  if (has_tags(api, version)) skip_tags(in);
  if (!in.ok()) return cut_off();
  size_bytes = in.position();
  return correlation_id;
}

}  // namespace myelin::kafka
