#include "log/directory.h"

#include <fmt/format.h>

#include <algorithm>

namespace myelin::log {
namespace {

bool holds(const std::vector<DirectoryEntry>& entries, std::string_view name) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const DirectoryEntry& entry) { return entry.name == name; });
}

}  // namespace

std::string partition_metadata(const TopicId& topic) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string id;
  std::uint32_t bits = 0;
  int count = 0;
  for (const auto byte : topic.bytes) {
    bits = (bits << 8) | byte;
    for (count += 8; count >= 6; count -= 6) id.push_back(kAlphabet[(bits >> (count - 6)) & 63]);
  }
  id.push_back(kAlphabet[(bits << (6 - count)) & 63]);
  return "version: 0\ntopic_id: " + id + "\n";
}

Result<Checkpoint> read_checkpoint(Disk& disk, const std::string& directory) {
  MYELIN_TRY(bytes, read_file(disk, directory + "/checkpoint", kCheckpointBytesMax));
  return decode_checkpoint(bytes);
}

Result<DirectoryKind> inspect_directory(Disk& disk, const std::string& directory) {
  MYELIN_TRY(exists, disk.exists(directory));
  if (!exists) return DirectoryKind::Fresh;
  MYELIN_TRY(entries, disk.list(directory));
  // A volume's own folder does not make a directory somebody's, nor does a first start that ended
  // at its lock.
  std::erase_if(entries, [](const DirectoryEntry& entry) {
    return entry.name == "lost+found" || entry.name == "lock";
  });
  if (entries.empty()) return DirectoryKind::Fresh;
  if (holds(entries, kInitializingMark)) {
    // A server has run here: the mark came from elsewhere.
    const auto checkpoint = read_checkpoint(disk, directory);
    const bool used = checkpoint && checkpoint->incarnation > 0;
    return used ? DirectoryKind::Initialized : DirectoryKind::Fresh;
  }
  if (!holds(entries, "checkpoint")) {
    if (holds(entries, "journal") || holds(entries, "topics")) {
      return Error(ErrorCode::Corrupt, "it is half deleted: its checkpoint is missing");
    }
    return Error(ErrorCode::Conflict,
                 fmt::format("it is not a data directory of Myelin: it holds {} and no checkpoint",
                             entries.front().name));
  }
  MYELIN_TRY_VOID(read_checkpoint(disk, directory));
  if (!holds(entries, "journal")) {
    return Error(ErrorCode::Corrupt, "it is half deleted: its journal is missing");
  }
  return DirectoryKind::Initialized;
}

}  // namespace myelin::log
