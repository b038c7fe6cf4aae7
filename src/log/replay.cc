#include "log/replay.h"

#include <fmt/format.h>

#include <cstring>

#include "formats/kafka/record_batch.h"
#include "log/place.h"
#include "log/segment.h"

namespace myelin::log {

Partition* ReplayCatalogue::find(const PartitionId& id) const {
  const auto topic = topics.find(id.topic);
  const auto index = static_cast<std::size_t>(id.partition.value);
  if (topic == topics.end() || index >= topic->second->partitions.size()) return nullptr;
  return topic->second->partitions[index].get();
}

std::vector<std::unique_ptr<Partition>> missing_partitions(const Topic& topic, std::int32_t count,
                                                           const PartitionMaker& make) {
  std::vector<std::unique_ptr<Partition>> made;
  for (auto i = static_cast<std::int32_t>(topic.partitions.size()); i < count; ++i)
    made.push_back(make(topic.spec, PartitionIndex(i)));
  return made;
}

TopicPtr ReplayCatalogue::make_topic(TopicSpec spec) const {
  auto topic = std::make_shared<Topic>();
  topic->spec = std::move(spec);
  topic->partitions.grow(missing_partitions(*topic, topic->spec.partitions, make_partition));
  return topic;
}

namespace {

// Applies one frame's entries, in order.
class FrameReplay {
 public:
  FrameReplay(ReplayCatalogue& catalogue, const StoredFrame& frame, Commit& commit)
      : catalogue_(catalogue), frame_(frame), commit_(commit) {}

  Status operator()(TopicSpec& spec) {
    auto topic = catalogue_.make_topic(std::move(spec));
    catalogue_.add(topic);
    commit_.topics.push_back(std::move(topic));
    return {};
  }

  Status operator()(const AddPartitionsEntry& entry) {
    const auto found = catalogue_.topics.find(entry.topic);
    if (found == catalogue_.topics.end()) return unknown_partition();
    const auto& topic = found->second;
    const auto had = topic->partitions.size();
    if (static_cast<std::size_t>(entry.count) <= had) {
      return Error(ErrorCode::Corrupt,
                   fmt::format("topic {} is to grow to {} partitions and has {}", topic->spec.name,
                               entry.count, had));
    }
    topic->partitions.grow(missing_partitions(*topic, entry.count, catalogue_.make_partition));
    commit_.grown.push_back({topic, entry.count});
    return {};
  }

  Status operator()(const BatchEntry& entry) {
    BatchRef batch;
    batch.partition = entry.partition;
    batch.first_record = entry.first_record;
    batch.received = entry.received;
    batch.bytes = entry.bytes;
    batch.owner = frame_.buffer;
    commit_.reserved += kBatchEntryOverhead + entry.bytes.size();
    return add(std::move(batch), entry.begins_segment);
  }

  Status operator()(const StoredEntry& entry) {
    const auto* partition = catalogue_.find(entry.partition);
    if (partition == nullptr) return unknown_partition();
    MYELIN_TRY(bytes, read_stored(*partition, entry));
    BatchRef batch;
    batch.partition = entry.partition;
    batch.first_record = entry.first_record;
    batch.received = entry.received;
    batch.bytes = {bytes.get(), entry.batch_bytes};
    batch.owner = std::move(bytes);
    batch.in_segment = true;
    commit_.reserved += kBatchEntryOverhead + entry.batch_bytes;
    commit_.bytes += entry.batch_bytes;
    MYELIN_TRY_VOID(add(std::move(batch), entry.begins_segment));
    const auto& placed = commit_.batches.back();
    if (placed.segment == entry.segment && placed.position == entry.position) return {};
    return Error(ErrorCode::Corrupt, "a large batch is not where the ones before it end");
  }

  Status operator()(const MoveStartEntry& entry) {
    auto* partition = catalogue_.find(entry.partition);
    if (partition == nullptr) return unknown_partition();
    place_start(*partition, entry.start);
    const auto& topic = catalogue_.topics.find(entry.partition.topic)->second;
    commit_.starts.push_back({topic, partition, entry.start});
    return {};
  }

  Status operator()(ConfigureTopicEntry& entry) {
    const auto topic = catalogue_.topics.find(entry.topic);
    if (topic == catalogue_.topics.end()) return unknown_partition();
    topic->second->spec.config = entry.config;
    commit_.configs.push_back({topic->second, std::move(entry.config)});
    return {};
  }

