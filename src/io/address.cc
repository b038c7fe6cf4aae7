#include "io/address.h"

#include <algorithm>
#include <charconv>

namespace myelin::io {

namespace {

constexpr std::size_t kHostBytesMax = 253;  // Of a name in DNS.

Error not_an_address(std::string_view why) {
  return Error(ErrorCode::InvalidInput,
               "expected host:port, such as 127.0.0.1:2575 or [::1]:2575; " + std::string(why));
}

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(".-_:%").contains(c);
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0)
    return not_an_address("the port is a number from 1 to 65535");
  return port;
}

}  // namespace

Result<Address> parse_address(std::string_view text, std::uint16_t default_port) {
  std::string_view host = text;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return not_an_address("a bracket is not closed");
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else if (std::ranges::count(text, ':') <= 1) {  // More colons: IPv6, alone.
    host = text.substr(0, text.find(':'));
    rest = text.substr(host.size());
  }
  if (host.empty()) return not_an_address("there is no host");
  if (host.size() > kHostBytesMax) return not_an_address("the host is too long");
  if (!std::ranges::all_of(host, is_host_byte))
    return not_an_address("the host has a character that no host has");
  Address address{std::string(host), default_port};
  if (rest.empty()) return address;
  if (!rest.starts_with(':')) return not_an_address("after a bracket comes the port");
  MYELIN_TRY(port, parse_port(rest.substr(1)));
  address.port = port;
  return address;
}

std::string to_string(const Address& address) {
  const bool brackets = address.host.contains(':');
  return (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace myelin::io
