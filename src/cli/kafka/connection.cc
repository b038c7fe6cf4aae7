#include "cli/kafka/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>

#include "base/settings.h"

namespace myelin::cli::kafka {
namespace {

constexpr std::chrono::milliseconds kTimeoutMax = std::chrono::hours(1);
constexpr std::size_t kHelpColumn = 24;

constexpr auto kConnectionFlags = std::to_array<FlagLine>({
    {"bootstrap", "HOST:PORT", "a broker of the cluster, or several with commas (127.0.0.1:9092)"},
    {"property", "KEY=VALUE", "a setting of librdkafka, such as security.protocol=SASL_SSL", 'X'},
    {"client-config", "FILE", "a file of such settings, one KEY=VALUE a line"},
    {"tls", "", "speak TLS (security.protocol=ssl, or sasl_ssl where SASL is set)"},
    {"tls-ca", "FILE", "trust these authorities (PEM) instead of the system's; with TLS"},
    {"tls-certificate", "FILE", "our own certificate (PEM), where the broker wants one; with TLS"},
    {"tls-key", "FILE", "its private key (PEM); without: in the certificate's file"},
    {"timeout", "TIME", "how long to wait for an answer (10s)"},
    {"help", "", "this text"},
});

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

Error wrong(std::string_view flag, std::string_view why) {
  return Error(ErrorCode::InvalidInput, fmt::format("--{}: {}", flag, why));
}

// The file's settings, or InvalidInput that names it.
Result<std::vector<Property>> read_properties(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.good() && !file.eof()) return wrong("client-config", path + ": it cannot be read");
  return parse_properties(text, path);
}

// A file that librdkafka is to read. Its own sentence would not say which flag was meant.
Result<std::string> readable_file(const CommandLine& line, std::string_view flag) {
  const auto path = line.find(flag);
  if (!path) return std::string();
  if (!std::ifstream(*path).good()) return wrong(flag, *path + ": it cannot be read");
  return *path;
}

// The flags of TLS become settings of librdkafka, and win over those that were given.
Status take_tls(const CommandLine& line, Connection& connection) {
  MYELIN_TRY(authorities, readable_file(line, "tls-ca"));
  MYELIN_TRY(certificate, readable_file(line, "tls-certificate"));
  MYELIN_TRY(key, readable_file(line, "tls-key"));
  if (certificate.empty() && !key.empty()) return wrong("tls-key", "--tls-certificate is missing");
  if (!line.has("tls") && authorities.empty() && certificate.empty()) return {};
  auto& properties = connection.properties;
  const bool has_sasl = std::ranges::any_of(properties, [](const Property& property) {
    return property.first == "security.protocol" &&
           (property.second.starts_with("sasl") || property.second.starts_with("SASL"));
  });
  properties.emplace_back("security.protocol", has_sasl ? "sasl_ssl" : "ssl");
  if (!authorities.empty()) properties.emplace_back("ssl.ca.location", authorities);
  if (certificate.empty()) return {};
  properties.emplace_back("ssl.certificate.location", certificate);
  properties.emplace_back("ssl.key.location", key.empty() ? certificate : key);
  return {};
}

// What a file calls bootstrap.servers is --bootstrap here.
void take_bootstrap(Connection& connection) {
  std::erase_if(connection.properties, [&](const Property& property) {
    const bool names_brokers =
        property.first == "bootstrap.servers" || property.first == "metadata.broker.list";
    if (names_brokers) connection.bootstrap = property.second;
    return names_brokers;
  });
}

}  // namespace

std::span<const FlagLine> connection_flags() { return kConnectionFlags; }

std::vector<FlagSpec> to_specs(std::span<const FlagLine> lines) {
  std::vector<FlagSpec> specs;
  for (const FlagLine& line : lines) {
    specs.push_back({.name = std::string(line.name),
                     .value = line.value.empty() ? FlagValue::None : FlagValue::Required,
                     .help = std::string(line.help),
                     .letter = line.letter});
  }
  return specs;
}

std::string flags_text(std::span<const FlagLine> lines) {
  std::string text;
  for (const FlagLine& line : lines) {
    std::string flag = "  ";
    if (line.letter != 0) flag += fmt::format("-{}, ", line.letter);
    flag += fmt::format("--{}{}{}", line.name, line.value.empty() ? "" : " ", line.value);
    // A flag too long for its column has its help on the next line.
    if (flag.size() + 2 > kHelpColumn) flag += fmt::format("\n{:<{}}", "", kHelpColumn - 2);
    text += fmt::format("{:<{}}  {}\n", flag, kHelpColumn - 2, line.help);
  }
  return text;
}

Result<Connection> parse_connection(const CommandLine& line) {
  Connection connection;
  if (const auto path = line.find("client-config")) {
    MYELIN_TRY(properties, read_properties(*path));
    connection.properties = std::move(properties);
  }
  for (const std::string& text : line.find_all("property")) {
    MYELIN_TRY(property, parse_property("property", text));
    connection.properties.push_back(std::move(property));
  }
  MYELIN_TRY_VOID(take_tls(line, connection));
  take_bootstrap(connection);
  if (const auto brokers = line.find("bootstrap")) connection.bootstrap = *brokers;
  const bool empty = trim(connection.bootstrap).empty();
  if (empty || connection.bootstrap.find_first_of(" \t\r\n/") != std::string::npos)
    return wrong("bootstrap", "expected HOST:PORT, or several with commas between them");
  if (const auto text = line.find("timeout")) {
    const auto time = parse_duration(*text);
    if (!time) return time.error().with_context("--timeout");
    if (time->count() < 1 || *time > kTimeoutMax) return wrong("timeout", "expected 1ms to 1h");
    connection.timeout = *time;
  }
  return connection;
}

Result<std::vector<Property>> parse_properties(std::string_view text, std::string_view file_name) {
  std::vector<Property> properties;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = text.find('\n');
    const auto line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    const auto equals = line.find('=');
    const auto key = trim(line.substr(0, equals));
    if (equals == std::string_view::npos || key.empty()) {
      return Error(ErrorCode::InvalidInput,
                   fmt::format("{}:{}: expected KEY=VALUE", file_name, number));
    }
    properties.emplace_back(key, trim(line.substr(equals + 1)));
  }
  return properties;
}

Result<Property> parse_property(std::string_view flag, std::string_view text) {
  const auto equals = text.find('=');
  const auto key = trim(text.substr(0, equals));
  if (equals == std::string_view::npos || key.empty()) return wrong(flag, "expected KEY=VALUE");
  return Property(key, text.substr(equals + 1));
}

Result<std::int64_t> parse_number(std::string_view flag, std::string_view text, std::int64_t min,
                                  std::int64_t max) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < min || number > max)
    return wrong(flag, fmt::format("expected a number from {} to {}", min, max));
  return number;
}

}  // namespace myelin::cli::kafka
