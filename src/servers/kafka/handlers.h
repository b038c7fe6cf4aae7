// The makers of handlers, one an API; catalogue.cc lists them. Each has a file of its own name, or
// shares one with its kin.
#pragma once

#include <memory>

#include "servers/kafka/handler.h"

namespace myelin::kafka {

std::unique_ptr<Handler> make_alter_configs();
std::unique_ptr<Handler> make_alter_partition_reassignments();
std::unique_ptr<Handler> make_api_versions();
std::unique_ptr<Handler> make_create_acls();
std::unique_ptr<Handler> make_create_partitions();
std::unique_ptr<Handler> make_create_topics();
std::unique_ptr<Handler> make_delete_acls();
std::unique_ptr<Handler> make_delete_groups();
std::unique_ptr<Handler> make_delete_records();
std::unique_ptr<Handler> make_delete_topics();
std::unique_ptr<Handler> make_describe_acls();
std::unique_ptr<Handler> make_describe_cluster();
std::unique_ptr<Handler> make_describe_configs();
std::unique_ptr<Handler> make_describe_groups();
std::unique_ptr<Handler> make_describe_log_dirs();
std::unique_ptr<Handler> make_describe_producers();
std::unique_ptr<Handler> make_describe_quorum();
std::unique_ptr<Handler> make_describe_topic_partitions();
std::unique_ptr<Handler> make_elect_leaders();
std::unique_ptr<Handler> make_fetch();
std::unique_ptr<Handler> make_find_coordinator();
std::unique_ptr<Handler> make_heartbeat();
std::unique_ptr<Handler> make_incremental_alter_configs();
std::unique_ptr<Handler> make_init_producer_id();
std::unique_ptr<Handler> make_join_group();
std::unique_ptr<Handler> make_leave_group();
std::unique_ptr<Handler> make_list_config_resources();
std::unique_ptr<Handler> make_list_groups();
std::unique_ptr<Handler> make_list_offsets();
std::unique_ptr<Handler> make_list_partition_reassignments();
std::unique_ptr<Handler> make_metadata();
std::unique_ptr<Handler> make_offset_commit();
std::unique_ptr<Handler> make_offset_delete();
std::unique_ptr<Handler> make_offset_fetch();
std::unique_ptr<Handler> make_offset_for_leader_epoch();
std::unique_ptr<Handler> make_produce();
std::unique_ptr<Handler> make_sasl_authenticate();
std::unique_ptr<Handler> make_sasl_handshake();
std::unique_ptr<Handler> make_sync_group();

}  // namespace myelin::kafka