  Status operator()(const DeleteTopicEntry& entry) {
    const auto topic = catalogue_.topics.find(entry.topic);
    if (topic == catalogue_.topics.end()) return unknown_partition();
    commit_.deleted.push_back(topic->second);
    catalogue_.topics.erase(topic);
    return {};
  }

 private:
  static Error unknown_partition() {
    return Error(ErrorCode::Corrupt, "an entry of a topic or partition that does not exist");
  }

  // Completes the batch from its own bytes and gives it its place.
  Status add(BatchRef batch, bool begins_segment) {
    auto* partition = catalogue_.find(batch.partition);
    if (partition == nullptr) return unknown_partition();
    const auto info = kafka::parse_batch_header(batch.bytes);
    if (!info || info->size_bytes != batch.bytes.size())
      return Error(ErrorCode::Corrupt, "an entry that is not a record batch");
    batch.base_offset = Offset(info->base_offset);
    batch.last_offset = Offset(info->last_offset());
    batch.commit = commit_.number;
    batch.record_count = static_cast<std::uint32_t>(info->record_count);
    if (batch.base_offset != partition->placement.end) {
      return Error(ErrorCode::Corrupt,
                   fmt::format("a batch at offset {} where {} comes next", batch.base_offset.value,
                               partition->placement.end.value));
    }
    auto placed = catalogue_.tells_placement
                      ? place_as_told(*partition, batch.bytes, batch.received, begins_segment)
                      : Result<Placed>(place(*partition, batch.bytes, batch.received));
    if (!placed) return std::move(placed).error();
    batch.segment = placed->segment;
    batch.position = placed->position;
    commit_.batches.push_back(std::move(batch));
    commit_.partitions.push_back(partition);
    return {};
  }

  // The whole batch: its edges from the entry, its blocks from the segment.
  Result<std::shared_ptr<char[]>> read_stored(const Partition& partition,
                                              const StoredEntry& entry) const {
    const auto path = segment_path(partition.directory(), entry.segment, 0, SegmentFile::Log);
    const auto damaged = [&] {
      return Error(ErrorCode::Corrupt,
                   fmt::format("{} is damaged at byte {}: a batch of {} bytes that was stored "
                               "there cannot be read",
                               path, entry.position, entry.batch_bytes));
    };
    auto file = catalogue_.files.get(path);
    if (!file && file.error().code() == ErrorCode::NotFound) return damaged();
    if (!file) return std::move(file).error();
    const auto bytes = std::make_shared_for_overwrite<char[]>(entry.batch_bytes);
    std::memcpy(bytes.get(), entry.head.data(), entry.head.size());
    const auto blocks = entry.batch_bytes - entry.head.size() - entry.tail.size();
    MYELIN_TRY(got, (*file)->read_at(entry.position + entry.head.size(),
                                     bytes.get() + entry.head.size(), blocks));
    std::memcpy(bytes.get() + entry.head.size() + blocks, entry.tail.data(), entry.tail.size());
    const std::string_view batch(bytes.get(), entry.batch_bytes);
    if (got != blocks || batch.size() < kafka::kBatchHeaderBytes ||
        kafka::header_checksum(batch) != entry.header_crc || !kafka::verify_batch(batch)) {
      return damaged();
    }
    return bytes;
  }

  ReplayCatalogue& catalogue_;
  const StoredFrame& frame_;
  Commit& commit_;
};

}  // namespace

Result<std::shared_ptr<Commit>> replay_frame(ReplayCatalogue& catalogue, const StoredFrame& frame) {
  auto commit = std::make_shared<Commit>();
  commit->number = frame.header.commit;
  commit->bytes = frame.buffer->capacity();
  commit->end = frame.end;
  FrameReplay replay(catalogue, frame, *commit);
  auto entries = decode_entries(frame.body(), frame.header.entry_count);
  auto status = Status();
  if (!entries) {
    status = std::move(entries).error();
  } else {
    for (auto& entry : *entries) {
      if (status) status = std::visit(replay, entry);
    }
  }
  if (status) return commit;
  return std::move(status).error().with_context(fmt::format("commit {}", commit->number.value));
}

}  // namespace myelin::log
