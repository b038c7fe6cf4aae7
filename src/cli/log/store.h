// Store: a data directory as it lies there, looked at without being opened: its checkpoint or why
// there is none, the files of its journal, the folders of its partitions.
//
// Nothing here writes. Blocks on the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/log/journal_files.h"
#include "log/checkpoint.h"
#include "log/disk.h"
#include "log/journal.h"

namespace myelin::cli::log_tools {

// Two files of one name; a size is absent where the file is.
struct SegmentFiles {
  log::Offset base_offset;
  std::uint32_t generation = 0;
  std::optional<std::uint64_t> log_bytes{};
  std::optional<std::uint64_t> meta_bytes{};

  bool whole() const { return log_bytes && meta_bytes; }
};

enum class MetadataFile : std::uint8_t { Good, Missing, Damaged };

struct PartitionFolder {
  std::string path;
  std::string topic_name;  // "lab" of ".../lab-0".
  log::PartitionIndex index;
  std::optional<log::TopicId> topic;  // By partition.metadata, else by a companion's header.
  MetadataFile metadata = MetadataFile::Missing;
  std::vector<SegmentFiles> segments;  // By base offset, then generation.
  std::vector<std::string> others;     // Paths of files that are no segment's.

  const SegmentFiles* find(log::Offset base_offset, std::uint32_t generation) const;
};

struct Store {
  std::string directory;
  std::optional<log::Checkpoint> checkpoint;
  std::string checkpoint_fault;      // Why there is none.
  log::JournalGeometry geometry;     // As the checkpoint says it, or as its files suggest.
  std::vector<JournalFile> journal;  // Its files that are there, by number.
  std::vector<PartitionFolder> partitions;
  std::vector<std::string> deleted;  // Folders of deleted topics: a running server removes them.
  std::vector<std::string> strays;   // Paths of what has no business in journal/ or topics/.

  const PartitionFolder* find(const std::string& path) const;
};

std::string partition_path(const std::string& directory, std::string_view topic,
                           log::PartitionIndex partition);

// NotFound: no directory. Conflict: not one of Myelin, or of a newer format. Unavailable: cannot be
// read.
Result<Store> look_at(log::Disk& disk, const std::string& directory);

}  // namespace myelin::cli::log_tools
