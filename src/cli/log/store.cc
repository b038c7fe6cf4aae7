#include "cli/log/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "base/base64.h"
#include "base/bytes.h"
#include "log/directory.h"
#include "log/segment.h"
#include "log/verify.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::uint64_t kMetadataBytesMax = 4096;

// Digits only, all of them.
template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool all = error == std::errc() && end == text.data() + text.size();
  return all && !text.starts_with('-') ? std::optional(value) : std::nullopt;
}

struct SegmentName {
  log::Offset base_offset;
  std::uint32_t generation = 0;
  log::SegmentFile file = log::SegmentFile::Log;
};

// "<20 digits>[.<generation>].log" or ".meta".
std::optional<SegmentName> parse_segment_name(std::string_view name) {
  SegmentName parsed;
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto ending = name.substr(dot + 1);
  if (ending != "log" && ending != "meta") return std::nullopt;
  if (ending == "meta") parsed.file = log::SegmentFile::Meta;
  auto stem = name.substr(0, dot);
  if (const auto inner = stem.find('.'); inner != std::string_view::npos) {
    const auto generation = parse_number<std::uint32_t>(stem.substr(inner + 1));
    if (!generation || *generation == 0) return std::nullopt;
    parsed.generation = *generation;
    stem = stem.substr(0, inner);
  }
  const auto base = parse_number<std::int64_t>(stem);
  if (stem.size() != 20 || !base) return std::nullopt;
  parsed.base_offset = log::Offset(*base);
  return parsed;
}

// The id in a partition.metadata as Kafka writes it: URL-safe base64 without padding.
std::optional<log::TopicId> parse_metadata(std::string_view text) {
  constexpr std::string_view kBefore = "version: 0\ntopic_id: ";
  constexpr std::size_t kIdChars = 22;
  if (text.size() != kBefore.size() + kIdChars + 1 || !text.starts_with(kBefore) ||
      !text.ends_with('\n')) {
    return std::nullopt;
  }
  std::string id(text.substr(kBefore.size(), kIdChars));
  std::ranges::replace(id, '-', '+');
  std::ranges::replace(id, '_', '/');
  const auto bytes = decode_base64(id + "==");
  if (!bytes || bytes->size() != 16) return std::nullopt;
  return Uuid::from_bytes(*bytes);
}

Result<std::uint64_t> size_of(log::Disk& disk, const std::string& path) {
  MYELIN_TRY(file, disk.open(path, log::Writes::None, log::Create::No));
  return file->size_bytes();
}

// What an unreadable file says of itself is nothing; that it cannot be read is found by whoever
// reads its records.
void identify(log::Disk& disk, PartitionFolder& folder) {
  const auto path = folder.path + "/partition.metadata";
  if (const auto text = log::read_file(disk, path, kMetadataBytesMax)) {
    folder.topic = parse_metadata(*text);
    folder.metadata = folder.topic ? MetadataFile::Good : MetadataFile::Damaged;
  } else if (text.error().code() != ErrorCode::NotFound) {
    folder.metadata = MetadataFile::Damaged;
  }
  for (const auto& segment : folder.segments) {
    if (folder.topic) return;
    const auto meta = disk.open(log::segment_path(folder.path, segment.base_offset,
                                                  segment.generation, log::SegmentFile::Meta),
                                log::Writes::None, log::Create::No);
    char bytes[log::kMetaHeaderBytes];
    const auto got =
        meta ? (*meta)->read_at(0, bytes, sizeof bytes) : Result<std::size_t>(meta.error());
    const auto header = got ? log::decode_companion_header({bytes, *got}) : std::nullopt;
    if (header && header->partition.partition == folder.index)
      folder.topic = header->partition.topic;
  }
}

Result<PartitionFolder> look_at_folder(log::Disk& disk, const std::string& path,
                                       std::string_view name) {
  PartitionFolder folder;
  folder.path = path;
  const auto dash = name.rfind('-');
  folder.topic_name = name.substr(0, dash);
  folder.index = log::PartitionIndex(*parse_number<std::int32_t>(name.substr(dash + 1)));
  MYELIN_TRY(entries, disk.list(path));
  std::map<std::pair<log::Offset, std::uint32_t>, SegmentFiles> segments;
  for (const auto& entry : entries) {
    const auto file = path + "/" + entry.name;
    const auto parsed = entry.is_directory ? std::nullopt : parse_segment_name(entry.name);
    if (!parsed) {
      if (entry.name != "partition.metadata") folder.others.push_back(file);
      continue;
    }
    auto& segment = segments[{parsed->base_offset, parsed->generation}];
    segment.base_offset = parsed->base_offset;
    segment.generation = parsed->generation;
    MYELIN_TRY(bytes, size_of(disk, file));
    (parsed->file == log::SegmentFile::Log ? segment.log_bytes : segment.meta_bytes) = bytes;
  }
  for (const auto& [key, segment] : segments) folder.segments.push_back(segment);
  std::ranges::sort(folder.others);
  identify(disk, folder);
  return folder;
}

