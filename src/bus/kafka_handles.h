// librdkafka's objects with their owners: each is given back by its own function.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

#include "base/freed_by.h"

namespace myelin::bus {

using KafkaConf = std::unique_ptr<rd_kafka_conf_t, FreedBy<rd_kafka_conf_destroy>>;
using KafkaHandle = std::unique_ptr<rd_kafka_t, FreedBy<rd_kafka_destroy>>;
using KafkaQueue = std::unique_ptr<rd_kafka_queue_t, FreedBy<rd_kafka_queue_destroy>>;
using KafkaEvent = std::unique_ptr<rd_kafka_event_t, FreedBy<rd_kafka_event_destroy>>;
using KafkaMessage = std::unique_ptr<rd_kafka_message_t, FreedBy<rd_kafka_message_destroy>>;
using KafkaError = std::unique_ptr<rd_kafka_error_t, FreedBy<rd_kafka_error_destroy>>;
using KafkaTopic = std::unique_ptr<rd_kafka_topic_t, FreedBy<rd_kafka_topic_destroy>>;
using KafkaPartitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                        FreedBy<rd_kafka_topic_partition_list_destroy>>;
using KafkaAdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, FreedBy<rd_kafka_AdminOptions_destroy>>;
using KafkaNewTopic = std::unique_ptr<rd_kafka_NewTopic_t, FreedBy<rd_kafka_NewTopic_destroy>>;

}  // namespace myelin::bus
