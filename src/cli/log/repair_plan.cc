#include "cli/log/repair_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/log/frame_salvage.h"
#include "cli/log/start_check.h"
#include "log/segment.h"

namespace myelin::cli::log_tools {
namespace {

// Commits that were given and left no trace are behind the last one that did; numbers are never
// given twice.
constexpr std::uint64_t kCommitsSkipped = 1'000'000;

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

class Planner {
 public:
  Planner(log::Disk& disk, Random& random, const Store& store)
      : disk_(disk), random_(random), store_(store) {}

  Result<RepairPlan> run() {
    if (store_.checkpoint) {
      const auto check = check_start(disk_, store_);
      plan_.reasons = check.refusals;
      MYELIN_TRY_VOID(find_short_segments());
      if (plan_.reasons.empty()) {
        move_strays_of(check.after);
        return std::move(plan_);
      }
    } else {
      plan_.reasons.push_back(fmt::format("checkpoint: {}", store_.checkpoint_fault));
      plan_.from_scratch = true;
    }
    plan_.rebuilds = true;
    MYELIN_TRY_VOID(read_journal());
    FrameSalvage salvage(disk_, store_, plan_);
    MYELIN_TRY_VOID(salvage.run());
    complete_state();
    move_unused();
    keep_what_changes();
    return std::move(plan_);
  }

 private:
  // Those that a start does not look at.
  Status find_short_segments() {
    for (const auto& [id, topic] : store_.checkpoint->topics) {
      for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
        const log::PartitionIndex index(static_cast<std::int32_t>(i));
        const auto path = partition_path(store_.directory, topic.name, index);
        const auto& segments = topic.partitions[i].segments;
        for (std::size_t s = 0; s + 1 < segments.size(); ++s) find_short(path, segments[s]);
      }
    }
    return {};
  }

  void find_short(const std::string& path, const log::SegmentState& segment) {
    const auto* folder = store_.find(path);
    const auto name =
        log::segment_path(path, segment.base_offset, segment.generation, log::SegmentFile::Log);
    const auto* files =
        folder == nullptr ? nullptr : folder->find(segment.base_offset, segment.generation);
    const auto meta = log::kMetaHeaderBytes + segment.batch_count * log::kMetaEntryBytes;
    if (files == nullptr || !files->whole()) {
      plan_.reasons.push_back(fmt::format("{} or its companion is missing", name));
    } else if (*files->log_bytes < segment.log_bytes || *files->meta_bytes < meta) {
      plan_.reasons.push_back(
          fmt::format("{} or its companion is shorter than the checkpoint says", name));
    }
  }

  Status read_journal() {
    const auto& geometry = store_.geometry;
    MYELIN_TRY(scan, scan_journal(disk_, geometry, store_.checkpoint));
    plan_.scan = std::move(scan);
    for (std::uint32_t i = 0; i < geometry.file_count; ++i) {
      const auto path = geometry.path(i);
      const auto found = std::ranges::find(store_.journal, path, &JournalFile::path);
      if (found != store_.journal.end() && found->bytes == geometry.file_bytes) continue;
      if (found != store_.journal.end())
        plan_.moves.push_back({path, "has not the size of a journal file"});
      plan_.new_journal_files.push_back(path);
      plan_.unknown.push_back(
          fmt::format("What stood in {} and had not reached a segment; which commits those were.",
                      file_name(path)));
    }
    if (!plan_.scan) return {};
    for (const auto& error : plan_.scan->unreadable)
      plan_.unknown.push_back(fmt::format("What stands in a part of the journal: {}.", error));
    if (!plan_.scan->sure) {
      plan_.unknown.push_back(
          "Whether the journal's frames are all this server's: none stands at the beginning of a "
          "file any more.");
    }
    return {};
  }

  void complete_state() {
    auto& state = plan_.state;
    const auto& scan = plan_.scan;
    std::int64_t epoch = -1;
    log::CommitNumber last = scan ? std::max(state.through, scan->last()) : state.through;
    auto received = to_ms(state.last_received);
    for (const auto& [id, partition] : plan_.partitions) {
      last = std::max(last, partition.rebuilt().last_commit);
      for (const auto& start : partition.state().epochs)
        epoch = std::max<std::int64_t>(epoch, start.epoch);
      for (const auto& segment : partition.state().segments)
        received = std::max(received, segment.last_received_ms);
    }
    if (plan_.from_scratch) {
      state.directory = scan ? scan->writer.directory : new_id();
      state.secret = scan ? scan->writer.secret : 0;
      state.journal_file_bytes = store_.geometry.file_bytes;
      state.journal_file_count = store_.geometry.file_count;
      if (!scan) {
        plan_.unknown.push_back(
            "The directory's own id: it gets a new one, and readers that resume a stream by an "
            "event id of before are refused.");
      }
    }
    // The start whose checkpoint is lost may have left no frame.
    const auto started = static_cast<std::uint64_t>(std::max<std::int64_t>(epoch + 1, 0));
    state.incarnation = std::max({state.incarnation, scan ? scan->writer.incarnation : 0, started});
    if (plan_.from_scratch) ++state.incarnation;
    state.through = last + kCommitsSkipped;
    state.replay = {std::max(state.replay.lap, scan ? scan->last_lap() : 0) + 1, 0};
    state.clean = true;
    state.last_received = timestamp_from_ms(received);
  }

  Uuid new_id() {
    Uuid id;
    random_.fill(id.bytes.data(), id.bytes.size());
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
    return id;
  }