bool names_partition(std::string_view name) {
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return false;
  const auto index = parse_number<std::int32_t>(name.substr(dash + 1));
  return index && *index < log::kPartitionsMax;
}

Status look_at_topics(log::Disk& disk, Store& store) {
  const auto topics = store.directory + "/topics";
  auto entries = disk.list(topics);
  MYELIN_TRY(there, disk.exists(topics));
  if (!there) return {};
  if (!entries) return std::move(entries).error();
  std::ranges::sort(*entries, {}, &log::DirectoryEntry::name);
  for (const auto& entry : *entries) {
    const auto path = topics + "/" + entry.name;
    if (entry.is_directory && entry.name.ends_with(".deleted")) {
      store.deleted.push_back(path);
    } else if (entry.is_directory && names_partition(entry.name)) {
      MYELIN_TRY(folder, look_at_folder(disk, path, entry.name));
      store.partitions.push_back(std::move(folder));
    } else {
      store.strays.push_back(path);
    }
  }
  return {};
}

log::JournalGeometry geometry_of(const log::Checkpoint& checkpoint, const std::string& journal) {
  return {journal, checkpoint.journal_file_bytes, checkpoint.journal_file_count};
}

Status look_at_journal(log::Disk& disk, Store& store) {
  const auto journal = store.directory + "/journal";
  MYELIN_TRY(there, disk.exists(journal));
  std::vector<JournalFile> files;
  if (there) {
    MYELIN_TRY(entries, disk.list(journal));
    for (const auto& entry : entries) {
      const auto path = journal + "/" + entry.name;
      const auto number = parse_number<std::uint32_t>(entry.name.substr(0, entry.name.find('.')));
      if (!number || entry.name != fmt::format("{}.journal", *number)) {
        store.strays.push_back(path);
        continue;
      }
      MYELIN_TRY(bytes, size_of(disk, path));
      files.push_back({*number, path, bytes});
    }
  }
  std::ranges::sort(files, {}, &JournalFile::number);
  store.geometry = store.checkpoint ? geometry_of(*store.checkpoint, journal)
                                    : guess_geometry(disk, journal, files);
  for (auto& file : files) {
    if (file.number < store.geometry.file_count) {
      store.journal.push_back(std::move(file));
    } else {
      store.strays.push_back(std::move(file.path));
    }
  }
  return {};
}

// The number is not covered by the checkpoint's checksum: one that no server will ever write is
// damage.
bool is_newer(log::Disk& disk, const std::string& directory) {
  constexpr std::size_t kFormatAt = 8;
  constexpr std::uint32_t kFormatMax = 1000;
  const auto bytes = log::read_file(disk, directory + "/checkpoint", log::kCheckpointBytesMax);
  return bytes && bytes->size() >= kFormatAt + 4 &&
         load_le<std::uint32_t>(bytes->data() + kFormatAt) <= kFormatMax;
}

}  // namespace

std::string partition_path(const std::string& directory, std::string_view topic,
                           log::PartitionIndex partition) {
  return fmt::format("{}/topics/{}-{}", directory, topic, partition.value);
}

const SegmentFiles* PartitionFolder::find(log::Offset base_offset, std::uint32_t generation) const {
  const auto found = std::ranges::find_if(segments, [&](const SegmentFiles& files) {
    return files.base_offset == base_offset && files.generation == generation;
  });
  return found == segments.end() ? nullptr : &*found;
}

const PartitionFolder* Store::find(const std::string& path) const {
  const auto found = std::ranges::find(partitions, path, &PartitionFolder::path);
  return found == partitions.end() ? nullptr : &*found;
}

Result<Store> look_at(log::Disk& disk, const std::string& directory) {
  Store store;
  store.directory = directory;
  MYELIN_TRY(there, disk.exists(directory));
  if (!there) return Error(ErrorCode::NotFound, fmt::format("{} does not exist", directory));
  MYELIN_TRY(entries, disk.list(directory));
  const auto holds = [&](std::string_view name) {
    return std::ranges::find(entries, name, &log::DirectoryEntry::name) != entries.end();
  };
  if (!holds("checkpoint") && !holds("journal") && !holds("topics"))
    return Error(ErrorCode::Conflict,
                 fmt::format("{} is not a data directory of Myelin", directory));
  auto checkpoint = log::read_checkpoint(disk, directory);
  if (checkpoint && !is_possible(geometry_of(*checkpoint, {}))) {
    store.checkpoint_fault = "what it says of the journal cannot be";
  } else if (checkpoint) {
    store.checkpoint = *std::move(checkpoint);
  } else if (checkpoint.error().code() == ErrorCode::Conflict && is_newer(disk, directory)) {
    return std::move(checkpoint).error();
  } else {
    store.checkpoint_fault = holds("checkpoint") ? checkpoint.error().message() : "it is missing";
  }
  MYELIN_TRY_VOID(look_at_journal(disk, store));
  MYELIN_TRY_VOID(look_at_topics(disk, store));
  return store;
}

}  // namespace myelin::cli::log_tools
