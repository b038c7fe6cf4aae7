// FrameSalvage: fills a RepairPlan's catalogue and partitions from segments and from the journal's
// frames, in the order of commits. The plan's scan is there already; nothing is written.
//
// Memory: one frame and one large batch at a time, and some bytes for each batch that is planned.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/log/metadata_topic.h"
#include "cli/log/repair_plan.h"
#include "log/file_pool.h"
#include "log/frame.h"

namespace myelin::cli::log_tools {

// The whole of a large batch that a frame names: its edges from the entry, its blocks from
// `log_path`. Corrupt when it does not check.
Result<std::string> read_stored_batch(log::Disk& disk, const std::string& log_path,
                                      const log::StoredEntry& entry);

class FrameSalvage {
 public:
  FrameSalvage(log::Disk& disk, const Store& store, RepairPlan& plan);

  Status run();

 private:
  // Offsets that a damaged frame seems to have held.
  struct Reservation {
    log::PartitionId partition;
    OffsetRange offsets;
  };

  Status begin();
  Status begin_with_folders();
  Status add_topic(const log::TopicId& id, const log::TopicState& topic);
  Status add_partition(const log::TopicId& id, const std::string& name, std::size_t index,
                       const log::PartitionState* told);
  Status read_metadata();
  void add_metadata_topics();

  Status apply_frames();
  Status apply(std::size_t number);
  Status apply_catalogue(const log::Entry& entry);
  Status create(const log::TopicSpec& spec);
  Status grow(const log::TopicId& id, std::int32_t partitions);
  void drop(const log::TopicId& id);
  Status take(std::size_t frame, std::size_t entry, const log::BatchEntry& batch);
  Status take_stored(std::size_t frame, std::size_t entry, const log::StoredEntry& stored);
  void miss_stored(const std::string& path, const log::StoredEntry& stored);
  Result<Salvage*> find(const log::PartitionId& id);
  Status adopt_unknown(const log::PartitionId& id);

  void tell_missing(log::CommitNumber first, log::CommitNumber last, const FoundFrame* before,
                    const FoundFrame* after);
  void tell_torn(const FoundFrame& last);
  void read_damaged(LostCommits& lost, const log::JournalPosition& from, std::uint64_t to);
  void describe(LostCommits& lost, const log::Entry& entry);
  std::string name_of(const log::PartitionId& id) const;

  void finish();

  log::Disk& disk_;
  const Store& store_;
  const log::JournalGeometry& geometry_;
  RepairPlan& plan_;
  log::CommitNumber known_through_;  // The checkpoint's; 0 without one.
  std::set<log::TopicId> deleted_;
  std::map<log::TopicId, log::TopicSpec> seen_;  // In damaged frames.
  std::vector<Reservation> reservations_;
  MetadataTopic metadata_;
};

}  // namespace myelin::cli::log_tools
