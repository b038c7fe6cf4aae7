// The makers of handlers, one an API; catalogue.cc lists them. Each has a file of its own name, or
// shares one with its kin.
#pragma once

#include <memory>

#include "servers/kafka/handler.h"

namespace myelin::kafka {

std::unique_ptr<Handler> make_api_versions();
std::unique_ptr<Handler> make_delete_groups();
std::unique_ptr<Handler> make_describe_cluster();
std::unique_ptr<Handler> make_describe_groups();
std::unique_ptr<Handler> make_fetch();
std::unique_ptr<Handler> make_find_coordinator();
std::unique_ptr<Handler> make_heartbeat();
std::unique_ptr<Handler> make_init_producer_id();
std::unique_ptr<Handler> make_join_group();
std::unique_ptr<Handler> make_leave_group();
std::unique_ptr<Handler> make_list_groups();
std::unique_ptr<Handler> make_list_offsets();
std::unique_ptr<Handler> make_metadata();
std::unique_ptr<Handler> make_offset_commit();
std::unique_ptr<Handler> make_offset_delete();
std::unique_ptr<Handler> make_offset_fetch();
std::unique_ptr<Handler> make_offset_for_leader_epoch();
std::unique_ptr<Handler> make_produce();
std::unique_ptr<Handler> make_sync_group();

}  // namespace myelin::kafka
