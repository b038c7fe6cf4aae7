#include "formats/kafka_protocol/api_versions.h"

#include "servers/kafka/catalogue.h"
#include "servers/kafka/handlers.h"

namespace myelin::kafka {
namespace {

// A name of a client or of its version that may stand in a log line: KIP-511.
bool is_sound(std::string_view text) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && letter_or_digit(text.front()) && letter_or_digit(text.back()) &&
         std::ranges::all_of(text,
                             [&](char c) { return letter_or_digit(c) || c == '.' || c == '-'; });
}

ApiVersionsResponse make_response(Call& call, KafkaError error) {
  ApiVersionsResponse response;
  response.error_code = code(error);
  if (error == KafkaError::InvalidRequest) return response;
  response.api_keys.reserve(call.arena(), all_entries().size());
  for (const auto& entry : all_entries()) {
    response.api_keys.add(
        call.arena(),
        {.api_key = entry.api->key, .min_version = entry.min(), .max_version = entry.api->max});
  }
  return response;
}

class ApiVersionsHandler final : public Handler {
 public:
  io::Task<void> start(Call& call) override {
    // A client that is newer than we are reads version 0 and comes again.
    if (!kApiVersions.has(call.version())) {
      call.answer(make_response(call, KafkaError::UnsupportedVersion), 0);
      co_return;
    }
    const auto request = call.decode<ApiVersionsRequest>();
    if (!request) {
      call.refuse(request.error());
      co_return;
    }
    const bool sound = call.version() < 3 || (is_sound(request->client_software_name) &&
                                              is_sound(request->client_software_version));
    call.answer(make_response(call, sound ? KafkaError::None : KafkaError::InvalidRequest));
  }
};

}  // namespace

std::unique_ptr<Handler> make_api_versions() { return std::make_unique<ApiVersionsHandler>(); }

}  // namespace myelin::kafka
