#include "cli/log/dump.h"

#include <fmt/format.h>

#include <limits>

#include "cli/log/dump_line.h"
#include "cli/log/journal_scan.h"
#include "cli/log/text.h"
#include "formats/kafka/control_record.h"
#include "formats/kafka/unpacked_batch.h"
#include "log/file_pool.h"
#include "log/segment.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::size_t kOpenFilesMax = 64;
constexpr std::size_t kUnpackedBytesMax = 256u << 20;
constexpr std::uint64_t kEntriesARead = 256;

std::string_view codec_of(const kafka::BatchInfo& info) {
  switch (info.attributes & kafka::kCompressionMask) {
    case 0: return "none";
    case 1: return "gzip";
    case 2: return "snappy";
    case 3: return "lz4";
    case 4: return "zstd";
    default: return "unknown";
  }
}

class Dumper {
 public:
  Dumper(World& world, const Options& options, const Store& store)
      : world_(world),
        options_(options),
        store_(store),
        form_(options.json ? DumpForm::Json : DumpForm::Text),
        files_(world.disk, kOpenFilesMax, log::Writes::None) {}

  Result<int> run() {
    if (options_.payload)
      print(world_.err, "myelin log: patient data follows: keys, values and headers of records\n");
    const bool batches = options_.topic || options_.partition || options_.from || options_.payload;
    const bool something = options_.journal || options_.checkpoint || batches;
    if (options_.checkpoint || !something) MYELIN_TRY_VOID(dump_checkpoint());
    if (options_.journal) MYELIN_TRY_VOID(dump_journal());
    if (batches && !options_.journal) MYELIN_TRY_VOID(dump_topics());
    return kWhole;
  }

 private:
  Result<const log::Checkpoint*> checkpoint() const {
    if (store_.checkpoint) return &*store_.checkpoint;
    return Error(ErrorCode::Corrupt,
                 fmt::format("checkpoint: {} (`myelin log repair` makes one; --journal needs none)",
                             store_.checkpoint_fault));
  }

  Status dump_checkpoint() {
    MYELIN_TRY(state, checkpoint());
    DumpLine line(form_, "checkpoint");
    line.number("format", std::uint64_t{state->format});
    line.text("directory", state->directory.to_string());
    line.number("start", state->incarnation);
    line.number("through", state->through.value);
    line.number("replayLap", state->replay.lap);
    line.number("replayByte", state->replay.byte);
    line.number("journalFiles", std::uint64_t{state->journal_file_count});
    line.number("journalFileBytes", state->journal_file_bytes);
    line.time("lastReceived", to_ms(state->last_received));
    line.flag("clean", state->clean);
    line.write(world_.out);
    for (const auto& [id, topic] : state->topics) {
      if (options_.topic && topic.name != *options_.topic) continue;
      DumpLine about(form_, "topic", 2);
      about.text("name", topic.name);
      about.text("id", id.to_string());
      about.number("partitions", std::uint64_t{topic.partitions.size()});
      about.text("config", topic.config);
      about.write(world_.out);
      for (std::size_t i = 0; i < topic.partitions.size(); ++i) dump_partition(topic, i);
    }
    return {};
  }

  void dump_partition(const log::TopicState& topic, std::size_t index) {
    if (options_.partition && static_cast<std::size_t>(*options_.partition) != index) return;
    const auto& state = topic.partitions[index];
    DumpLine line(form_, "partition", 4);
    line.text("topic", topic.name);
    line.number("partition", std::uint64_t{index});
    line.number("start", state.start.value);
    line.number("end", state.end.value);
    line.number("compactedThrough", state.compacted_through.value);
    line.write(world_.out);
    for (const auto& epoch : state.epochs) {
      DumpLine about(form_, "epoch", 6);
      about.number("epoch", std::int64_t{epoch.epoch});
      about.number("start", epoch.start.value);
      about.write(world_.out);
    }
    for (const auto& segment : state.segments) {
      DumpLine about(form_, "segment", 6);
      about.number("base", segment.base_offset.value);
      about.number("bytes", segment.log_bytes);
      about.number("batches", segment.batch_count);
      about.number("generation", std::uint64_t{segment.generation});
      about.number("companion", std::uint64_t{segment.meta_version});
      about.number("lastCommit", segment.last_commit.value);
      about.time("firstReceived", segment.first_received_ms);
      about.time("lastReceived", segment.last_received_ms);
      about.time("maxTimestamp", segment.max_timestamp_ms);
      about.write(world_.out);
    }
    for (const auto& producer : state.producers.list()) {
      DumpLine about(form_, "producer", 6);
      about.number("id", producer.id);
      about.number("epoch", std::int64_t{producer.epoch});
      about.number("lastSequence", std::int64_t{producer.last_sequence()});
      about.number("batches", std::uint64_t{producer.batch_count});
      about.time("lastReceived", producer.last_received_ms);
      about.write(world_.out);
    }
  }

