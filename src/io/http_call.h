// call(): one HTTP/1.1 request of a command of ours and the whole answer. For what runs on a
// thread that may block; doors use the server's side of HTTP (http_server.h).
//
// A connection for each call: no redirects, no proxies, no TLS. Everything that the peer controls
// is limited: the time from looking its name up to the answer's last byte, the answer's head and
// its body.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/address.h"
#include "io/http.h"

namespace myelin::http {

inline constexpr std::size_t kAnswerHeadBytesMax = 64u << 10;

struct Call {
  Method method = Method::Get;
  std::string url;  // "http://127.0.0.1:8080/path?query".
  Headers headers = {};
  std::string body = {};
  std::chrono::milliseconds timeout{30'000};
  std::size_t answer_bytes_max = 1u << 20;  // Of its body.
};

struct Url {
  io::Address address;
  std::string host;    // For the Host header.
  std::string target;  // Path and query.
};
// InvalidInput for anything but http://, for user names and passwords, fragments and characters
// that a request line cannot hold.
Result<Url> parse_url(std::string_view url);

// Whatever status the server answers with is an answer. Errors: InvalidInput (the URL, a header),
// Unavailable (nobody answers there, not in time, or not with HTTP), Exhausted (the answer is over
// its limit). Blocks; a name that resolves slowly may take longer than the time given.
Result<Response> call(const Call& call);

}  // namespace myelin::http
