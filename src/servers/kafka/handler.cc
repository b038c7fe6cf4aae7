#include "servers/kafka/handler.h"

#include "servers/kafka/kafka_server.h"
#include "servers/kafka/session.h"

namespace myelin::kafka {
namespace {

constexpr std::size_t kLengthBytes = 4;
// A message's lists may take more memory than its bytes: each element of some takes two on the wire
// and a hundred here.
constexpr std::size_t kArenaBytesMin = 8u << 20;

}  // namespace

Call::Call(Session& session, const Api& api, RequestBytes request, const DecodedHeader& header,
           SteadyTime received)
    : session_(session),
      api_(api),
      request_(std::move(request)),
      header_(header.header),
      body_(request_.view().substr(header.size_bytes)),
      received_(received),
      arena_(kArenaBytesMin + 2 * request_.size) {}

KafkaServer& Call::server() { return session_.server(); }

void Call::begin_answer(std::int16_t version) {
  output_.clear();
  output_.bytes().append(kLengthBytes, '\0');
  encode_response_header(header_.correlation_id, api_, version, output_.bytes());
}

void Call::end_answer() {
  store_be(output_.bytes().data(), static_cast<std::int32_t>(output_.size_bytes() - kLengthBytes));
}

io::Task<void> Handler::finish(Call&) { co_return; }

}  // namespace myelin::kafka
