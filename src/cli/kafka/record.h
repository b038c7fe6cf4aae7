// A record and how `myelin consume` prints it. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace myelin::cli::kafka {

struct RecordHeader {
  std::string_view name;
  std::optional<std::string_view> value;
};

// The views end with what they were taken from.
struct RecordView {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::optional<std::int64_t> time_ms = {};
  std::optional<std::string_view> key = {};
  std::optional<std::string_view> value = {};
  std::vector<RecordHeader> headers = {};
};

enum class RecordForm : std::uint8_t {
  Text,  // A line that says where, and the value's lines behind two spaces.
  Json,  // One object a line; what is no UTF-8 in base64.
  Raw,   // The value byte for byte and a line feed.
  Hex,   // A line that says where, and the value as a dump.
};

struct RecordLayout {
  RecordForm form = RecordForm::Text;
  bool keys = false;     // Json has keys and headers always.
  bool headers = false;  // Not of Raw.
};

void append_record(std::string& out, const RecordView& record, const RecordLayout& layout);

}  // namespace myelin::cli::kafka
