// What the handlers that change something share.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "formats/kafka_protocol/error.h"
#include "io/runtime.h"
#include "security/audit.h"
#include "servers/kafka/handler.h"
#include "servers/kafka/kafka_server.h"

namespace myelin::kafka {

// What became of one change, and what to tell of it.
struct Outcome {
  KafkaError error = KafkaError::None;
  std::string message{};

  bool is_ok() const { return error == KafkaError::None; }
};

// Whether the client may do this to a topic.
Outcome check_access(Call& call, security::Operation operation, std::string_view topic);

// The names that occur more than once.
template <class Items, class NameOf>
std::set<std::string_view> repeated(const Items& items, NameOf name_of) {
  std::set<std::string_view> seen;
  std::set<std::string_view> repeated;
  for (const auto& item : items) {
    if (!seen.insert(name_of(item)).second) repeated.insert(name_of(item));
  }
  return repeated;
}

// A change is in the audit before it is made.
io::Task<Outcome> record(Call& call, security::AuditAction action, std::string_view topic,
                         std::vector<security::AuditSetting> settings = {},
                         std::vector<security::AuditCount> counts = {});

// Runs a change of the broker's, which waits for the disk, on the blocking pool.
template <class Change>
io::Task<std::invoke_result_t<Change&>> blocking(Call& call, Change change) {
  return call.server().parts().runtime.blocking(std::move(change));
}

// For error_message fields: null when all is well.
std::optional<std::string_view> message_of(Call& call, const Outcome& outcome);

}  // namespace myelin::kafka
