#include "broker/types.h"

#include <fmt/format.h>

#include <algorithm>

namespace myelin::broker {
namespace {

bool is_legal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Status check_part(std::string_view what, std::string_view text) {
  if (text.find("..") != std::string_view::npos) {
    return Error(ErrorCode::InvalidInput, fmt::format("{}: '..' is kept for tenants", what));
  }
  const auto bad = std::find_if_not(text.begin(), text.end(), is_legal);
  if (bad != text.end()) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("{}: byte {} is not a letter, digit, '.', '_' or '-'", what,
                             bad - text.begin() + 1));
  }
  return {};
}

}  // namespace

TopicName TopicName::from_full(std::string_view full) {
  const auto split = full.find("..");
  if (split == std::string_view::npos) return {{}, std::string(full)};
  return {std::string(full.substr(0, split)), std::string(full.substr(split + 2))};
}

Status check_topic_name(const TopicName& name) {
  if (name.name.empty()) return Error(ErrorCode::InvalidInput, "topic name: it is empty");
  if (name.name == ".") return Error(ErrorCode::InvalidInput, "topic name: '.' is not a name");
  const auto length = name.name.size() + (name.tenant.empty() ? 0 : name.tenant.size() + 2);
  if (length > kTopicNameMax) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("topic name: {} bytes are more than {}", length, kTopicNameMax));
  }
  MYELIN_TRY_VOID(check_part("tenant", name.tenant));
  return check_part("topic name", name.name);
}

bool matches_pattern(std::string_view pattern, std::string_view name) {
  // Greedy with one point of return: linear for one star, at worst pattern times name.
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace myelin::broker
