#include "log/retention.h"

namespace myelin::log {
namespace {

bool is_old(const SegmentState& segment, const TopicPolicy& policy, std::int64_t now_ms) {
  return policy.retention_time &&
         now_ms - segment.last_received_ms > policy.retention_time->count();
}

std::uint64_t bytes_of(const std::vector<SegmentState>& segments) {
  std::uint64_t bytes = 0;
  for (const auto& segment : segments) bytes += segment.log_bytes;
  return bytes;
}

}  // namespace

std::string_view to_string(RemovalReason reason) {
  switch (reason) {
    case RemovalReason::RetentionTime: return "retention-time";
    case RemovalReason::RetentionBytes: return "retention-bytes";
  }
  return "";
}

std::optional<Retained> retain(const Partition::StoredView& view, const TopicPolicy& policy,
                               std::int64_t now_ms) {
  const auto& segments = *view.segments;
  Retained retained;
  auto left = bytes_of(segments);
  std::size_t going = 0;
  for (; going < segments.size(); ++going) {
    const auto& segment = segments[going];
    const bool active = going + 1 == segments.size();
    const bool old = is_old(segment, policy, now_ms) && (!active || view.is_whole);
    const bool beyond =
        !active && policy.retention_bytes && left - segment.log_bytes >= *policy.retention_bytes;
    if (!old && !beyond) break;
    retained.reason = old ? RemovalReason::RetentionTime : RemovalReason::RetentionBytes;
    retained.bytes += segment.log_bytes;
    retained.last_received_ms = segment.last_received_ms;
    left -= segment.log_bytes;
  }
  if (going == 0) return std::nullopt;
  retained.start = going == segments.size() ? view.end : segments[going].base_offset;
  if (retained.start <= view.start) return std::nullopt;
  return retained;
}

}  // namespace myelin::log
