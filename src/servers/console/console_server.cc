#include "servers/console/console_server.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace myelin::console {
namespace {

// The pages run what this server gave them and talk to nobody else; nobody shows them in a frame.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

std::string_view cache_control(Caching caching) {
  switch (caching) {
    case Caching::Revalidate: return "no-cache";
    case Caching::Immutable: return "public, max-age=31536000, immutable";
  }
  return "no-cache";
}

// If-None-Match compares weakly: W/"a" is "a".
bool has_tag(const http::Headers& headers, const std::string& etag) {
  return headers.has_token("If-None-Match", etag) ||
         headers.has_token("If-None-Match", "W/" + etag) || headers.has_token("If-None-Match", "*");
}

io::Task<void> serve(const Asset& asset, http::Request& request, http::ResponseWriter& writer) {
  // A peer that does not read is the server's to end.
  (void)co_await writer.send(answer(asset, request));
}

}  // namespace

http::Response answer(const Asset& asset, const http::Request& request) {
  const bool packed = !asset.gzip.empty() && request.headers.has_token("Accept-Encoding", "gzip");
  const std::string etag = fmt::format("\"{}{}\"", asset.tag, packed ? "-gz" : "");
  http::Response response;
  response.headers = {{"Cache-Control", std::string(cache_control(asset.caching))},
                      {"ETag", etag},
                      {"Vary", "Accept-Encoding"},
                      {"Content-Security-Policy", std::string(kContentSecurityPolicy)},
                      {"X-Content-Type-Options", "nosniff"},
                      {"X-Frame-Options", "DENY"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"}};
  if (has_tag(request.headers, etag)) {
    response.status = 304;
    return response;
  }
  response.content_type = asset.content_type;
  if (packed) response.headers.append("Content-Encoding", "gzip");
  response.body = packed ? asset.gzip : asset.body;
  return response;
}

void install(http::Router& router) {
  for (const Asset& asset : built_in_assets()) {
    router.add(http::Method::Get, asset.path,
               [&asset](http::Request& request, http::ResponseWriter& writer) {
                 return serve(asset, request, writer);
               });
  }
}

}  // namespace myelin::console
