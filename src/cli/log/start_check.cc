#include "cli/log/start_check.h"

#include <fmt/format.h>

#include <limits>
#include <memory>

#include "log/journal.h"
#include "log/replay.h"
#include "log/segment.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::size_t kOpenFilesMax = 256;

class Rehearsal {
 public:
  Rehearsal(log::Disk& disk, const Store& store)
      : disk_(disk),
        store_(store),
        files_(disk, kOpenFilesMax, log::Writes::None),
        geometry_(store.geometry) {
    check_.after = *store.checkpoint;
  }

  StartCheck run() {
    const auto& state = check_.after;
    const log::JournalWriterId writer{state.directory, state.incarnation, state.secret};
    bool whole = refuse(log::check_journal(disk_, geometry_));
    whole = whole && refuse(log::check_no_later_start(disk_, geometry_, writer));
    for (const auto& [id, topic] : state.topics) {
      for (std::size_t i = 0; i < topic.partitions.size(); ++i) check_active(id, topic, i);
    }
    if (!whole) return std::move(check_);
    check_.journal_read = state.clean || refuse(replay(writer));
    if (check_.journal_read) look_behind();
    return std::move(check_);
  }

 private:
  bool refuse(const Status& status) {
    if (!status) check_.refusals.push_back(status.error().message());
    return status.has_value();
  }

  void check_active(const log::TopicId& id, const log::TopicState& topic, std::size_t index) {
    const auto& segments = topic.partitions[index].segments;
    if (segments.empty()) return;
    const log::PartitionIndex partition(static_cast<std::int32_t>(index));
    const auto path = partition_path(store_.directory, topic.name, partition);
    const auto length =
        log::Segment(files_, path, {id, partition}, segments.back()).check(segments.back());
    if (!length) refuse(length.error());
  }

  std::unique_ptr<log::Partition> make_partition(const log::TopicSpec& spec,
                                                 log::PartitionIndex index,
                                                 const log::PartitionState& state) {
    return std::make_unique<log::Partition>(files_, log::PartitionId{spec.id, index},
                                            partition_path(store_.directory, spec.name, index),
                                            state);
  }

  log::TopicPtr make_topic(const log::TopicId& id, const log::TopicState& state) {
    auto topic = std::make_shared<log::Topic>();
    const auto count = static_cast<std::int32_t>(state.partitions.size());
    topic->spec = {id, state.name, count, state.config};
    for (std::int32_t i = 0; i < count; ++i) {
      topic->partitions.push_back(make_partition(topic->spec, log::PartitionIndex(i),
                                                 state.partitions[static_cast<std::size_t>(i)]));
    }
    return topic;
  }

  Status replay(const log::JournalWriterId& writer) {
    auto& state = check_.after;
    log::ReplayCatalogue catalogue{
        files_, [this](const auto& spec, auto index) { return make_partition(spec, index, {}); },
        state.format > 1};
    for (const auto& [id, topic] : state.topics) catalogue.add(make_topic(id, topic));
    log::JournalReader reader(disk_, geometry_, writer, state.replay, state.through);
    for (;;) {
      MYELIN_TRY(frame, reader.next());
      if (!frame) return {};
      MYELIN_TRY(commit, log::replay_frame(catalogue, *frame));
      apply(*commit);
    }
  }

  void apply(const log::Commit& commit) {
    auto& state = check_.after;
    ++check_.replayed_frames;
    check_.replayed_batches += commit.batches.size();
    state.through = commit.number;
    state.replay = commit.end;
    for (const auto& topic : commit.topics) {
      auto& made = state.topics[topic->spec.id];
      made.name = topic->spec.name;
      made.config = topic->spec.config;
      made.partitions.resize(static_cast<std::size_t>(topic->spec.partitions));
    }
    for (const auto& grown : commit.grown) {
      const auto found = state.topics.find(grown.topic->spec.id);
      if (found != state.topics.end())
        found->second.partitions.resize(static_cast<std::size_t>(grown.count));
    }
    for (const auto& batch : commit.batches) {
      auto* partition = find(batch.partition);
      if (partition == nullptr) continue;
      auto& segments = partition->segments;
      if (segments.empty() || segments.back().base_offset != batch.segment)
        segments.push_back({batch.segment, 0, 0});
      ++segments.back().batch_count;
      segments.back().log_bytes += batch.bytes.size();
      segments.back().last_commit = batch.commit;
      partition->end = batch.last_offset + 1;
    }
    for (const auto& config : commit.configs) {
      const auto topic = state.topics.find(config.topic->spec.id);
      if (topic != state.topics.end()) topic->second.config = config.config;
    }
    for (const auto& start : commit.starts) move_start(start.partition->id(), start.start);
    for (const auto& topic : commit.deleted) state.topics.erase(topic->spec.id);
  }

  void move_start(const log::PartitionId& id, log::Offset start) {
    auto* partition = find(id);
    if (partition == nullptr || start <= partition->start) return;
    partition->start = start;
    auto& segments = partition->segments;
    const auto keep = [&](const log::SegmentState& segment) {
      const auto* next = &segment + 1;
      const auto end =
          next == segments.data() + segments.size() ? partition->end : next->base_offset;
      return end > start;
    };
    segments.erase(segments.begin(), std::ranges::find_if(segments, keep));
  }

  log::PartitionState* find(const log::PartitionId& id) {
    const auto topic = check_.after.topics.find(id.topic);
    const auto index = static_cast<std::size_t>(id.partition.value);
    if (topic == check_.after.topics.end() || index >= topic->second.partitions.size())
      return nullptr;
    return &topic->second.partitions[index];
  }

  // A segment that holds a commit behind the journal's last shows that the journal has lost it.
  void look_behind() {
    for (const auto& [id, topic] : check_.after.topics) {
      for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
        const auto& state = topic.partitions[i];
        const log::PartitionIndex index(static_cast<std::int32_t>(i));
        const auto path = partition_path(store_.directory, topic.name, index);
        look_behind(path, {id, index}, {state.end, 0, 0});
        if (!state.segments.empty()) look_behind(path, {id, index}, state.segments.back());
      }
    }
  }

  void look_behind(const std::string& path, log::PartitionId id, const log::SegmentState& state) {
    const log::Segment segment(files_, path, id, state);
    auto one_more = state;
    one_more.log_bytes = std::numeric_limits<std::uint64_t>::max();
    ++one_more.batch_count;
    const auto found = segment.entries(one_more, state.batch_count, 1);
    if (!found || found->empty() || !found->front()) return;
    if (found->front()->commit <= check_.after.through) return;
    check_.refusals.push_back(fmt::format("{} holds commit {}, which the journal no longer has",
                                          segment.meta_path(), found->front()->commit.value));
  }

  log::Disk& disk_;
  const Store& store_;
  log::FilePool files_;
  const log::JournalGeometry geometry_;
  StartCheck check_;
};

}  // namespace

StartCheck check_start(log::Disk& disk, const Store& store) { return Rehearsal(disk, store).run(); }

}  // namespace myelin::cli::log_tools
