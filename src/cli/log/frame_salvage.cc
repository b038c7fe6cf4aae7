#include "cli/log/frame_salvage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "cli/log/text.h"
#include "formats/kafka/record_batch.h"
#include "log/epochs.h"
#include "log/segment.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::size_t kOpenFilesMax = 16;
constexpr std::uint64_t kEntriesARead = 1024;

log::TopicSpec spec_of(const log::TopicId& id, const log::TopicState& topic) {
  return {id, topic.name, static_cast<std::int32_t>(topic.partitions.size()), topic.config};
}

}  // namespace

Result<std::string> read_stored_batch(log::Disk& disk, const std::string& log_path,
                                      const log::StoredEntry& entry) {
  MYELIN_TRY(file, disk.open(log_path, log::Writes::None, log::Create::No));
  std::string batch(entry.batch_bytes, '\0');
  const auto blocks = batch.size() - entry.head.size() - entry.tail.size();
  std::memcpy(batch.data(), entry.head.data(), entry.head.size());
  MYELIN_TRY(got, file->read_at(entry.position + entry.head.size(),
                                batch.data() + entry.head.size(), blocks));
  std::memcpy(batch.data() + entry.head.size() + blocks, entry.tail.data(), entry.tail.size());
  if (got == blocks && batch.size() >= kafka::kBatchHeaderBytes &&
      kafka::header_checksum(batch) == entry.header_crc && kafka::verify_batch(batch)) {
    return batch;
  }
  return Error(ErrorCode::Corrupt,
               fmt::format("{} is damaged at byte {}", log_path, entry.position));
}

FrameSalvage::FrameSalvage(log::Disk& disk, const Store& store, RepairPlan& plan)
    : disk_(disk), store_(store), geometry_(store.geometry), plan_(plan) {}

Status FrameSalvage::run() {
  MYELIN_TRY_VOID(begin());
  MYELIN_TRY_VOID(apply_frames());
  if (plan_.from_scratch) add_metadata_topics();
  finish();
  return {};
}

Status FrameSalvage::begin() {
  if (store_.checkpoint && plan_.scan && !plan_.scan->later_than_checkpoint) {
    plan_.state = *store_.checkpoint;
    known_through_ = plan_.state.through;
    const auto topics = std::exchange(plan_.state.topics, {});
    for (const auto& [id, topic] : topics) MYELIN_TRY_VOID(add_topic(id, topic));
    return {};
  }
  plan_.from_scratch = true;
  plan_.unknown.insert(
      plan_.unknown.end(),
      {"Starts of partitions that were moved before the oldest commit in the journal: records "
       "that retention or a client had removed come back where their segment is still there.",
       "Configurations of topics that were set before the oldest commit in the journal, but for "
       "what __myelin_metadata tells.",
       "Whether a topic that was deleted while its folders could not be removed was deleted."});
  MYELIN_TRY_VOID(begin_with_folders());
  return read_metadata();
}

Status FrameSalvage::begin_with_folders() {
  // An older checkpoint's names and configurations are better than none.
  if (store_.checkpoint) {
    plan_.state.last_received = store_.checkpoint->last_received;
    plan_.state.through = store_.checkpoint->through;
    plan_.state.incarnation = store_.checkpoint->incarnation;
  }
  std::map<log::TopicId, log::TopicState> topics;
  std::set<std::string> names;
  for (const auto& folder : store_.partitions) {
    if (!folder.topic) {
      plan_.unknown.push_back(
          fmt::format("Whose records {} holds: neither partition.metadata nor a companion says it.",
                      folder.path));
      continue;
    }
    auto& topic = topics[*folder.topic];
    const bool fresh = topic.name.empty() && names.insert(folder.topic_name).second;
    if (fresh) topic.name = folder.topic_name;
    if (topic.name != folder.topic_name) {
      plan_.unknown.push_back(
          fmt::format("Which topic {} belongs to: its id is that of another.", folder.path));
      continue;
    }
    const auto count = static_cast<std::size_t>(folder.index.value) + 1;
    if (topic.partitions.size() < count) topic.partitions.resize(count);
    topic.config = "{}";
  }
  std::erase_if(topics, [](const auto& item) { return item.second.name.empty(); });
  for (auto& [id, topic] : topics) {
    if (store_.checkpoint && store_.checkpoint->topics.contains(id)) {
      const auto& older = store_.checkpoint->topics.at(id);
      topic.config = older.config;
      topic.partitions.resize(std::max(topic.partitions.size(), older.partitions.size()));
    }
    std::ranges::fill(topic.partitions, log::PartitionState());
    auto shape = topic;
    shape.partitions.clear();
    plan_.state.topics[id] = shape;
    plan_.state.topics[id].partitions.resize(topic.partitions.size());
    for (std::size_t i = 0; i < topic.partitions.size(); ++i)
      MYELIN_TRY_VOID(add_partition(id, topic.name, i, nullptr));
  }
  return {};
}

