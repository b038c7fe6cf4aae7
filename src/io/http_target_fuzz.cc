// Any bytes: no crash; and what parses is a path that begins with a slash (or is "*"), without dot
// segments or NUL after decoding, and within the limit of parameters. A host that parses is read
// the same when written back.
#include <cstdlib>

#include "io/http_target.h"

using namespace myelin::http;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto target = parse_target(bytes)) {
    require(target->path == "*" || target->path.starts_with('/'));
    require(target->query.all().size() <= kQueryParametersMax);
    const auto decoded = percent_decode(target->path);
    require(decoded && decoded->find('\0') == std::string::npos);
    const auto again = parse_target(target->origin);
    require(again && again->path == target->path);
  }
  if (const auto host = parse_host(bytes)) {
    const auto again = parse_host(host->host + (host->port.empty() ? "" : ":" + host->port));
    require(again && again->host == host->host && again->port == host->port);
  }
  return 0;
}
