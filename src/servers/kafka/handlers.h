// The makers of handlers, one an API; catalogue.cc lists them. Each has a file of its own name, or
// shares one with its kin.
#pragma once

#include <memory>

#include "servers/kafka/handler.h"

namespace myelin::kafka {

std::unique_ptr<Handler> make_api_versions();
std::unique_ptr<Handler> make_describe_cluster();
std::unique_ptr<Handler> make_fetch();
std::unique_ptr<Handler> make_list_offsets();
std::unique_ptr<Handler> make_metadata();
std::unique_ptr<Handler> make_offset_for_leader_epoch();
std::unique_ptr<Handler> make_produce();

}  // namespace myelin::kafka
