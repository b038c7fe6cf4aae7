#include "cli/log/dump_line.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/time.h"
#include "cli/log/text.h"

namespace myelin::cli::log_tools {

DumpLine::DumpLine(DumpForm form, std::string_view type, int indent) : form_(form) {
  if (form_ == DumpForm::Text) {
    out_ = std::string(static_cast<std::size_t>(indent), ' ') + std::string(type);
    return;
  }
  json_.begin_object();
  json_.member("type", type);
}

void DumpLine::text(std::string_view name, std::string_view value) {
  if (form_ == DumpForm::Json) return json_.member(name, value);
  out_ += fmt::format("  {}={}", name, printable(value));
}

void DumpLine::number(std::string_view name, std::int64_t value) {
  if (form_ == DumpForm::Json) return json_.member(name, value);
  out_ += fmt::format("  {}={}", name, value);
}

void DumpLine::number(std::string_view name, std::uint64_t value) {
  if (form_ == DumpForm::Json) return json_.member(name, value);
  out_ += fmt::format("  {}={}", name, value);
}

void DumpLine::time(std::string_view name, std::int64_t ms) {
  if (ms >= 0) text(name, time_text(ms));
}

void DumpLine::flag(std::string_view name, bool value) {
  if (form_ == DumpForm::Json) return json_.member(name, value);
  if (value) out_ += fmt::format("  {}", name);
}

void DumpLine::payload(std::string_view name, std::string_view bytes) {
  text(name, form_ == DumpForm::Json ? encode_base64(bytes) : std::string(bytes));
}

void DumpLine::write(std::FILE* to) {
  if (form_ == DumpForm::Json) json_.end_object();
  print(to, out_ + "\n");
}

}  // namespace myelin::cli::log_tools