  Status dump_journal() {
    if (!store_.checkpoint && store_.journal.empty())
      return Error(ErrorCode::Corrupt, "there is no journal");
    MYELIN_TRY(scan, scan_journal(world_.disk, store_.geometry, store_.checkpoint));
    if (!scan) return {};
    for (const auto& error : scan->unreadable)
      print(world_.err, fmt::format("myelin log: {}\n", error));
    std::uint64_t left = options_.count.value_or(std::numeric_limits<std::uint64_t>::max());
    for (const auto& frame : scan->frames) {
      if (options_.from && frame.header.commit.value < static_cast<std::uint64_t>(*options_.from))
        continue;
      if (left-- == 0) return {};
      MYELIN_TRY_VOID(dump_frame(frame));
    }
    return {};
  }

  Status dump_frame(const FoundFrame& frame) {
    const auto& header = frame.header;
    DumpLine line(form_, "frame");
    line.number("commit", header.commit.value);
    line.number("durableThrough", header.durable_through.value);
    line.number("start", header.incarnation);
    line.number("lap", header.lap);
    line.number("byte", frame.position.byte);
    line.number("bodyBytes", std::uint64_t{header.body_bytes});
    line.number("entries", std::uint64_t{header.entry_count});
    line.flag("checkpointed",
              store_.checkpoint.has_value() && header.commit <= store_.checkpoint->through);
    line.write(world_.out);
    MYELIN_TRY(body, read_body(world_.disk, store_.geometry, frame));
    const auto entries = log::decode_entries(body, header.entry_count);
    if (!entries) {
      print(world_.err, fmt::format("myelin log: {}\n", entries.error().message()));
      return {};
    }
    for (const auto& entry : *entries) dump_entry(entry);
    return {};
  }

  void partition(DumpLine& line, const log::PartitionId& id) const {
    if (store_.checkpoint) {
      const auto topic = store_.checkpoint->topics.find(id.topic);
      if (topic != store_.checkpoint->topics.end()) line.text("topic", topic->second.name);
    }
    line.text("topicId", id.topic.to_string());
    line.number("partition", std::int64_t{id.partition.value});
  }

