// The comparisons of the model test: model_test_support.h.
#include "formats/kafka/record_batch.h"
#include "log/directory.h"
#include "log/housekeeping.h"
#include "log/log_test_support.h"
#include "log/model_test_support.h"
#include "log/segment.h"

namespace myelin::log {
namespace {

std::optional<std::string> partition_difference(const std::string& name,
                                                const ModelPartition& model, Offset start,
                                                Offset end) {
  if (model.start == start && model.end == end) return std::nullopt;
  return fmt::format("{} goes from {} to {} where {} to {} is expected", name, start.value,
                     end.value, model.start.value, model.end.value);
}

std::vector<BatchRef> read(const Partition& partition, Seek seek, std::size_t bytes_max) {
  if (auto buffered = partition.read_buffered(seek, bytes_max)) return std::move(*buffered);
  auto stored = partition.read_stored(seek, bytes_max);
  expect(stored.has_value(), stored ? "" : stored.error().message());
  return std::move(*stored);
}

void compare_batch(const std::string& where, const ModelBatch& model, const BatchRef& found) {
  const auto at = fmt::format("{} offset {}", where, model.base.value);
  expect(found.base_offset == model.base && found.last_offset == model.last,
         fmt::format("{}: offsets {} to {} are there", at, found.base_offset.value,
                     found.last_offset.value));
  expect(found.record_count == 0 || found.bytes == model.bytes,
         at + ": other bytes than were written");
  expect(found.received == model.received,
         fmt::format("{}: received at {}, not at {}", at, to_ms(found.received),
                     to_ms(model.received)));
  auto& commit = *model.commit;
  if (!commit) commit = found.commit;
  expect(found.commit == *commit,
         fmt::format("{}: of commit {}, not {}", at, found.commit.value, commit->value));
}

// All that are kept, in order, but for what compaction may have removed.
void compare_batches(const std::string& where, const ModelPartition& model,
                     const std::vector<BatchRef>& found) {
  std::size_t at = 0;
  for (const auto& kept : model.kept()) {
    const bool there = at < found.size() && found[at].base_offset == kept->base;
    if (!there && model.may_be_gone(*kept)) continue;
    expect(at < found.size(), fmt::format("{}: only {} batches are there, and none at offset {}",
                                          where, found.size(), kept->base.value));
    // A producer's last batch stays though its records go: that it is not stored again.
    expect(found[at].record_count > 0 || (model.may_be_gone(*kept) && kept->stamp.producer >= 0),
           fmt::format("{} offset {}: the records are gone", where, kept->base.value));
    compare_batch(where, *kept, found[at++]);
  }
  expect(at == found.size(),
         fmt::format("{}: {} batches where {} are kept", where, found.size(), at));
}

std::vector<BatchRef> compare_listing(const std::string& where, const ModelPartition& model,
                                      const Partition& partition, std::mt19937_64& random) {
  std::vector<BatchRef> found;
  Offset next(random() % 2 == 0 ? 0 : model.start.value);
  for (;;) {
    auto batches = read(partition, Seek::to(next), 1 + random() % 40'000);
    if (batches.empty()) break;
    next = batches.back().last_offset + 1;
    std::move(batches.begin(), batches.end(), std::back_inserter(found));
  }
  compare_batches(where, model, found);
  for (std::size_t i = 1; i < found.size(); ++i) {
    const auto& before = found[i - 1];
    expect(before.commit < found[i].commit ||
               (before.commit == found[i].commit &&
                before.first_record + before.record_count <= found[i].first_record),
           fmt::format("{}: the places in commit {} do not rise", where, found[i].commit.value));
  }
  return found;
}

// Something near to what is there, and sometimes before or behind all of it.
Seek any_seek(const std::vector<BatchRef>& batches, std::mt19937_64& random) {
  const auto near = static_cast<std::int64_t>(random() % 5) - 2;
  if (batches.empty()) return Seek::to(Offset(near + 2));
  const auto& batch = batches[random() % batches.size()];
  switch (random() % 4) {
    case 0: return Seek::to(Offset(std::max<std::int64_t>(0, batch.last_offset.value + near)));
    case 1: return Seek::to(CommitNumber(batch.commit.value + static_cast<std::uint64_t>(near)));
    case 2: return Seek::to(batch.received + std::chrono::milliseconds(near));
    default: {
      const auto info = kafka::parse_batch_header(batch.bytes);
      return Seek::to_claimed(info->max_timestamp + near);
    }
  }
}

void compare_seek(const std::string& where, const std::vector<BatchRef>& all, Seek seek,
                  const Partition& partition, std::mt19937_64& random) {
  const auto found = read(partition, seek, 1 + random() % 20'000);
  auto expected = std::find_if(all.begin(), all.end(),
                               [&](const BatchRef& batch) { return seek.reached_by(batch); });
  const auto words =
      fmt::format("{}: a look-up of kind {} for {}", where, static_cast<int>(seek.by), seek.value);
  expect(found.empty() == (expected == all.end()),
         words + (found.empty() ? " finds nothing" : " finds something"));
  for (const auto& batch : found) {
    expect(expected != all.end() && batch.base_offset == expected->base_offset &&
               batch.bytes == expected->bytes,
           fmt::format("{} finds offset {}", words, batch.base_offset.value));
    ++expected;
  }
}

// An epoch ends where the first later one begins; what was removed counts as begun at the start.
void compare_epochs(const std::string& where, const ModelPartition& model,
                    const Partition& partition, std::int32_t current) {
  for (std::int32_t epoch = 0; epoch <= current; ++epoch) {
    const auto later = std::find_if(model.batches.begin(), model.batches.end(),
                                    [&](const auto& batch) { return batch->epoch > epoch; });
    const auto expected =
        later == model.batches.end() ? model.end : std::max((*later)->base, model.start);
    const auto found = partition.end_of_epoch(epoch, current);
    expect(found.end == expected && found.epoch <= epoch && found.epoch >= 0,
           fmt::format("{}: epoch {} ends at {} (of epoch {}), not at {}", where, epoch,
                       found.end.value, found.epoch, expected.value));
  }
  expect(partition.end_of_epoch(current + 1, current).epoch == -1,
         where + ": an epoch that has not come has an end");
}

constexpr std::int64_t kSequences = std::int64_t{1} << 31;  // They begin again behind so many.
constexpr std::size_t kKnownBatches = 5;

void compare_producers(const std::string& where, const ModelPartition& model,
                       const std::vector<ProducerState>& found) {
  expect(found.size() == model.producers.size(),
         fmt::format("{}: {} producers, not {}", where, found.size(), model.producers.size()));
  for (const auto& state : found) {
    const auto words = fmt::format("{}: producer {}", where, state.id);
    const auto known = model.producers.find(state.id);
    expect(known != model.producers.end(), words + " is not known");
    const auto& batches = known->second.batches;
    const auto kept = std::min(batches.size(), kKnownBatches);
    expect(state.epoch == known->second.epoch && state.batch_count == kept,
           fmt::format("{} has epoch {} and {} batches", words, state.epoch, state.batch_count));
    for (std::size_t i = 0; i < kept; ++i) {
      const auto& expected = *batches[batches.size() - kept + i];
      expect(state.batches[i].base_offset == expected.base &&
                 state.batches[i].first_sequence() == expected.stamp.first % kSequences &&
                 state.batches[i].last_sequence == expected.stamp.last % kSequences,
             fmt::format("{}: not the batch at offset {}", words, expected.base.value));
    }
    expect(state.last_received_ms == to_ms(batches.back()->received),
           words + ": another time than its last batch's");
  }
}

bool is_compacted(const std::string& topic) { return topic == "d"; }

// Old, or more than the partition may have.
void expect_had_its_time(const ModelPartition& model, const RemovedRecords& removed,
                         const TopicPolicy& policy, std::int64_t now_ms) {
  std::uint64_t left = 0;
  bool all_old = policy.retention_time.has_value();
  for (const auto& batch : model.kept()) {
    if (batch->base >= removed.to) {
      left += batch->bytes.size();
    } else if (all_old) {
      all_old = now_ms - to_ms(batch->received) > policy.retention_time->count();
    }
  }
  const bool too_many = policy.retention_bytes && left >= *policy.retention_bytes;
  expect(model.start <= removed.from && removed.to <= model.end && (all_old || too_many),
         fmt::format("{}-{}: records up to offset {} go before their time",
                     removed.topic->spec.name, removed.partition.value, removed.to.value));
}

std::string directory_of(Disk& disk, const TopicId& id, const std::string& name, std::size_t i) {
  const auto moved = fmt::format("/data/topics/{}-{}.deleted", id.to_string(), i);
  const auto there = disk.exists(moved);
  return there && *there ? moved : fmt::format("/data/topics/{}-{}", name, i);
}

}  // namespace

void ModelPartition::add(const std::shared_ptr<const ModelBatch>& batch) {
  batches.push_back(batch);
  end = batch->last + 1;
  if (!batch->keys.empty()) newest[batch->keys] = batch->base;
  if (batch->stamp.producer < 0) return;
  auto& producer = producers[batch->stamp.producer];
  if (producer.epoch != batch->stamp.epoch) producer = {batch->stamp.epoch, {}};
  producer.batches.push_back(batch);
}

BatchOutcome ModelPartition::expected(const ModelStamp& stamp) const {
  const auto found = producers.find(stamp.producer);
  if (stamp.producer < 0 || found == producers.end()) return {BatchFate::Appended, end};
  const auto& [epoch, known] = found->second;
  if (stamp.epoch < epoch) return {BatchFate::InvalidProducerEpoch};
  const bool fresh = stamp.epoch > epoch;
  for (auto i = known.size(); !fresh && i > known.size() - std::min(known.size(), kKnownBatches);) {
    const auto& batch = *known[--i];
    if (batch.stamp.first != stamp.first || batch.stamp.last != stamp.last) continue;
    return {BatchFate::Duplicate, batch.base};
  }
  if (stamp.first == (fresh ? 0 : known.back()->stamp.last + 1)) return {BatchFate::Appended, end};
  return {BatchFate::OutOfOrderSequence};
}

std::string any_keys(const ModelTopic& topic, std::mt19937_64& random, std::int64_t records) {
  if (!is_compacted(topic.name)) return {};
  return fmt::format("{}-of-{}", random() % 5, records);
}

std::string any_batch(std::size_t bytes, std::mt19937_64& random, std::int64_t records,
                      const ModelStamp& stamp, const std::string& keys) {
  kafka::RecordBatchBuilder builder;
  for (std::int64_t i = 0; i < records; ++i) {
    auto value = fmt::format("{:x}-", random());
    value.resize(std::max(value.size(), bytes / static_cast<std::size_t>(records)),
                 static_cast<char>('a' + random() % 26));
    const auto claimed = 1'600'000'000'000 + static_cast<std::int64_t>(random() % 100'000);
    const auto key = fmt::format("{}-{}", keys, i);
    const auto added = builder.add(
        claimed, keys.empty() ? std::nullopt : std::optional<std::string_view>(key), value);
    expect(added.has_value(), "a record does not fit");
  }
  if (stamp.producer < 0) return builder.finish();
  return builder.finish({.producer_id = stamp.producer,
                         .producer_epoch = stamp.epoch,
                         .base_sequence = static_cast<std::int32_t>(stamp.first % kSequences)});
}

Options any_options(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  auto options = small_options();
  options.journal_file_bytes = (16 + below(48)) * kBlockBytes;
  options.journal_file_count = static_cast<std::uint32_t>(2 + below(3));
  options.segment_bytes = 16u << (10 + below(4));
  options.large_batch_bytes = 12u << 10;
  options.large_group_bytes_max = 64u << 10;
  options.group_bytes_max = 4u << (10 + 4 * below(3));
  options.queue_bytes_max = 256u << 10;
  options.buffer_bytes_max = 64u << (10 + below(4));
  options.flush_interval = std::chrono::milliseconds(1 + below(20));
  options.tail_interval = std::chrono::milliseconds(1 + below(3));
  options.throttle_max = std::chrono::milliseconds(1);
  options.open_files_max = 4u << (2 * below(3));
  options.producer_expiry = std::chrono::hours(24 * 365 * 100);
  options.space.free_bytes_min = 1u << 20;
  return options;
}

TopicPolicy any_policy(const std::string& topic, std::mt19937_64& random) {
  TopicPolicy policy;
  policy.segment_bytes = 1u << (10 + random() % 8);
  policy.segment_time = std::chrono::milliseconds(1 + random() % 10'000);
  if (random() % 2 == 0) policy.retention_time = std::chrono::milliseconds(random() % 5'000'000);
  if (random() % 2 == 0) policy.retention_bytes = random() % 50'000;
  policy.compact = is_compacted(topic);
  policy.dirty_ratio_min = random() % 2 == 0 ? 0.0 : 0.5;
  policy.compaction_lag_min = std::chrono::milliseconds(random() % 3 * 1000);
  return policy;
}

Offset any_start(const ModelPartition& partition, std::mt19937_64& random) {
  const auto below = [&](std::int64_t limit) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
  };
  switch (below(3)) {
    case 0: return partition.end + below(2);
    case 1: return Offset(below(partition.end.value + 1));
    default: return partition.start + below(5);
  }
}

std::size_t any_size(std::size_t write_bytes_max, std::mt19937_64& random) {
  const auto kind = random() % 10;
  if (kind < 5) return 10 + random() % 300;
  if (kind < 8) return 300 + random() % 9000;
  return std::min(write_bytes_max - 3000, (12u << 10) + random() % 50'000);
}

ModelStamp any_stamp(const ModelPartition& partition, std::mt19937_64& random) {
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  if (below(2) == 0) return {};
  ModelStamp stamp;
  stamp.producer = 1 + static_cast<std::int64_t>(below(4));
  const auto known = partition.producers.find(stamp.producer);
  const auto records = static_cast<std::int64_t>(below(4));
  if (known == partition.producers.end()) {
    stamp.epoch = static_cast<std::int16_t>(below(3));
    // Some come to where sequences begin again.
    stamp.first = below(2) == 0 ? 0 : kSequences - 1 - static_cast<std::int64_t>(below(20));
    stamp.last = stamp.first + records;
    return stamp;
  }
  const auto& [epoch, batches] = known->second;
  const auto kind = below(20);
  if (kind < 6)
    return batches[batches.size() - 1 - below(std::min<std::size_t>(batches.size(), 7))]->stamp;
  stamp.epoch = static_cast<std::int16_t>(epoch + (kind == 6) - (kind == 7 && epoch > 0));
  stamp.first = kind == 6 ? 0 : batches.back()->stamp.last + 1 + (kind == 8);
  stamp.last = stamp.first + records;
  return stamp;
}

std::optional<std::string> outline_difference(const ModelState& model, const Checkpoint& state) {
  if (state.topics.size() != model.topics.size())
    return fmt::format("{} topics, not {}", state.topics.size(), model.topics.size());
  for (const auto& [id, topic] : model.topics) {
    const auto it = state.topics.find(id);
    if (it == state.topics.end()) return fmt::format("{} is missing", topic.name);
    const auto& found = it->second;
    if (found.name != topic.name || found.partitions.size() != topic.partitions.size())
      return fmt::format("{} is {}", topic.name, found.name);
    if (found.config != topic.config)
      return fmt::format("{} has the configuration {}", topic.name, found.config);
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto& partition = found.partitions[i];
      auto difference = partition_difference(fmt::format("{}-{}", topic.name, i),
                                             topic.partitions[i], partition.start, partition.end);
      if (difference) return difference;
    }
  }
  return std::nullopt;
}

std::optional<std::string> outline_difference(const ModelState& model, const Log& log,
                                              Configs configs) {
  Checkpoint state;
  for (const auto& topic : log.topics()) {
    auto& found = state.topics[topic->spec.id];
    found.name = topic->spec.name;
    found.config = topic->spec.config;
    const auto expected = model.topics.find(topic->spec.id);
    if (configs == Configs::Ignored && expected != model.topics.end())
      found.config = expected->second.config;
    for (const auto& partition : topic->partitions) {
      auto& outline = found.partitions.emplace_back();
      outline.start = partition->start();
      outline.end = partition->high_watermark();
    }
  }
  return outline_difference(model, state);
}

void compare_outcomes(const std::vector<BatchOutcome>& model,
                      const std::vector<BatchOutcome>& found) {
  expect(found.size() == model.size(), "not as many outcomes as batches");
  for (std::size_t i = 0; i < found.size(); ++i) {
    expect(found[i].fate == model[i].fate && found[i].base_offset == model[i].base_offset,
           fmt::format("a batch has fate {} at {}, not {} at {}", static_cast<int>(found[i].fate),
                       found[i].base_offset.value, static_cast<int>(model[i].fate),
                       model[i].base_offset.value));
  }
}

void compare_records(const ModelState& model, const Log& log, std::mt19937_64& random) {
  for (const auto& topic : log.topics()) {
    const auto& expected = model.topics.at(topic->spec.id);
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      const auto& partition = *topic->partitions[i];
      const auto where = fmt::format("{}-{}", topic->spec.name, i);
      const auto all = compare_listing(where, expected.partitions[i], partition, random);
      for (int seeks = 0; seeks < 6; ++seeks)
        compare_seek(where, all, any_seek(all, random), partition, random);
      compare_epochs(where, expected.partitions[i], partition, log.leader_epoch());
      compare_producers(where, expected.partitions[i], log.producers(partition));
    }
  }
}

std::set<std::string> named_files(Disk& disk) {
  std::set<std::string> named;
  const auto state = read_checkpoint(disk, "/data");
  expect(state.has_value(), state ? "" : state.error().message());
  for (const auto& [id, topic] : state->topics) {
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto directory = fmt::format("/data/topics/{}-{}", topic.name, i);
      for (const auto& segment : topic.partitions[i].segments) {
        for (const auto file : {SegmentFile::Log, SegmentFile::Meta})
          named.insert(segment_path(directory, segment.base_offset, segment.generation, file));
      }
    }
  }
  return named;
}

void compare_files(const ModelState& model, const Checkpoint& state, Disk& disk) {
  FilePool files(disk, 16);
  for (const auto& [id, topic] : model.topics) {
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto directory = directory_of(disk, id, topic.name, i);
      const PartitionId partition{id, PartitionIndex(static_cast<std::int32_t>(i))};
      std::vector<BatchRef> found;
      for (const auto& stored : state.topics.at(id).partitions[i].segments) {
        const Segment segment(files, directory, partition, stored);
        const auto batches = segment.read(stored, Seek::to(stored.base_offset), 1u << 30);
        expect(batches.has_value(),
               "files of a snapshot: " + (batches ? "" : batches.error().message()));
        found.insert(found.end(), batches->begin(), batches->end());
      }
      std::erase_if(found, [start = topic.partitions[i].start](const BatchRef& batch) {
        return batch.last_offset < start;
      });
      compare_batches("files of a snapshot: " + directory, topic.partitions[i], found);
    }
  }
}

ModelWrite keep_house(const ModelState& model, Log& log) {
  ModelWrite moved;
  std::optional<Error> failed;
  HousekeepingOptions options;
  options.compaction.read_bytes_per_second = 0;
  options.before_removal = [&](const RemovedRecords& removed) -> Status {
    const PartitionId id{removed.topic->spec.id, removed.partition};
    expect_had_its_time(
        model.topics.at(id.topic).partitions.at(static_cast<std::size_t>(id.partition.value)),
        removed, *removed.topic->policy.get(), to_ms(log.clock().now()));
    moved.starts.emplace_back(id, removed.to);
    return {};
  };
  options.on_error = [&](std::string_view, const Error& error) { failed = error; };
  Housekeeper keeper(log, std::move(options));
  keeper.pass();
  expect(!failed, "housekeeping: " + (failed ? failed->message() : ""));
  return moved;
}

void expect_nothing_in(const Topic& topic, std::mt19937_64& random) {
  for (const auto& partition : topic.partitions) {
    for (const auto seek : {Seek::to(Offset(static_cast<std::int64_t>(random() % 50))),
                            Seek::to(CommitNumber(random() % 50)), Seek::to(timestamp_from_ms(0)),
                            Seek::to_claimed(0)}) {
      expect(read(*partition, seek, 1 + random() % 20'000).empty(),
             fmt::format("{} is deleted and still read", topic.spec.name));
    }
  }
}

}  // namespace myelin::log
