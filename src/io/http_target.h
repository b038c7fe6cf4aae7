// The request target: path, query, percent-decoding. Pure functions over bytes that a peer sent.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "io/http.h"

namespace myelin::http {

inline constexpr std::size_t kQueryParametersMax = 256;

// %XX becomes its byte. InvalidInput for a broken escape, or one that gives NUL.
Result<std::string> percent_decode(std::string_view text);

struct Target {
  std::string authority;  // Of the absolute form; empty otherwise.
  std::string origin;     // Path and query as sent.
  std::string path;       // As sent; begins with '/', or is "*".
  Parameters query;       // Decoded, '+' is a space.
};

// Origin form, absolute form (http and https) and "*". InvalidInput for anything else: another
// form, broken escapes, a fragment, control characters, "." or ".." segments (encoded or not), more
// than kQueryParametersMax parameters.
Result<Target> parse_target(std::string_view target);

// A Host header's value as host and port: "[::1]:8080" gives "[::1]" and "8080". InvalidInput for
// what is no host.
struct HostPort {
  std::string host;  // Lower case.
  std::string port;  // May be empty.
};
Result<HostPort> parse_host(std::string_view value);

}  // namespace myelin::http
