#include "log/commit_builder.h"

#include "base/bytes.h"
#include "formats/kafka/record_batch.h"
#include "log/place.h"

namespace myelin::log {

CommitBuilder::CommitBuilder(LargeBatchWriter& large_batches, std::size_t large_batch_bytes,
                             CommitNumber number, UsualCommit expected)
    : large_batches_(large_batches),
      large_batch_bytes_(large_batch_bytes),
      expected_(expected),
      commit_(std::make_shared<Commit>()),
      frame_(std::make_shared<FrameBuffer>()) {
  commit_->number = number;
}

Status CommitBuilder::add(Write& write, Timestamp received) {
  if (entries_ == 0) {
    frame_->reserve_body(expected_.body_bytes);
    commit_->batches.reserve(expected_.writes);
    commit_->partitions.reserve(expected_.writes);
    places_.reserve(expected_.writes);
  }
  for (auto& topic : write.topics) {
    write_create_topic(frame_->extend(create_topic_bytes(topic->spec)), topic->spec);
    commit_->topics.push_back(std::move(topic));
  }
  if (write.grown) {
    const auto& [topic, count, made] = *write.grown;
    write_add_partitions(frame_->extend(kAddPartitionsBytes), {topic->spec.id, count});
    commit_->grown.push_back(std::move(*write.grown));
    ++entries_;
  }
  for (auto& batch : write.batches) MYELIN_TRY_VOID(add_batch(batch, received));
  for (auto& config : write.configs) {
    write_configure_topic(frame_->extend(configure_topic_bytes(config.config)),
                          config.topic->spec.id, config.config);
    commit_->configs.push_back(std::move(config));
  }
  for (auto& start : write.starts) {
    place_start(*start.partition, start.start);
    write_move_start(frame_->extend(kMoveStartBytes), {start.partition->id(), start.start});
    commit_->starts.push_back(std::move(start));
  }
  for (auto& topic : write.deleted) {
    write_delete_topic(frame_->extend(kDeleteTopicBytes), {topic->spec.id});
    commit_->deleted.push_back(std::move(topic));
  }
  entries_ +=
      static_cast<std::uint32_t>(write.topics.size() + write.batches.size() + write.configs.size() +
                                 write.starts.size() + write.deleted.size());
  return {};
}

Status CommitBuilder::add_batch(NewBatch& batch, Timestamp received) {
  const auto placed = place(*batch.partition, batch.bytes, received);
  std::optional<BlockEdges> edges;
  if (batch.bytes.size() >= large_batch_bytes_) {
    MYELIN_TRY(written, large_batches_.write(*batch.partition, placed, batch.bytes));
    edges = written;
  }
  const std::string_view bytes = batch.bytes;
  auto& ref = commit_->batches.emplace_back();
  ref.partition = batch.partition->id();
  ref.base_offset = Offset(load_be<std::int64_t>(bytes.data()));
  ref.last_offset = ref.base_offset + load_be<std::int32_t>(bytes.data() + 23);
  ref.commit = commit_->number;
  ref.first_record = first_record_;
  ref.record_count = static_cast<std::uint32_t>(load_be<std::int32_t>(bytes.data() + 57));
  ref.received = received;
  ref.segment = placed.segment;
  ref.position = placed.position;
  ref.in_segment = edges.has_value();
  first_record_ += ref.record_count;
  commit_->partitions.push_back(batch.partition);
  if (edges) {
    add_stored(ref, std::move(batch.bytes), *edges, placed);
    places_.push_back({});
    return {};
  }
  write_batch_entry(frame_->extend(kBatchEntryOverhead + bytes.size()),
                    {ref.partition, received, ref.first_record, bytes, placed.begins_segment});
  places_.push_back({frame_->body_bytes() - bytes.size(), bytes.size()});
  return {};
}

void CommitBuilder::add_stored(BatchRef& ref, std::string bytes, const BlockEdges& edges,
                               const Placed& placed) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  ref.bytes = *owner;
  const auto size = ref.bytes.size();
  write_stored_entry(frame_->extend(kStoredEntryOverhead + edges.head + edges.tail),
                     {.partition = ref.partition,
                      .received = ref.received,
                      .first_record = ref.first_record,
                      .begins_segment = placed.begins_segment,
                      .segment = placed.segment,
                      .position = placed.position,
                      .batch_bytes = static_cast<std::uint32_t>(size),
                      .header_crc = kafka::header_checksum(ref.bytes),
                      .head = ref.bytes.substr(0, edges.head),
                      .tail = ref.bytes.substr(size - edges.tail)});
  ref.owner = std::move(owner);
  commit_->bytes += size;
  large_bytes_ += size;
}

CommitBuilder::Built CommitBuilder::finish() {
  frame_->finish();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].bytes == 0) continue;
    auto& ref = commit_->batches[i];
    ref.bytes = frame_->body_view().substr(places_[i].at, places_[i].bytes);
    ref.owner = frame_;
  }
  // A frame without batches pins nothing.
  if (!places_.empty()) commit_->bytes += frame_->capacity();
  return {commit_, frame_, entries_};
}

}  // namespace myelin::log
