// Topics as Kafka's clients name them: by name, or by id.
#pragma once

#include <string_view>

#include "broker/broker.h"
#include "formats/kafka_protocol/error.h"
#include "security/authorizer.h"
#include "servers/kafka/handler.h"

namespace myelin::kafka {

// Kafka's code for an error of ours where the API has no better one.
KafkaError kafka_error(ErrorCode code);

// The default tenant's topic of that name, or another tenant's in full. Null when there is none.
broker::TopicPtr find_topic(Call& call, std::string_view name);

// A partition that is there and that the client may use so.
struct FoundPartition {
  KafkaError error = KafkaError::None;
  broker::TopicPtr topic = nullptr;
  log::Partition* partition = nullptr;
};
FoundPartition find_partition(Call& call, security::Operation operation, std::string_view name,
                              std::int32_t partition);
FoundPartition find_partition(Call& call, security::Operation operation, const Uuid& id,
                              std::int32_t partition);
// The epoch that the client believes in against ours: KIP-320.
KafkaError check_leader_epoch(Call& call, std::int32_t current_leader_epoch);

}  // namespace myelin::kafka