Status FrameSalvage::add_topic(const log::TopicId& id, const log::TopicState& topic) {
  plan_.state.topics[id] = topic;
  for (std::size_t i = 0; i < topic.partitions.size(); ++i)
    MYELIN_TRY_VOID(add_partition(id, topic.name, i, &topic.partitions[i]));
  return {};
}

Status FrameSalvage::add_partition(const log::TopicId& id, const std::string& name,
                                   std::size_t index, const log::PartitionState* told) {
  const log::PartitionId partition{id, log::PartitionIndex(static_cast<std::int32_t>(index))};
  const auto* folder = store_.find(partition_path(store_.directory, name, partition.partition));
  // One of the same name may be an earlier topic's.
  if (folder != nullptr && folder->topic && *folder->topic != id) folder = nullptr;
  Told say{told, known_through_, to_ms(plan_.state.last_received)};
  MYELIN_TRY(rebuilt, rebuild(disk_, partition, folder, say));
  plan_.partitions.erase(partition);
  plan_.partitions.try_emplace(partition, partition, told, std::move(rebuilt));
  return {};
}

// The records of the metadata topic that are in segments.
Status FrameSalvage::read_metadata() {
  const log::PartitionId id{metadata_topic_id(), log::PartitionIndex(0)};
  const auto found = plan_.partitions.find(id);
  if (found == plan_.partitions.end()) return {};
  log::FilePool files(disk_, kOpenFilesMax, log::Writes::None);
  const auto path = partition_path(store_.directory, kMetadataTopicName, id.partition);
  for (const auto& piece : found->second.rebuilt().pieces) {
    const log::Segment segment(files, path, id, piece.state);
    for (std::uint64_t at = 0; at < piece.state.batch_count; at += kEntriesARead) {
      MYELIN_TRY(entries, segment.entries(piece.state, at, kEntriesARead));
      for (const auto& entry : entries) {
        if (!entry) continue;
        const auto batches = segment.read(piece.state, log::Seek::to(entry->base_offset), 0);
        if (batches && !batches->empty()) metadata_.read(batches->front().bytes);
      }
    }
  }
  return {};
}

// Topics without a record have no folder.
void FrameSalvage::add_metadata_topics() {
  for (const auto& id : metadata_.deleted()) {
    if (plan_.state.topics.contains(id)) drop(id);
  }
  for (const auto& [id, spec] : metadata_.topics()) {
    if (deleted_.contains(id)) continue;
    auto known = plan_.state.topics.find(id);
    if (known == plan_.state.topics.end()) {
      const bool taken = std::ranges::any_of(
          plan_.state.topics, [&](const auto& item) { return item.second.name == spec.name; });
      if (taken) continue;
      known = plan_.state.topics.emplace(id, log::TopicState{spec.name, spec.config, {}}).first;
    }
    auto& topic = known->second;
    if (topic.config == "{}") topic.config = spec.config;
    if (topic.partitions.size() < static_cast<std::size_t>(spec.partitions))
      topic.partitions.resize(static_cast<std::size_t>(spec.partitions));
  }
}

