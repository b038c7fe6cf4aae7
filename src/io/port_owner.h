// Who holds a port: for the error text of a bind that failed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace myelin::io {

struct PortOwner {
  std::string name;
  int pid;
};

// The process that listens on this TCP port of this machine, when the kernel tells us (our own
// user's processes, or all as root; Linux). Reads /proc; blocks for some milliseconds.
std::optional<PortOwner> find_port_owner(std::uint16_t port);

}  // namespace myelin::io
