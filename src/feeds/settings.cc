#include "feeds/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "bus/types.h"
#include "feeds/record_key.h"

namespace myelin::feeds {

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

Status FeedSettings::check() const {
  if (name.empty() || name.size() > kFeedNameMax || !std::ranges::all_of(name, is_name_character)) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("name: 1 to {} letters, digits, '.', '_' and '-'", kFeedNameMax));
  }
  if (!tenant.empty()) {
    const auto status = broker::check_topic_name({.tenant = tenant, .name = "hl7.other"});
    if (!status) return status.error().with_context("tenant");
  }
  if (!store_raw && !store_message) {
    return Error(ErrorCode::InvalidInput,
                 "store_raw and store_message are both false: nothing would be stored");
  }
  if (message_bytes_max.value == 0 || message_bytes_max > kMessageBytesMax)
    return Error(ErrorCode::InvalidInput, "message_bytes_max: 1 byte to 32MiB");
  const auto chosen = RecordKey::parse(key);
  if (!chosen) return chosen.error().with_context("key");
  return {};
}

}  // namespace myelin::feeds
