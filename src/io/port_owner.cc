#include "io/port_owner.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

namespace myelin::io {
namespace {

namespace fs = std::filesystem;

// The inodes of the sockets that listen on the port, from one of the kernel's socket tables. A line
// has: number, local address as HEX:PORT, remote address, state, …, the inode as tenth word.
void add_listening_inodes(const char* table, std::uint16_t port, std::set<std::string>& inodes) {
  constexpr std::string_view kListening = "0A";
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string word, local, remote, state;
    words >> word >> local >> remote >> state;
    if (state != kListening) continue;
    const auto colon = local.rfind(':');
    if (colon == std::string::npos) continue;
    unsigned found = 0;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), found, 16);
    if (found != port) continue;
    for (int skip = 4; skip < 10; ++skip) words >> word;
    inodes.insert("socket:[" + word + "]");
  }
}

bool holds_one_of(const fs::path& process, const std::set<std::string>& sockets) {
  std::error_code error;
  for (fs::directory_iterator it(process / "fd", error), end; !error && it != end;
       it.increment(error)) {
    std::error_code unreadable;
    const auto target = fs::read_symlink(it->path(), unreadable);
    if (!unreadable && sockets.contains(target.string())) return true;
  }
  return false;
}

}  // namespace

std::optional<PortOwner> find_port_owner(std::uint16_t port) {
  std::set<std::string> sockets;
  add_listening_inodes("/proc/net/tcp", port, sockets);
  add_listening_inodes("/proc/net/tcp6", port, sockets);
  if (sockets.empty()) return std::nullopt;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    int pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    if (!holds_one_of(it->path(), sockets)) continue;
    std::ifstream comm(it->path() / "comm");
    std::string process;
    std::getline(comm, process);
    return PortOwner{process.empty() ? "unknown" : process, pid};
  }
  return std::nullopt;
}

}  // namespace myelin::io