  void move_unused() {
    std::map<std::string, log::TopicId> used;
    for (const auto& [id, partition] : plan_.partitions) {
      const auto topic = plan_.state.topics.find(id.topic);
      if (topic == plan_.state.topics.end()) continue;
      used[partition_path(store_.directory, topic->second.name, id.partition)] = id.topic;
      for (const auto& path : partition.rebuilt().unused)
        plan_.moves.push_back({path, "belongs to no segment that counts"});
    }
    for (const auto& folder : store_.partitions) {
      const auto user = used.find(folder.path);
      if (user == used.end() || (folder.topic && *folder.topic != user->second)) {
        plan_.moves.push_back({folder.path, "belongs to no topic"});
        continue;
      }
      for (const auto& path : folder.others)
        plan_.moves.push_back({path, "is no file of a segment"});
    }
    for (const auto& path : store_.strays) plan_.moves.push_back({path, "nothing names it"});
  }

  // In a directory that opens: what neither its checkpoint nor its journal names.
  void move_strays_of(const log::Checkpoint& state) {
    std::map<std::string, const log::PartitionState*> named;
    for (const auto& [id, topic] : state.topics) {
      for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
        const log::PartitionIndex index(static_cast<std::int32_t>(i));
        named[partition_path(store_.directory, topic.name, index)] = &topic.partitions[i];
      }
    }
    for (const auto& folder : store_.partitions) {
      const auto found = named.find(folder.path);
      if (found == named.end()) {
        plan_.moves.push_back({folder.path, "belongs to no topic"});
        continue;
      }
      for (const auto& files : folder.segments) move_stray(folder.path, files, *found->second);
      for (const auto& path : folder.others)
        plan_.moves.push_back({path, "is no file of a segment"});
    }
    for (const auto& path : store_.strays) plan_.moves.push_back({path, "nothing names it"});
  }

  void move_stray(const std::string& path, const SegmentFiles& files,
                  const log::PartitionState& state) {
    const bool named = std::ranges::any_of(state.segments, [&](const log::SegmentState& segment) {
      return segment.base_offset == files.base_offset && segment.generation == files.generation;
    });
    // One that comes next was begun for a commit that never became durable: the start knows it.
    if (named || (files.generation == 0 && files.base_offset >= state.end)) return;
    for (const auto file : {log::SegmentFile::Log, log::SegmentFile::Meta}) {
      const bool there =
          (file == log::SegmentFile::Log ? files.log_bytes : files.meta_bytes).has_value();
      if (!there) continue;
      plan_.moves.push_back({log::segment_path(path, files.base_offset, files.generation, file),
                             "belongs to no segment that counts"});
    }
  }

  void keep_what_changes() {
    const auto checkpoint = store_.directory + "/checkpoint";
    if (disk_.exists(checkpoint).value_or(false))
      plan_.keeps.push_back({checkpoint, 0, 0, "is replaced"});
    if (!plan_.lost_commits.empty()) {
      for (const auto& file : store_.journal) {
        const bool moved = std::ranges::any_of(
            plan_.moves, [&](const Move& move) { return move.path == file.path; });
        if (!moved)
          plan_.keeps.push_back({file.path, 0, 0, "holds the damage, and is written over"});
      }
    }
    for (const auto& [id, partition] : plan_.partitions) {
      for (const auto& path : partition.rebuilt().bad_headers)
        plan_.keeps.push_back({path, 0, log::kMetaHeaderBytes, "gets a new header"});
      const auto& segments = partition.state().segments;
      const auto& fresh = partition.new_segments();
      // What has the name of a new one moves as it is.
      const bool is_new =
          !segments.empty() && !fresh.empty() && fresh.back() == segments.back().base_offset;
      if (!segments.empty() && !is_new) keep_remainder(id, segments.back());
    }
  }

  // Behind the end of the segment that is written to is what a start takes for a commit that the
  // journal lost.
  void keep_remainder(const log::PartitionId& id, const log::SegmentState& segment) {
    const auto topic = plan_.state.topics.find(id.topic);
    if (topic == plan_.state.topics.end()) return;
    const auto path = partition_path(store_.directory, topic->second.name, id.partition);
    const auto* folder = store_.find(path);
    if (folder == nullptr) return;
    const auto* files = folder->find(segment.base_offset, segment.generation);
    if (files == nullptr || !files->whole()) return;
    const auto meta_end = log::kMetaHeaderBytes + segment.batch_count * log::kMetaEntryBytes;
    keep_rest(path, segment, log::SegmentFile::Log, segment.log_bytes, *files->log_bytes);
    keep_rest(path, segment, log::SegmentFile::Meta, meta_end, *files->meta_bytes);
  }

  void keep_rest(const std::string& path, const log::SegmentState& segment, log::SegmentFile file,
                 std::uint64_t end, std::uint64_t bytes) {
    if (bytes <= end) return;
    const auto name = log::segment_path(path, segment.base_offset, segment.generation, file);
    plan_.keeps.push_back(
        {name, end, bytes - end, "lies behind the last batch that counts, and is cut"});
    plan_.cuts.push_back({name, end});
  }

  log::Disk& disk_;
  Random& random_;
  const Store& store_;
  RepairPlan plan_;
};

}  // namespace

Result<RepairPlan> plan_repair(log::Disk& disk, Random& random, const Store& store) {
  return Planner(disk, random, store).run();
}

}  // namespace myelin::cli::log_tools
