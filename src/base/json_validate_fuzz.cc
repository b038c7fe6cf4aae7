// Properties: what is valid stays valid inside an array and an object one level deeper, and loses
// validity when its last byte that is no space is cut off (numbers apart); any bytes written as a
// JSON string are valid, and valid UTF-8.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/json_validate.h"
#include "base/json_writer.h"
#include "base/utf8.h"

namespace {

using namespace myelin;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_valid(std::string_view json) {
  require(is_valid_utf8(json));
  require(is_valid_json("[" + std::string(json) + "]", 65));
  std::string object;
  JsonWriter writer(object);
  writer.begin_object();
  writer.key("a");
  writer.raw(json);
  writer.end_object();
  require(is_valid_json(object, 65));
  json = json.substr(0, json.find_last_not_of(" \t\r\n") + 1);
  const char last = json.back();
  if (last < '0' || last > '9') require(!is_valid_json(json.substr(0, json.size() - 1)));
}

void check_steps(std::string_view bytes) {
  bool valid = true;
  for (auto left = bytes; !left.empty();) {
    const auto step = utf8_step(left);
    require(step.bytes >= 1 && step.bytes <= left.size());
    valid = valid && step.valid;
    left.remove_prefix(step.bytes);
  }
  require(valid == is_valid_utf8(bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (is_valid_json(bytes, 64)) check_valid(bytes);
  std::string text;
  append_json_string(text, bytes);
  require(is_valid_json(text) && is_valid_utf8(text));
  check_steps(bytes);
  return 0;
}
