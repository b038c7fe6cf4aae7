#include "cli/kafka/record.h"

#include <fmt/format.h>

#include <iterator>

#include "base/base64.h"
#include "base/json_writer.h"
#include "base/time.h"
#include "base/utf8.h"
#include "cli/kafka/text.h"

namespace myelin::cli::kafka {
namespace {

constexpr std::string_view kIndent = "  ";

std::string label(std::string_view what) { return fmt::format("{}{:<7} ", kIndent, what); }

std::string shown(const std::optional<std::string_view>& bytes) {
  return bytes ? one_line(*bytes) : "(none)";
}

void append_place(std::string& out, const RecordView& record) {
  fmt::format_to(std::back_inserter(out), "{} {}@{}", one_line(record.topic), record.partition,
                 record.offset);
  if (record.time_ms) out += "  " + format_rfc3339(timestamp_from_ms(*record.time_ms));
  out += '\n';
}

void append_value(std::string& out, const RecordView& record, RecordForm form) {
  if (!record.value) {
    fmt::format_to(std::back_inserter(out), "{}(no value)\n", kIndent);
  } else if (record.value->empty()) {
    fmt::format_to(std::back_inserter(out), "{}(empty)\n", kIndent);
  } else if (form == RecordForm::Hex) {
    append_hex_dump(out, *record.value, kIndent);
  } else {
    append_lines(out, *record.value, kIndent);
  }
}

void append_for_people(std::string& out, const RecordView& record, const RecordLayout& layout) {
  append_place(out, record);
  if (layout.keys) {
    if (layout.form == RecordForm::Hex && record.key) {
      out += label("key") + "\n";
      append_hex_dump(out, *record.key, kIndent);
    } else {
      out += label("key") + shown(record.key) + "\n";
    }
  }
  if (layout.headers) {
    for (const RecordHeader& header : record.headers)
      out += label("header") + one_line(header.name) + ": " + shown(header.value) + "\n";
  }
  append_value(out, record, layout.form);
}

// "name": text, or "name_base64": what is no text, or "name": null.
void write_bytes(JsonWriter& json, std::string_view name,
                 const std::optional<std::string_view>& bytes) {
  if (!bytes) {
    json.key(name);
    json.null();
  } else if (is_valid_utf8(*bytes)) {
    json.member(name, *bytes);
  } else {
    json.member(std::string(name) + "_base64", encode_base64(*bytes));
  }
}

void append_json(std::string& out, const RecordView& record) {
  JsonWriter json(out);
  json.begin_object();
  json.member("topic", record.topic);
  json.member("partition", record.partition);
  json.member("offset", record.offset);
  json.key("time");
  if (record.time_ms) {
    json.string(format_rfc3339(timestamp_from_ms(*record.time_ms)));
  } else {
    json.null();
  }
  write_bytes(json, "key", record.key);
  json.key("headers");
  json.begin_array();
  for (const RecordHeader& header : record.headers) {
    json.begin_object();
    json.member("name", header.name);
    write_bytes(json, "value", header.value);
    json.end_object();
  }
  json.end_array();
  write_bytes(json, "value", record.value);
  json.end_object();
  out += '\n';
}

}  // namespace

void append_record(std::string& out, const RecordView& record, const RecordLayout& layout) {
  switch (layout.form) {
    case RecordForm::Text:
    case RecordForm::Hex: append_for_people(out, record, layout); return;
    case RecordForm::Json: append_json(out, record); return;
    case RecordForm::Raw:
      if (layout.keys) {
        out += record.key.value_or("");
        out += '\t';
      }
      out += record.value.value_or("");
      out += '\n';
      return;
  }
}

}  // namespace myelin::cli::kafka
