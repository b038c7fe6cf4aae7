#include "cli/backup/backup_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

namespace myelin::cli::backup {
namespace {

constexpr std::string_view kManifest = "manifest-";
constexpr std::size_t kNumberDigits = 10;
constexpr std::size_t kUuidCharacters = 36;

std::string manifest_name(std::uint64_t number) {
  return fmt::format("{}{:0{}}", kManifest, number, kNumberDigits);
}

std::optional<std::uint64_t> manifest_number(std::string_view name) {
  if (!name.starts_with(kManifest)) return std::nullopt;
  name.remove_prefix(kManifest.size());
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == name.data() + name.size();
  if (!whole || name.size() < kNumberDigits) return std::nullopt;
  return number;
}

bool is_ours(std::string_view name) {
  if (name.ends_with(".tmp")) name.remove_suffix(4);
  return name == "lock" || name == "segments" || name == "lost+found" || manifest_number(name);
}

// "<topic id>-<partition>" or "<topic id>-<partition>.<copy>".
std::string folder_name(const log::PartitionId& partition, std::uint32_t copy) {
  const auto name = fmt::format("{}-{}", partition.topic.to_string(), partition.partition.value);
  return copy == 0 ? name : fmt::format("{}.{}", name, copy);
}

}  // namespace

Status sync_parent(log::Disk& disk, const std::string& path) {
  return disk.sync_directory(std::filesystem::path(path).parent_path().string());
}

Result<std::unique_ptr<BackupSet>> BackupSet::open(log::Disk& disk, const std::string& directory,
                                                   For purpose) {
  const auto context = fmt::format("backup directory {}", directory);
  std::unique_ptr<BackupSet> set(new BackupSet(disk, directory));
  MYELIN_TRY(exists, disk.exists(directory));
  if (!exists && purpose == For::Reading)
    return Error(ErrorCode::NotFound, "it does not exist").with_context(context);
  if (!exists) {
    MYELIN_TRY_VOID(disk.make_directory(directory));
    MYELIN_TRY_VOID(sync_parent(disk, directory));
  }
  auto listed = set->list();
  if (!listed) return std::move(listed).error().with_context(context);
  auto lock = disk.lock(directory + "/lock");
  if (lock) {
    set->lock_ = std::move(*lock);
  } else if (lock.error().code() == ErrorCode::Conflict) {
    return Error(ErrorCode::Conflict, "another backup, check or restore is using it")
        .with_context(context);
  } else if (purpose == For::Writing) {  // What cannot be written to can be read all the same.
    return std::move(lock).error().with_context(context);
  }
  // Another may have changed it before we had the lock.
  auto ready = set->list();
  if (ready && purpose == For::Writing) ready = set->prepare();
  if (!ready) return std::move(ready).error().with_context(context);
  return set;
}

Status BackupSet::list() {
  MYELIN_TRY(entries, disk_.list(directory_));
  numbers_.clear();
  for (const auto& entry : entries) {
    if (!is_ours(entry.name)) {
      return Error(ErrorCode::Conflict,
                   fmt::format("it is not one of Myelin's: it holds {}", entry.name));
    }
    if (const auto number = manifest_number(entry.name)) numbers_.push_back(*number);
  }
  std::sort(numbers_.begin(), numbers_.end());
  return {};
}

Status BackupSet::prepare() {
  MYELIN_TRY_VOID(disk_.make_directory(segments_path()));
  return disk_.sync_directory(directory_);
}

std::string BackupSet::manifest_path(std::uint64_t number) const {
  return directory_ + "/" + manifest_name(number);
}

std::string BackupSet::directory_of(const log::PartitionId& partition, std::uint32_t copy) const {
  return segments_path() + "/" + folder_name(partition, copy);
}

std::string BackupSet::path_of(const SegmentId& segment, std::uint32_t copy,
                               log::SegmentFile file) const {
  return log::segment_path(directory_of(segment.partition, copy), segment.base_offset,
                           segment.generation, file);
}

Result<Manifest> BackupSet::read(std::uint64_t number) const {
  const auto path = manifest_path(number);
  if (!std::binary_search(numbers_.begin(), numbers_.end(), number)) {
    return Error(ErrorCode::NotFound,
                 fmt::format("backup directory {} holds no backup number {}", directory_, number));
  }
  MYELIN_TRY(bytes, log::read_file(disk_, path, kManifestBytesMax));
  auto manifest = decode_manifest(bytes);
  if (!manifest) return std::move(manifest).error().with_context(path);
  if (manifest->number != number)
    return Error(ErrorCode::Corrupt, fmt::format("{}: it is another backup's", path));
  return manifest;
}

Status BackupSet::make_directory_of(const log::PartitionId& partition, std::uint32_t copy) {
  const auto path = directory_of(partition, copy);
  MYELIN_TRY(exists, disk_.exists(path));
  if (exists) return {};
  MYELIN_TRY_VOID(disk_.make_directory(path));
  return disk_.sync_directory(segments_path());
}

Status BackupSet::write(const Manifest& manifest) {
  // A name that an interrupted backup left behind may not be durable yet.
  MYELIN_TRY_VOID(disk_.sync_directory(segments_path()));
  MYELIN_TRY_VOID(log::replace_file(disk_, directory_, manifest_name(manifest.number),
                                    encode_manifest(manifest)));
  numbers_.push_back(manifest.number);
  return {};
}

Result<std::uint64_t> BackupSet::sweep(std::uint64_t keep) {
  std::map<std::string, std::vector<std::string>> named;  // By folder.
  const auto first = numbers_.size() > keep ? numbers_.end() - 1 - static_cast<std::ptrdiff_t>(keep)
                                            : numbers_.begin();
  for (auto it = first; it != numbers_.end(); ++it) {
    MYELIN_TRY(manifest, read(*it));
    for (const auto& [id, segment] : manifest.segments) {
      auto& files = named[folder_name(id.partition, segment.copy)];
      for (const auto file : {log::SegmentFile::Log, log::SegmentFile::Meta}) {
        const auto path = path_of(id, segment.copy, file);
        files.push_back(path.substr(path.rfind('/') + 1));
      }
    }
  }
  for (auto it = numbers_.begin(); it != first; ++it)
    MYELIN_TRY_VOID(disk_.remove(manifest_path(*it)));
  const bool removed_some = first != numbers_.begin();
  numbers_.erase(numbers_.begin(), first);
  // A manifest that comes back after a power cut must find its files.
  if (removed_some) MYELIN_TRY_VOID(disk_.sync_directory(directory_));
  std::uint64_t count = 0;
  MYELIN_TRY(folders, disk_.list(segments_path()));
  for (const auto& folder : folders) {
    if (!folder.is_directory || !Uuid::parse(folder.name.substr(0, kUuidCharacters))) continue;
    MYELIN_TRY(removed, sweep_folder(folder.name, named[folder.name]));
    count += removed;
  }
  return count;
}

Result<std::uint64_t> BackupSet::sweep_folder(const std::string& name,
                                              const std::vector<std::string>& named) {
  const auto path = segments_path() + "/" + name;
  const std::set<std::string> keep(named.begin(), named.end());
  MYELIN_TRY(entries, disk_.list(path));
  std::uint64_t count = 0;
  for (const auto& entry : entries) {
    if (keep.contains(entry.name)) continue;
    MYELIN_TRY_VOID(disk_.remove(path + "/" + entry.name));
    ++count;
  }
  if (keep.empty()) MYELIN_TRY_VOID(disk_.remove(path));
  return count;
}

}  // namespace myelin::cli::backup