Status FrameSalvage::apply_frames() {
  if (!plan_.scan) return {};
  const auto& frames = plan_.scan->frames;
  auto last = known_through_;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto commit = frames[i].header.commit;
    const auto* before = i > 0 ? &frames[i - 1] : nullptr;
    const bool expected = last.value == 0 || commit <= last + 1;
    if (!expected) tell_missing(last + 1, commit + -1ull, before, &frames[i]);
    MYELIN_TRY_VOID(apply(i));
    last = std::max(last, commit);
  }
  log::CommitNumber seen;
  for (const auto& [id, partition] : plan_.partitions)
    seen = std::max(seen, partition.rebuilt().last_commit);
  const bool damaged_end = seen > last && store_.checkpoint && last.value > 0;
  if (damaged_end) tell_missing(last + 1, seen, frames.empty() ? nullptr : &frames.back(), nullptr);
  if (!damaged_end && !frames.empty()) tell_torn(frames.back());
  return {};
}

Status FrameSalvage::apply(std::size_t number) {
  const auto& frame = plan_.scan->frames[number];
  MYELIN_TRY(body, read_body(disk_, geometry_, frame));
  const auto entries = log::decode_entries(body, frame.header.entry_count);
  if (!entries) {
    plan_.unknown.push_back(fmt::format("What commit {} holds: {}.", frame.header.commit.value,
                                        entries.error().message()));
    return {};
  }
  const bool is_new = frame.header.commit > known_through_;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const auto& entry = (*entries)[i];
    if (const auto* batch = std::get_if<log::BatchEntry>(&entry)) {
      MYELIN_TRY_VOID(take(number, i, *batch));
    } else if (const auto* stored = std::get_if<log::StoredEntry>(&entry)) {
      MYELIN_TRY_VOID(take_stored(number, i, *stored));
    } else if (is_new) {
      MYELIN_TRY_VOID(apply_catalogue(entry));
    }
  }
  return {};
}

Status FrameSalvage::apply_catalogue(const log::Entry& entry) {
  if (const auto* spec = std::get_if<log::TopicSpec>(&entry)) return create(*spec);
  if (const auto* gone = std::get_if<log::DeleteTopicEntry>(&entry)) {
    drop(gone->topic);
  } else if (const auto* start = std::get_if<log::MoveStartEntry>(&entry)) {
    const auto found = plan_.partitions.find(start->partition);
    if (found != plan_.partitions.end()) found->second.move_start(start->start);
  } else if (const auto* config = std::get_if<log::ConfigureTopicEntry>(&entry)) {
    const auto found = plan_.state.topics.find(config->topic);
    if (found != plan_.state.topics.end()) found->second.config = config->config;
  } else if (const auto* grown = std::get_if<log::AddPartitionsEntry>(&entry)) {
    return grow(grown->topic, grown->count);
  }
  return {};
}

Status FrameSalvage::create(const log::TopicSpec& spec) {
  if (const auto known = plan_.state.topics.find(spec.id); known != plan_.state.topics.end()) {
    // Found by its folders, which do not tell all.
    auto& topic = known->second;
    topic.config = spec.config;
    const auto had = topic.partitions.size();
    const auto count = std::max(had, static_cast<std::size_t>(spec.partitions));
    topic.partitions.resize(count);
    for (auto i = had; i < count; ++i)
      MYELIN_TRY_VOID(add_partition(spec.id, topic.name, i, nullptr));
    return {};
  }
  // An earlier topic of that name must have been deleted.
  for (const auto& [id, topic] : plan_.state.topics) {
    if (topic.name != spec.name) continue;
    drop(log::TopicId(id));
    break;
  }
  log::TopicState topic{spec.name, spec.config, {}};
  topic.partitions.resize(static_cast<std::size_t>(spec.partitions));
  plan_.state.topics[spec.id] = topic;
  for (std::size_t i = 0; i < topic.partitions.size(); ++i)
    MYELIN_TRY_VOID(add_partition(spec.id, spec.name, i, nullptr));
  return {};
}

