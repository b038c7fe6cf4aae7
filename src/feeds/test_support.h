// What tests of feeds and of doors that use them share.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "bus/types.h"

namespace myelin::feeds {

// The bytes that a JSON string literal, whose opening quote `json` begins with, stands for. Nothing
// where it is no such literal or holds an escape beyond what our writer makes.
inline std::optional<std::string> read_json_string(std::string_view json) {
  if (!json.starts_with('"')) return std::nullopt;
  std::string out;
  for (std::size_t i = 1; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') return out;
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    if (++i >= json.size()) return std::nullopt;
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
    if (const auto at = kNames.find(json[i]); at != std::string_view::npos) {
      out.push_back(kBytes[at]);
      continue;
    }
    if (json[i] != 'u' || i + 4 >= json.size() || json.substr(i + 1, 2) != "00")
      return std::nullopt;
    out.push_back(static_cast<char>(std::stoi(std::string(json.substr(i + 3, 2)), nullptr, 16)));
    i += 4;
  }
  return std::nullopt;
}

// What the event says the message was, byte for byte.
inline std::optional<std::string> raw_of(std::string_view event) {
  constexpr std::string_view kText = "\"payload\":{\"raw\":";
  constexpr std::string_view kBase64 = "\"payload\":{\"rawBase64\":";
  if (const auto at = event.find(kText); at != std::string_view::npos)
    return read_json_string(event.substr(at + kText.size()));
  const auto at = event.find(kBase64);
  if (at == std::string_view::npos) return std::nullopt;
  const auto text = read_json_string(event.substr(at + kBase64.size()));
  auto bytes =
      text ? decode_base64(*text) : Result<std::string>(Error(ErrorCode::InvalidInput, ""));
  if (!bytes) return std::nullopt;
  return *std::move(bytes);
}

inline std::optional<std::string> header_of_record(const bus::Record& record,
                                                   std::string_view key) {
  for (const auto& header : record.headers) {
    if (header.key == key) return header.value;
  }
  return std::nullopt;
}

// An admission; `msh_15_16` such as "AL|NE".
inline std::string admission(std::string_view control_id, std::string_view msh_15_16 = "|",
                             std::string_view type = "ADT^A01") {
  return fmt::format(
      "MSH|^~\\&|ADT1|HOSP|LAB|HOSP|20260101080000||{}|{}|P|2.5|||{}\r"
      "EVN|A01|20260101080000\r"
      "PID|1||4711^^^HOSP^MR||Doe^Jane||19700101|F\r",
      type, control_id, msh_15_16);
}

}  // namespace myelin::feeds
