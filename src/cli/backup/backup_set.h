// BackupSet: a directory of backups of one data directory.
//
// manifest-<number> for each backup, and the copied segments that they share below segments/. A
// manifest is written last and whole, so a backup is complete or is not there. Nothing that a
// manifest names is written over: its files are only added to, behind the bytes that count, and
// removed once no manifest names them. Locked while it is open. Blocks on the disk; one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/backup/manifest.h"
#include "log/disk.h"

namespace myelin::cli::backup {

class BackupSet {
 public:
  enum class For : std::uint8_t { Writing, Reading };

  // For writing it is made when it is not there. Errors, each naming the directory: Conflict (in
  // use, or it holds something else), NotFound, Unavailable.
  static Result<std::unique_ptr<BackupSet>> open(log::Disk& disk, const std::string& directory,
                                                 For purpose);

  const std::string& directory() const { return directory_; }
  // Of its backups, rising.
  const std::vector<std::uint64_t>& numbers() const { return numbers_; }
  // NotFound when there is none of that number; errors name the file.
  Result<Manifest> read(std::uint64_t number) const;

  std::string manifest_path(std::uint64_t number) const;
  std::string segments_path() const { return directory_ + "/segments"; }
  std::string directory_of(const log::PartitionId& partition, std::uint32_t copy) const;
  std::string path_of(const SegmentId& segment, std::uint32_t copy, log::SegmentFile file) const;

  // Made when it is not there, its name durable.
  Status make_directory_of(const log::PartitionId& partition, std::uint32_t copy);
  // Durable on success; everything that it names was synced before.
  Status write(const Manifest& manifest);
  // Removes all backups but the newest and `keep` before it, then the files that none of those
  // names. Gives how many files went. A manifest that cannot be read keeps every file.
  Result<std::uint64_t> sweep(std::uint64_t keep);

 private:
  BackupSet(log::Disk& disk, std::string directory)
      : disk_(disk), directory_(std::move(directory)) {}
  Status prepare();
  Status list();
  Result<std::uint64_t> sweep_folder(const std::string& name,
                                     const std::vector<std::string>& named);

  log::Disk& disk_;
  const std::string directory_;
  std::unique_ptr<log::DirectoryLock> lock_;
  std::vector<std::uint64_t> numbers_;
};

// Syncs the directory that holds `path`, so that its name lasts.
Status sync_parent(log::Disk& disk, const std::string& path);

}  // namespace myelin::cli::backup