Status FrameSalvage::grow(const log::TopicId& id, std::int32_t partitions) {
  if (!plan_.state.topics.contains(id)) return {};
  auto spec = spec_of(id, plan_.state.topics.at(id));
  spec.partitions = std::max(spec.partitions, partitions);
  return create(spec);
}

void FrameSalvage::drop(const log::TopicId& id) {
  deleted_.insert(id);
  plan_.state.topics.erase(id);
  std::erase_if(plan_.partitions, [&](const auto& item) { return item.first.topic == id; });
}

Status FrameSalvage::take(std::size_t frame, std::size_t entry, const log::BatchEntry& batch) {
  const auto info = kafka::parse_batch_header(batch.bytes);
  if (!info || info->size_bytes != batch.bytes.size()) return {};
  if (batch.partition.topic == metadata_topic_id()) metadata_.read(batch.bytes);
  MYELIN_TRY(partition, find(batch.partition));
  const auto& header = plan_.scan->frames[frame].header;
  if (partition == nullptr) return {};
  if (header.commit <= known_through_ && !partition->rebuilt().differs) return {};
  const auto segment =
      partition->add({.offsets = {log::Offset(info->base_offset), log::Offset(info->last_offset())},
                      .received_ms = to_ms(batch.received),
                      .bytes = batch.bytes.size(),
                      .records = static_cast<std::uint64_t>(info->record_count),
                      .commit = header.commit,
                      .leader_epoch = info->partition_leader_epoch,
                      .max_timestamp_ms = info->max_timestamp,
                      .header = *info});
  if (segment) plan_.batches.push_back({frame, entry, batch.partition, *segment});
  return {};
}

Status FrameSalvage::take_stored(std::size_t frame, std::size_t entry,
                                 const log::StoredEntry& stored) {
  MYELIN_TRY(partition, find(stored.partition));
  if (partition == nullptr) return {};
  const auto path =
      partition_path(store_.directory, plan_.state.topics.at(stored.partition.topic).name,
                     stored.partition.partition);
  const auto bytes = read_stored_batch(
      disk_, log::segment_path(path, stored.segment, 0, log::SegmentFile::Log), stored);
  if (!bytes) {
    miss_stored(path, stored);
    return {};
  }
  log::BatchEntry batch;
  batch.partition = stored.partition;
  batch.received = stored.received;
  batch.first_record = stored.first_record;
  batch.bytes = *bytes;
  return take(frame, entry, batch);
}

// Compacted since, removed with a start that moved, or damaged: then its offsets, as far as its
// header tells them, are lost.
void FrameSalvage::miss_stored(const std::string& path, const log::StoredEntry& stored) {
  const auto log_path = log::segment_path(path, stored.segment, 0, log::SegmentFile::Log);
  std::string header(stored.head.substr(0, kafka::kBatchHeaderBytes));
  const auto edge = header.size();
  header.resize(kafka::kBatchHeaderBytes);
  const auto file = disk_.open(log_path, log::Writes::None, log::Create::No);
  const auto got =
      file ? (*file)->read_at(stored.position + edge, header.data() + edge, header.size() - edge)
           : Result<std::size_t>(0);
  const bool read = got && *got == header.size() - edge;
  const auto info = read ? kafka::parse_batch_header(header) : kafka::parse_batch_header({});
  if (info && kafka::header_checksum(header) == stored.header_crc &&
      info->size_bytes == stored.batch_bytes) {
    reservations_.push_back(
        {stored.partition, {log::Offset(info->base_offset), log::Offset(info->last_offset())}});
  } else if (stored.begins_segment) {
    reservations_.push_back({stored.partition, {stored.segment, stored.segment}});
  } else {
    plan_.unknown.push_back(fmt::format(
        "Which records a batch of {} bytes of {} held, received {}; perhaps it was "
        "compacted or removed.",
        stored.batch_bytes, name_of(stored.partition), format_rfc3339(stored.received)));
  }
}

