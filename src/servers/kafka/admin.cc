#include "servers/kafka/admin.h"

#include <fmt/format.h>

#include "servers/kafka/session.h"

namespace myelin::kafka {

Outcome check_access(Call& call, security::Operation operation, std::string_view topic) {
  if (call.session().may(operation, security::Resource::topic(topic))) return {};
  return {KafkaError::TopicAuthorizationFailed, fmt::format("no access to topic {}", topic)};
}

io::Task<Outcome> record(Call& call, security::AuditAction action, std::string_view topic,
                         std::vector<security::AuditSetting> settings,
                         std::vector<security::AuditCount> counts) {
  const auto id = call.server().parts().ids.next();
  const auto recorded =
      co_await call.server().parts().audit.record({.id = id,
                                                   .session = id,
                                                   .time = call.server().parts().clock.now(),
                                                   .context = call.session().context(),
                                                   .action = action,
                                                   .resource = security::Resource::topic(topic),
                                                   .outcome = security::AuditOutcome::Success,
                                                   .reason = {},
                                                   .counts = std::move(counts),
                                                   .settings = std::move(settings)});
  if (recorded) co_return Outcome{};
  co_return Outcome{KafkaError::KafkaStorageError, "the change cannot be recorded in the audit"};
}

std::optional<std::string_view> message_of(Call& call, const Outcome& outcome) {
  if (outcome.is_ok()) return std::nullopt;
  return call.arena().copy(outcome.message);
}

}  // namespace myelin::kafka
