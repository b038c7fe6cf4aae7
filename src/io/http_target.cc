#include "io/http_target.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace myelin::http {
namespace {

Error wrong(std::string_view what) { return Error(ErrorCode::InvalidInput, std::string(what)); }

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

Status check_path(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // The slash.
    const auto slash = std::min(path.find('/'), path.size());
    MYELIN_TRY(segment, percent_decode(path.substr(0, slash)));
    if (segment == "." || segment == "..") return wrong("the path has a dot segment");
    path.remove_prefix(slash);
  }
  return {};
}

Result<Parameters> parse_query(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    std::string pair(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    if (parameters.all().size() == kQueryParametersMax)
      return wrong("the query has too many parameters");
    std::ranges::replace(pair, '+', ' ');
    const auto equals = std::min(pair.find('='), pair.size());
    MYELIN_TRY(name, percent_decode(std::string_view(pair).substr(0, equals)));
    MYELIN_TRY(value,
               percent_decode(std::string_view(pair).substr(std::min(equals + 1, pair.size()))));
    parameters.append(std::move(name), std::move(value));
  }
  return parameters;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_v6_character(char c) {
  return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Result<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto high = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
    if (!high || !low) return wrong("a percent escape is broken");
    const char byte = static_cast<char>(*high * 16 + *low);
    if (byte == '\0') return wrong("a percent escape stands for NUL");
    decoded += byte;
    i += 2;
  }
  return decoded;
}

Result<Target> parse_target(std::string_view target) {
  Target parsed;
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f) return wrong("the target has a control character");
    if (c == '#') return wrong("the target has a fragment");
  }
  if (target == "*") {
    parsed.origin = parsed.path = "*";
    return parsed;
  }
  if (!target.starts_with('/')) {
    const auto scheme = target.find("://");
    if (scheme == std::string_view::npos) return wrong("the target is no path");
    std::string name(target.substr(0, scheme));
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    if (name != "http" && name != "https") return wrong("the target has another scheme than http");
    target.remove_prefix(scheme + 3);
    const auto end = std::min(target.find_first_of("/?"), target.size());
    parsed.authority = target.substr(0, end);
    if (parsed.authority.empty()) return wrong("the target has no host");
    target.remove_prefix(end);
  }
  parsed.origin = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  const std::string_view origin = parsed.origin;
  const auto question = std::min(origin.find('?'), origin.size());
  parsed.path = origin.substr(0, question);
  MYELIN_TRY_VOID(check_path(parsed.path));
  MYELIN_TRY(query, parse_query(origin.substr(std::min(question + 1, origin.size()))));
  parsed.query = std::move(query);
  return parsed;
}

Result<HostPort> parse_host(std::string_view value) {
  constexpr std::size_t kHostBytesMax = 255;
  constexpr std::size_t kPortDigitsMax = 5;
  std::string text(value);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  const bool v6 = text.starts_with('[');
  const auto host_end = v6 ? text.find(']') : std::min(text.find(':'), text.size());
  if (host_end == std::string::npos) return wrong("the host is no name");
  HostPort parsed;
  parsed.host = text.substr(0, v6 ? host_end + 1 : host_end);
  const std::string_view inner =
      v6 ? std::string_view(parsed.host).substr(1, parsed.host.size() - 2) : parsed.host;
  if (inner.empty() || inner.size() > kHostBytesMax ||
      !std::ranges::all_of(inner, v6 ? is_v6_character : is_host_character))
    return wrong("the host is no name");
  std::string_view rest = std::string_view(text).substr(parsed.host.size());
  if (rest.empty()) return parsed;
  if (!rest.starts_with(':')) return wrong("the host is no name");
  rest.remove_prefix(1);
  if (rest.size() > kPortDigitsMax || !std::ranges::all_of(rest, is_digit))
    return wrong("the host's port is no number");
  parsed.port = rest;
  return parsed;
}

}  // namespace myelin::http