// Nothing when the topic was deleted.
Result<Salvage*> FrameSalvage::find(const log::PartitionId& id) {
  Salvage* const none = nullptr;
  if (deleted_.contains(id.topic)) return none;
  auto found = plan_.partitions.find(id);
  if (found == plan_.partitions.end()) {
    MYELIN_TRY_VOID(adopt_unknown(id));
    found = plan_.partitions.find(id);
  }
  return found == plan_.partitions.end() ? none : &found->second;
}

// A partition of a topic whose creation cannot be read.
Status FrameSalvage::adopt_unknown(const log::PartitionId& id) {
  const auto count = id.partition.value + 1;
  if (count < 1 || count > log::kPartitionsMax) return {};
  if (plan_.state.topics.contains(id.topic)) return grow(id.topic, count);
  log::TopicSpec spec{id.topic, "recovered-" + id.topic.to_string(), count, "{}"};
  const auto folder = std::ranges::find_if(
      store_.partitions, [&](const PartitionFolder& there) { return there.topic == id.topic; });
  if (seen_.contains(id.topic)) spec = seen_.at(id.topic);
  if (metadata_.topics().contains(id.topic)) spec = metadata_.topics().at(id.topic);
  if (folder != store_.partitions.end()) spec.name = folder->topic_name;
  spec.partitions = std::max(spec.partitions, count);
  plan_.unknown.push_back(
      fmt::format("How topic {} was made: the commit that did it cannot be read. It is taken to be "
                  "'{}' with {}.",
                  id.topic.to_string(), spec.name,
                  count_text(static_cast<std::uint64_t>(spec.partitions), "partition")));
  return create(spec);
}

void FrameSalvage::tell_missing(log::CommitNumber first, log::CommitNumber last,
                                const FoundFrame* before, const FoundFrame* after) {
  LostCommits lost{first, last, {}, 0, {}};
  std::optional<log::JournalPosition> from;
  if (before != nullptr) {
    from = before->position;
    from->byte += log::frame_bytes(before->header.body_bytes);
  } else if (store_.checkpoint) {
    from = store_.checkpoint->replay;
  }
  if (from) {
    const auto here = header_at(disk_, geometry_, *from);
    const bool in_next_lap =
        from->byte >= geometry_.file_bytes ||
        (after != nullptr && after->position.lap > from->lap && (!here || here->lap != from->lap));
    if (in_next_lap) from = log::JournalPosition{from->lap + 1, 0};
    lost.path = geometry_.path(from->lap);
    lost.byte = from->byte;
    const bool same_lap = after != nullptr && after->position.lap == from->lap;
    read_damaged(lost, *from, same_lap ? after->position.byte : geometry_.file_bytes);
  }
  plan_.lost_commits.push_back(std::move(lost));
}

// A frame behind the last one was begun.
void FrameSalvage::tell_torn(const FoundFrame& last) {
  auto place = last.position;
  place.byte += log::frame_bytes(last.header.body_bytes);
  const auto header = header_at(disk_, geometry_, place);
  const auto commit = last.header.commit + 1;
  if (!header || !plan_.scan->writer.wrote(*header) || header->commit != commit) return;
  tell_missing(commit, commit, &last, nullptr);
  plan_.lost_commits.back().readable.emplace_back(
      "nothing that was acknowledged, if a crash tore it: it is the last of all");
}

