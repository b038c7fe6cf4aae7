// One line of `myelin log dump`: fields that are written as text ("batch lab-0 offsets=5..7") or as
// a JSON object.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/json_writer.h"

namespace myelin::cli::log_tools {

enum class DumpForm : std::uint8_t { Text, Json };

class DumpLine {
 public:
  // `indent` is of the text form.
  DumpLine(DumpForm form, std::string_view type, int indent = 0);

  // Cut to what can be printed without harm.
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::int64_t value);
  void number(std::string_view name, std::uint64_t value);
  // RFC 3339; left out below 0.
  void time(std::string_view name, std::int64_t ms);
  void flag(std::string_view name, bool value);
  // Patient data: base64 in JSON, printable characters in text.
  void payload(std::string_view name, std::string_view bytes);
  void write(std::FILE* to);

 private:
  const DumpForm form_;
  std::string out_;
  JsonWriter json_{out_};
};

}  // namespace myelin::cli::log_tools