  void dump_entry(const log::Entry& entry) {
    if (const auto* batch = std::get_if<log::BatchEntry>(&entry)) {
      DumpLine line(form_, "batch", 2);
      partition(line, batch->partition);
      line.number("firstRecord", std::uint64_t{batch->first_record});
      line.time("received", to_ms(batch->received));
      line.flag("beginsSegment", batch->begins_segment);
      describe(line, batch->bytes);
      line.write(world_.out);
      dump_records(batch->bytes, 4);
    } else if (const auto* stored = std::get_if<log::StoredEntry>(&entry)) {
      DumpLine line(form_, "stored-batch", 2);
      partition(line, stored->partition);
      line.number("firstRecord", std::uint64_t{stored->first_record});
      line.time("received", to_ms(stored->received));
      line.flag("beginsSegment", stored->begins_segment);
      line.number("segment", stored->segment.value);
      line.number("position", stored->position);
      line.number("bytes", std::uint64_t{stored->batch_bytes});
      line.write(world_.out);
    } else if (const auto* spec = std::get_if<log::TopicSpec>(&entry)) {
      DumpLine line(form_, "create-topic", 2);
      line.text("name", spec->name);
      line.text("topicId", spec->id.to_string());
      line.number("partitions", std::int64_t{spec->partitions});
      line.text("config", spec->config);
      line.write(world_.out);
    } else if (const auto* gone = std::get_if<log::DeleteTopicEntry>(&entry)) {
      DumpLine line(form_, "delete-topic", 2);
      line.text("topicId", gone->topic.to_string());
      line.write(world_.out);
    } else if (const auto* grown = std::get_if<log::AddPartitionsEntry>(&entry)) {
      DumpLine line(form_, "add-partitions", 2);
      line.text("topicId", grown->topic.to_string());
      line.number("partitions", std::int64_t{grown->count});
      line.write(world_.out);
    } else if (const auto* start = std::get_if<log::MoveStartEntry>(&entry)) {
      DumpLine line(form_, "move-start", 2);
      partition(line, start->partition);
      line.number("start", start->start.value);
      line.write(world_.out);
    } else if (const auto* config = std::get_if<log::ConfigureTopicEntry>(&entry)) {
      DumpLine line(form_, "configure-topic", 2);
      line.text("topicId", config->topic.to_string());
      line.text("config", config->config);
      line.write(world_.out);
    }
  }

