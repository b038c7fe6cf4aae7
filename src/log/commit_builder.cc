#include "log/commit_builder.h"

#include "base/bytes.h"
#include "formats/kafka/record_batch.h"
#include "log/place.h"

namespace myelin::log {

Status CommitBuilder::place_batch(NewBatch& batch, Timestamp received) {
  Item item;
  item.partition = batch.partition;
  item.placed = place(*batch.partition, batch.bytes, received);
  if (batch.bytes.size() >= large_batch_bytes_) {
    MYELIN_TRY(stored, large_batches_.write(*batch.partition, item.placed, batch.bytes));
    item.stored = stored;
  }
  body_bytes_ += item.stored ? kStoredEntryOverhead + item.stored->head + item.stored->tail
                             : kBatchEntryOverhead + batch.bytes.size();
  if (item.stored) large_bytes_ += batch.bytes.size();
  item.bytes = std::move(batch.bytes);
  items_.push_back(std::move(item));
  return {};
}

Status CommitBuilder::add(Write write, Timestamp received) {
  Part part{std::move(write), received};
  for (const auto& topic : part.write.topics) body_bytes_ += create_topic_bytes(topic->spec);
  for (auto& batch : part.write.batches) MYELIN_TRY_VOID(place_batch(batch, received));
  for (const auto& config : part.write.configs) body_bytes_ += configure_topic_bytes(config.config);
  for (const auto& start : part.write.starts) place_start(*start.partition, start.start);
  body_bytes_ += part.write.starts.size() * kMoveStartBytes;
  body_bytes_ += part.write.deleted.size() * kDeleteTopicBytes;
  parts_.push_back(std::move(part));
  return {};
}

char* CommitBuilder::finish_batch(char* to, Item& item, Timestamp received, Commit& commit,
                                  const std::shared_ptr<FrameBuffer>& frame) {
  const auto size = item.bytes.size();
  const auto id = item.partition->id();
  BatchRef batch;
  if (item.stored) {
    auto bytes = std::make_shared<const std::string>(std::move(item.bytes));
    batch.bytes = *bytes;
    to = write_stored_entry(to, {.partition = id,
                                 .received = received,
                                 .first_record = first_record_,
                                 .begins_segment = item.placed.begins_segment,
                                 .segment = item.placed.segment,
                                 .position = item.placed.position,
                                 .batch_bytes = static_cast<std::uint32_t>(size),
                                 .header_crc = kafka::header_checksum(batch.bytes),
                                 .head = batch.bytes.substr(0, item.stored->head),
                                 .tail = batch.bytes.substr(size - item.stored->tail)});
    batch.owner = std::move(bytes);
    commit.bytes += size;
  } else {
    to = write_batch_entry(to,
                           {id, received, first_record_, item.bytes, item.placed.begins_segment});
    batch.bytes = {to - size, size};
    batch.owner = frame;
  }
  batch.partition = id;
  batch.base_offset = Offset(load_be<std::int64_t>(batch.bytes.data()));
  batch.last_offset = batch.base_offset + load_be<std::int32_t>(batch.bytes.data() + 23);
  batch.commit = commit.number;
  batch.first_record = first_record_;
  batch.record_count = static_cast<std::uint32_t>(load_be<std::int32_t>(batch.bytes.data() + 57));
  batch.received = received;
  batch.segment = item.placed.segment;
  batch.position = item.placed.position;
  batch.in_segment = item.stored.has_value();
  first_record_ += batch.record_count;
  commit.batches.push_back(std::move(batch));
  commit.partitions.push_back(item.partition);
  return to;
}

std::uint32_t CommitBuilder::finish(const std::shared_ptr<FrameBuffer>& frame, Commit& commit) {
  char* at = frame->body();
  std::size_t entries = items_.size();
  auto item = items_.begin();
  for (auto& part : parts_) {
    auto& write = part.write;
    entries +=
        write.topics.size() + write.configs.size() + write.starts.size() + write.deleted.size();
    for (auto& topic : write.topics) {
      at = write_create_topic(at, topic->spec);
      commit.topics.push_back(std::move(topic));
    }
    for (std::size_t i = 0; i < write.batches.size(); ++i)
      at = finish_batch(at, *item++, part.received, commit, frame);
    for (auto& config : write.configs) {
      at = write_configure_topic(at, config.topic->spec.id, config.config);
      commit.configs.push_back(std::move(config));
    }
    for (auto& start : write.starts) {
      at = write_move_start(at, {start.partition->id(), start.start});
      commit.starts.push_back(std::move(start));
    }
    for (auto& topic : write.deleted) {
      at = write_delete_topic(at, {topic->spec.id});
      commit.deleted.push_back(std::move(topic));
    }
  }
  MYELIN_CHECK(at == frame->body() + body_bytes_, "a frame's body is as long as was said");
  // A frame without batches pins nothing.
  if (!commit.batches.empty()) commit.bytes += frame->capacity();
  return static_cast<std::uint32_t>(entries);
}

}  // namespace myelin::log
