// SASL and access control lists, which are not enabled: what Kafka says where they are not.
#include "formats/kafka_protocol/create_acls.h"
#include "formats/kafka_protocol/delete_acls.h"
#include "formats/kafka_protocol/describe_acls.h"
#include "formats/kafka_protocol/sasl_authenticate.h"
#include "formats/kafka_protocol/sasl_handshake.h"
#include "servers/kafka/handlers.h"

namespace myelin::kafka {
namespace {

constexpr std::string_view kNoSasl = "SASL is not enabled on this listener";
constexpr std::string_view kNoAcls = "access control lists are not enabled on this server";

io::Task<SaslHandshakeResponse> sasl_handshake(Call&, const SaslHandshakeRequest&) {
  SaslHandshakeResponse response;
  response.error_code = code(KafkaError::IllegalSaslState);
  co_return response;
}

io::Task<SaslAuthenticateResponse> sasl_authenticate(Call&, const SaslAuthenticateRequest&) {
  SaslAuthenticateResponse response;
  response.error_code = code(KafkaError::IllegalSaslState);
  response.error_message = kNoSasl;
  co_return response;
}

io::Task<DescribeAclsResponse> describe_acls(Call&, const DescribeAclsRequest&) {
  DescribeAclsResponse response;
  response.error_code = code(KafkaError::SecurityDisabled);
  response.error_message = kNoAcls;
  co_return response;
}

io::Task<CreateAclsResponse> create_acls(Call& call, const CreateAclsRequest& request) {
  CreateAclsResponse response;
  for (std::size_t i = 0; i < request.creations.size(); ++i) {
    response.results.add(
        call.arena(), {.error_code = code(KafkaError::SecurityDisabled), .error_message = kNoAcls});
  }
  co_return response;
}

io::Task<DeleteAclsResponse> delete_acls(Call& call, const DeleteAclsRequest& request) {
  DeleteAclsResponse response;
  for (std::size_t i = 0; i < request.filters.size(); ++i) {
    auto& result = response.filter_results.add(call.arena());
    result.error_code = code(KafkaError::SecurityDisabled);
    result.error_message = kNoAcls;
  }
  co_return response;
}

}  // namespace

std::unique_ptr<Handler> make_sasl_handshake() { return make_answer<sasl_handshake>(); }
std::unique_ptr<Handler> make_sasl_authenticate() { return make_answer<sasl_authenticate>(); }
std::unique_ptr<Handler> make_describe_acls() { return make_answer<describe_acls>(); }
std::unique_ptr<Handler> make_create_acls() { return make_answer<create_acls>(); }
std::unique_ptr<Handler> make_delete_acls() { return make_answer<delete_acls>(); }

}  // namespace myelin::kafka