  Status dump_topics() {
    MYELIN_TRY(state, checkpoint());
    bool found = false;
    for (const auto& [id, topic] : state->topics) {
      if (options_.topic && topic.name != *options_.topic) continue;
      for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
        if (options_.partition && static_cast<std::size_t>(*options_.partition) != i) continue;
        found = true;
        const log::PartitionIndex index(static_cast<std::int32_t>(i));
        MYELIN_TRY_VOID(dump_batches({id, index}, topic, topic.partitions[i]));
      }
    }
    if (found) return {};
    return Error(ErrorCode::NotFound, "no such topic or partition in the checkpoint");
  }

  Status dump_batches(const log::PartitionId& id, const log::TopicState& topic,
                      const log::PartitionState& state) {
    const auto path = partition_path(store_.directory, topic.name, id.partition);
    std::uint64_t left = options_.count.value_or(std::numeric_limits<std::uint64_t>::max());
    const log::Offset from(options_.from.value_or(0));
    for (std::size_t s = 0; s < state.segments.size(); ++s) {
      const bool is_last = s + 1 == state.segments.size();
      if (!is_last && state.segments[s + 1].base_offset <= from) continue;
      const log::Segment segment(files_, path, id, state.segments[s]);
      const auto stored = stored_batches(path, state.segments[s]);
      for (std::uint64_t at = 0; at < stored; at += kEntriesARead) {
        MYELIN_TRY(entries, segment.entries(state.segments[s], at, kEntriesARead));
        for (std::size_t i = 0; i < entries.size(); ++i) {
          if (entries[i] && entries[i]->last_offset() < from) continue;
          if (left-- == 0) return {};
          dump_batch(segment, state.segments[s], topic.name, id, at + i, entries[i]);
        }
      }
    }
    return {};
  }

  // As many of a segment's batches as its companion has entries of; that there are fewer than the
  // checkpoint says is told.
  std::uint64_t stored_batches(const std::string& path, const log::SegmentState& state) {
    const auto* folder = store_.find(path);
    const auto* files =
        folder == nullptr ? nullptr : folder->find(state.base_offset, state.generation);
    const auto bytes = files == nullptr ? 0 : files->meta_bytes.value_or(0);
    const auto there =
        bytes < log::kMetaHeaderBytes ? 0 : (bytes - log::kMetaHeaderBytes) / log::kMetaEntryBytes;
    if (there >= state.batch_count) return state.batch_count;
    print(world_.err, fmt::format("myelin log: {} of {} entries are left of the companion of {}\n",
                                  there, state.batch_count,
                                  log::segment_path(path, state.base_offset, state.generation,
                                                    log::SegmentFile::Log)));
    return there;
  }

  void dump_batch(const log::Segment& segment, const log::SegmentState& state,
                  const std::string& topic, const log::PartitionId& id, std::uint64_t number,
                  const std::optional<log::MetaEntry>& entry) {
    DumpLine line(form_, "batch");
    line.text("topic", topic);
    line.number("partition", std::int64_t{id.partition.value});
    line.number("segment", state.base_offset.value);
    line.number("entry", number);
    if (!entry) {
      line.text("damage", "its companion's entry does not check");
      return line.write(world_.out);
    }
    line.number("commit", entry->commit.value);
    line.number("firstRecord", std::uint64_t{entry->first_record});
    line.time("received", entry->received_ms);
    line.number("position", entry->position);
    auto up_to_here = state;
    up_to_here.batch_count = number + 1;
    const auto read = segment.read(up_to_here, log::Seek::to(entry->base_offset), 0);
    if (!read || read->empty()) {
      line.number("firstOffset", entry->base_offset.value);
      line.number("lastOffset", entry->last_offset().value);
      line.text("damage", read ? "it cannot be read" : read.error().message());
      return line.write(world_.out);
    }
    describe(line, read->front().bytes);
    line.write(world_.out);
    dump_records(read->front().bytes, 2);
  }

  static void describe(DumpLine& line, std::string_view batch) {
    const auto info = kafka::parse_batch_header(batch);
    line.number("bytes", std::uint64_t{batch.size()});
    if (!info) return line.text("damage", "it is no record batch");
    line.number("firstOffset", info->base_offset);
    line.number("lastOffset", info->last_offset());
    line.number("records", std::int64_t{info->record_count});
    line.number("epoch", std::int64_t{info->partition_leader_epoch});
    line.time("maxTimestamp", info->max_timestamp);
    line.text("codec", codec_of(*info));
    if (info->producer_id >= 0) {
      line.number("producer", info->producer_id);
      line.number("producerEpoch", std::int64_t{info->producer_epoch});
      line.number("sequence", std::int64_t{info->base_sequence});
    }
    line.flag("transactional", info->is_transactional());
    line.flag("control", info->is_control());
    line.flag("logAppendTime", info->has_log_append_time());
    line.flag("deleteHorizon", info->has_delete_horizon());
  }

  void dump_records(std::string_view batch, int indent) {
    const auto unpacked = kafka::unpack(batch, kUnpackedBytesMax);
    if (!unpacked) {
      DumpLine line(form_, "record", indent);
      line.text("damage", unpacked.error().message());
      return line.write(world_.out);
    }
    auto reader = unpacked->reader();
    for (auto record = reader.next(); !record || *record; record = reader.next()) {
      DumpLine line(form_, "record", indent);
      if (!record) {
        line.text("damage", record.error().message());
        return line.write(world_.out);
      }
      dump_record(line, unpacked->info(), **record);
      line.write(world_.out);
    }
  }

  void dump_record(DumpLine& line, const kafka::BatchInfo& info, const kafka::RecordView& record) {
    line.number("offset", info.base_offset + record.offset_delta);
    line.time("time", record.timestamp_ms);
    if (info.is_control()) {
      const auto control = kafka::parse_control_record(record);
      const bool marker = control && control->is_marker();
      line.text("marker", !marker                                       ? "other"
                          : control->type == kafka::ControlType::Commit ? "commit"
                                                                        : "abort");
    }
    if (record.key) line.number("keyBytes", std::uint64_t{record.key->size()});
    if (record.value) line.number("valueBytes", std::uint64_t{record.value->size()});
    if (!record.headers.empty()) line.number("headers", std::uint64_t{record.headers.size()});
    if (!options_.payload) return;
    if (record.key) line.payload("key", *record.key);
    if (record.value) line.payload("value", *record.value);
    for (const auto& header : record.headers)
      line.payload("header." + printable(header.key), header.value.value_or(""));
  }

  World& world_;
  const Options& options_;
  const Store& store_;
  const DumpForm form_;
  log::FilePool files_;
};

}  // namespace

Result<int> dump(World& world, const Options& options, const Store& store) {
  return Dumper(world, options, store).run();
}

}  // namespace myelin::cli::log_tools
