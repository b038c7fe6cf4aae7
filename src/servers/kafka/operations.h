// What a client may do, as the bit fields of Kafka's answers: KIP-430.
#pragma once

#include <cstdint>

#include "broker/broker.h"
#include "servers/kafka/handler.h"

namespace myelin::kafka {

std::int32_t topic_operations(Call& call, const broker::Topic& topic);
std::int32_t cluster_operations(Call& call);
std::int32_t group_operations(Call& call);

}  // namespace myelin::kafka