// Whatever can be made out between two places of a lap.
void FrameSalvage::read_damaged(LostCommits& lost, const log::JournalPosition& from,
                                std::uint64_t to) {
  const auto file = disk_.open(geometry_.path(from.lap), log::Writes::None, log::Create::No);
  if (!file) return;
  for (auto at = from.byte; at + log::kFrameHeaderBytes < to; at += log::kBlockBytes) {
    const auto header = header_at(disk_, geometry_, {from.lap, at});
    const bool ours = header && plan_.scan->writer.wrote(*header) && header->commit >= lost.first &&
                      header->commit <= lost.last;
    // The first frame's header may be what is damaged.
    if (!ours && at != from.byte) continue;
    auto bytes = to - at - log::kFrameHeaderBytes;
    if (ours) bytes = std::min<std::uint64_t>(bytes, header->body_bytes);
    std::string body(std::min<std::uint64_t>(bytes, log::kFrameBytesMax), '\0');
    const auto got = (*file)->read_at(at + log::kFrameHeaderBytes, body.data(), body.size());
    if (!got) continue;
    body.resize(*got);
    for (const auto& entry : readable_entries(body)) describe(lost, entry);
  }
}

std::string FrameSalvage::name_of(const log::PartitionId& id) const {
  const auto topic = plan_.state.topics.find(id.topic);
  const auto name = topic != plan_.state.topics.end() ? topic->second.name
                    : seen_.contains(id.topic)        ? seen_.at(id.topic).name
                                                      : id.topic.to_string();
  return fmt::format("{}-{}", name, id.partition.value);
}

void FrameSalvage::describe(LostCommits& lost, const log::Entry& entry) {
  if (const auto* spec = std::get_if<log::TopicSpec>(&entry)) {
    seen_[spec->id] = *spec;
    lost.readable.push_back(fmt::format("makes topic {}", spec->name));
  } else if (const auto* batch = std::get_if<log::BatchEntry>(&entry)) {
    const auto info = kafka::parse_batch_header(batch->bytes);
    if (!info) return;
    reservations_.push_back(
        {batch->partition, {log::Offset(info->base_offset), log::Offset(info->last_offset())}});
    lost.readable.push_back(fmt::format("{} offsets {} to {} ({} records, received {})",
                                        name_of(batch->partition), info->base_offset,
                                        info->last_offset(), info->record_count,
                                        format_rfc3339(batch->received)));
  } else if (const auto* stored = std::get_if<log::StoredEntry>(&entry)) {
    lost.readable.push_back(fmt::format("{} a batch of {} bytes in segment {} (received {})",
                                        name_of(stored->partition), stored->batch_bytes,
                                        stored->segment.value, format_rfc3339(stored->received)));
  } else if (const auto* gone = std::get_if<log::DeleteTopicEntry>(&entry)) {
    lost.readable.push_back(fmt::format("deletes topic {}", gone->topic.to_string()));
  } else if (const auto* start = std::get_if<log::MoveStartEntry>(&entry)) {
    lost.readable.push_back(
        fmt::format("{} starts at offset {}", name_of(start->partition), start->start.value));
  } else if (const auto* config = std::get_if<log::ConfigureTopicEntry>(&entry)) {
    lost.readable.push_back(fmt::format("configures topic {}", config->topic.to_string()));
  } else if (const auto* grown = std::get_if<log::AddPartitionsEntry>(&entry)) {
    lost.readable.push_back(
        fmt::format("gives topic {} {} partitions in all", grown->topic.to_string(), grown->count));
  }
}

void FrameSalvage::finish() {
  for (const auto& reservation : reservations_) {
    const auto found = plan_.partitions.find(reservation.partition);
    if (found != plan_.partitions.end()) found->second.reserve_next(reservation.offsets);
  }
  std::erase_if(plan_.batches, [&](const PlannedBatch& batch) {
    return !plan_.partitions.contains(batch.partition);
  });
  for (auto& [id, partition] : plan_.partitions) {
    partition.finish();
    auto& topic = plan_.state.topics.at(id.topic);
    topic.partitions[static_cast<std::size_t>(id.partition.value)] = partition.state();
    for (auto range : partition.lost()) {
      range.topic = topic.name;
      plan_.lost.push_back(std::move(range));
    }
    if (!plan_.from_scratch || !partition.end_is_unknown()) continue;
    plan_.unknown.push_back(
        fmt::format("Where {}-{} ended: nothing of it is left, so its offsets begin at 0 again.",
                    topic.name, id.partition.value));
  }
}

}  // namespace myelin::cli::log_tools
