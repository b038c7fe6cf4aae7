// Whatever the bytes, of whichever message in whichever version: no crash, nothing read outside of
// them, no more memory than the arena may give. What decodes is encoded to bytes that decode again,
// and encode to the same. The first two bytes choose message and version.
#include <string>

#include "base/check.h"
#include "formats/kafka_protocol/apis.h"
#include "formats/kafka_protocol/codec.h"

namespace {

using namespace myelin;
using namespace myelin::kafka;

constexpr std::size_t kArenaBytesMax = 1u << 20;

template <class Message>
void run(std::string_view bytes, std::uint8_t chosen) {
  const auto& api = Message::kApi;
  const auto version = static_cast<std::int16_t>(api.min + chosen % (api.max - api.min + 1));
  Arena arena(kArenaBytesMax);
  const auto message = decode<Message>(bytes, version, arena);
  MYELIN_CHECK(arena.used_bytes() <= kArenaBytesMax, "the arena's limit");
  if (!message) {
    MYELIN_CHECK(!message.error().message().empty(), "an error says what is wrong");
    return;
  }
  Output first;
  encode(*message, version, first);
  const auto encoded = first.to_string();
  Arena other;
  const auto again = decode<Message>(encoded, version, other);
  MYELIN_CHECK(again, "what was encoded decodes");
  Output second;
  encode(*again, version, second);
  MYELIN_CHECK(second.to_string() == encoded, "and encodes to the same");
}

using Run = void (*)(std::string_view, std::uint8_t);
#define MYELIN_BOTH(Api) run<Api##Request>, run<Api##Response>,
constexpr Run kRuns[] = {MYELIN_KAFKA_APIS(MYELIN_BOTH)};
#undef MYELIN_BOTH

void run_headers(std::string_view bytes) {
  const auto peeked = peek_request_header(bytes);
  if (!peeked) return;
  const auto* api = find_api(peeked->api_key);
  if (api == nullptr) return;
  const auto header = decode_request_header(bytes, *api);
  if (header) MYELIN_CHECK(header->size_bytes <= bytes.size(), "a header within the request");
  std::size_t size = 0;
  const auto response = decode_response_header(bytes, *api, peeked->api_version, size);
  if (response) MYELIN_CHECK(size <= bytes.size(), "a header within the response");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  run_headers(input);
  if (size < 2) return 0;
  kRuns[data[0] % std::size(kRuns)](input.substr(2), data[1]);
  return 0;
}
