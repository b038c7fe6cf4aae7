#include "feeds/record_key.h"

#include <utility>

#include "feeds/message_view.h"
#include "formats/hl7v2/header.h"

namespace myelin::feeds {

namespace {

std::optional<std::string> key_of(std::string text) {
  if (text.empty() || text == hl7v2::kNull) return std::nullopt;
  return text;
}

std::optional<std::string> patient_identifier(const MessageView& view) {
  const auto found = hl7v2::first_patient_identifier(view.message());
  std::string id = view.text(found.id.reveal(), kKeyBytesMax);
  if (id.empty() || id == hl7v2::kNull) return std::nullopt;
  const std::string_view authority = found.authority.empty() ? found.authority_id : found.authority;
  if (authority.empty() || authority == hl7v2::kNull) return id;
  return view.text(authority, kKeyBytesMax) + "|" + id;
}

}  // namespace

Result<RecordKey> RecordKey::parse(std::string_view setting) {
  if (setting == "none") return RecordKey(None{});
  if (setting == "pid-3") return RecordKey(PatientIdentifier{});
  auto path = hl7v2::parse_path(setting);
  if (!path) return std::move(path).error().with_context("pid-3, none or a path");
  return RecordKey(*std::move(path));
}

std::optional<std::string> RecordKey::choose(const MessageView& view) const {
  if (std::holds_alternative<None>(choice_)) return std::nullopt;
  if (std::holds_alternative<PatientIdentifier>(choice_)) return patient_identifier(view);
  const auto raw = hl7v2::find_raw(view.message(), std::get<hl7v2::Path>(choice_));
  return raw ? key_of(view.text(*raw, kKeyBytesMax)) : std::nullopt;
}

}  // namespace myelin::feeds
