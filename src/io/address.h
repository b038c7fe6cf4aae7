// Address: where to connect to, as people write it: "lab.example:2575", "127.0.0.1", "[::1]:2575".
//
// Pure: nothing is resolved here. See connect() in connection.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace myelin::io {

struct Address {
  std::string host;  // A name, or an IP address without brackets.
  std::uint16_t port = 0;

  friend bool operator==(const Address&, const Address&) = default;
};

// A port that is not written is the default. An IPv6 address stands in brackets, or alone.
// InvalidInput says what was expected.
Result<Address> parse_address(std::string_view text, std::uint16_t default_port);

// "127.0.0.1:2575", "[::1]:2575".
std::string to_string(const Address& address);

}  // namespace myelin::io
