// What a data directory is before it is opened: fresh, ours, or something to keep our hands off.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "log/checkpoint.h"
#include "log/disk.h"

namespace myelin::log {

enum class DirectoryKind : std::uint8_t {
  Fresh,        // Missing, empty, or a first start that was cut off: to be initialized.
  Initialized,  // Has a checkpoint of a format that we know.
};

// Looks without touching. Errors, each one sentence: Conflict (another product's, a newer format),
// Corrupt (half deleted, a damaged checkpoint), Unavailable (cannot be read).
Result<DirectoryKind> inspect_directory(Disk& disk, const std::string& directory);

// Reads and decodes the checkpoint.
Result<Checkpoint> read_checkpoint(Disk& disk, const std::string& directory);

// What the file partition.metadata of a partition's directory holds: Kafka's of the same name, by
// which its tools find the topic's id.
std::string partition_metadata(const TopicId& topic);

// Present from the first touch of a fresh directory until its first checkpoint is durable.
inline constexpr const char* kInitializingMark = "initializing";

}  // namespace myelin::log
