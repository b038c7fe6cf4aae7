#include "servers/stream/request.h"

#include <algorithm>
#include <optional>

#include "base/time.h"

namespace myelin::stream {

namespace {

constexpr std::size_t kCursorBytesMax = 4096;

std::optional<std::string_view> find_cursor(const http::Request& request) {
  // An empty one is what a client sends that has seen no event yet.
  if (const auto header = request.headers.find("Last-Event-ID"); header && !header->empty())
    return header;
  if (const auto query = request.query.find("lastEventId"); query && !query->empty()) return query;
  return std::nullopt;
}

}  // namespace

Status check_pattern(std::string_view pattern) {
  if (broker::is_internal(pattern)) {
    return Error(ErrorCode::InvalidInput,
                 "topics that begin with __ are the server's own and are not streamed");
  }
  std::string name(pattern);
  std::ranges::replace(name, '*', 'x');
  return broker::check_topic_name(bus::TopicName{.tenant = {}, .name = std::move(name)});
}

Result<bus::Start> parse_start(const http::Request& request) {
  if (const auto cursor = find_cursor(request)) {
    if (cursor->size() > kCursorBytesMax)
      return Error(ErrorCode::InvalidInput, "Last-Event-ID is longer than any that was given out");
    return bus::Start(bus::FromCursor{std::string(*cursor)});
  }
  const std::string_view from = request.query_or("from", "now");
  if (from == "now") return bus::Start(bus::FromNow{});
  if (from == "earliest") return bus::Start(bus::FromEarliest{});
  const auto time = parse_rfc3339(from);
  if (!time) {
    return Error(ErrorCode::InvalidInput,
                 "from must be now, earliest or a time such as 2026-01-31T08:00:00Z (a + in it is "
                 "written %2B)");
  }
  return bus::Start(bus::FromTime{*time});
}

Result<bus::SubscribeOptions> parse_request(const http::Request& request) {
  const std::string_view pattern = request.route_value("pattern");
  MYELIN_TRY_VOID(check_pattern(pattern));
  MYELIN_TRY(start, parse_start(request));
  bus::SubscribeOptions options;
  options.patterns.emplace_back(pattern);
  options.start = std::move(start);
  return options;
}

}  // namespace myelin::stream
