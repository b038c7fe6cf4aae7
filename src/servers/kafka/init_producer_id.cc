#include "formats/kafka_protocol/init_producer_id.h"

#include "servers/kafka/handlers.h"
#include "servers/kafka/kafka_server.h"
#include "servers/kafka/topics.h"

namespace myelin::kafka {
namespace {

io::Task<InitProducerIdResponse> init_producer_id(Call& call,
                                                  const InitProducerIdRequest& request) {
  InitProducerIdResponse response;
  response.producer_epoch = -1;
  if (request.transactional_id) {
    response.error_code = code(KafkaError::InvalidRequest);
    co_return response;
  }
  const auto id = call.server().broker().log().next_producer_id();
  if (!id) {
    response.error_code = code(kafka_error(id.error().code()));
    co_return response;
  }
  response.producer_id = *id;
  response.producer_epoch = 0;
  co_return response;
}

}  // namespace

std::unique_ptr<Handler> make_init_producer_id() { return make_answer<init_producer_id>(); }

}  // namespace myelin::kafka
