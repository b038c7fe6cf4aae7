#include "api/admin/guard.h"

#include <algorithm>

#include "io/address.h"

namespace myelin::admin {
namespace {

constexpr std::string_view kProxyHeaders[] = {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};

Error forbidden(std::string_view why) { return Error(ErrorCode::Forbidden, std::string(why)); }

bool is_loopback(std::string_view host) {
  constexpr std::string_view kMapped = "::ffff:";
  if (host.starts_with(kMapped)) host.remove_prefix(kMapped.size());
  const bool is_ipv4 = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "::1" || (is_ipv4 && host.starts_with("127."));
}

std::string lower(std::string_view text) {
  std::string low(text);
  std::ranges::transform(low, low.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return low;
}

}  // namespace

Status check_local(const http::Request& request) {
  const auto peer = io::parse_address(request.peer, 1);
  if (!peer || !is_loopback(peer->host))
    return forbidden("the admin API serves this machine alone");
  for (const auto name : kProxyHeaders) {
    if (request.headers.find(name)) return forbidden("the admin API is not served through a proxy");
  }
  return {};
}

Status check_intent(const http::Request& request) {
  if (request.headers.count(kIntentHeader) != 1 || request.headers.find(kIntentHeader) != "1")
    return forbidden("a change needs the header Myelin-Admin: 1");
  if (request.headers.count("Origin") == 0) return {};
  const auto origin = lower(*request.headers.find("Origin"));
  const auto host = lower(request.headers.find("Host").value_or(""));
  const bool own = request.headers.count("Origin") == 1 && !host.empty() &&
                   (origin == "http://" + host || origin == "https://" + host);
  if (own) return {};
  return forbidden("the request comes from a page of another origin");
}

}  // namespace myelin::admin
