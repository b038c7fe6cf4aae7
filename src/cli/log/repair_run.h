// RepairRun: carries a RepairPlan out, so that a crash at any point leaves a directory that can be
// repaired again and no byte is gone.
//
// Copies first; new segments are written aside and renamed into place; then the checkpoint, by
// which the directory changes from one state to the other; what nothing names is moved and cut
// last.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "cli/log/repair_plan.h"
#include "log/disk.h"
#include "log/file_pool.h"

namespace myelin::cli::log_tools {

class RepairRun {
 public:
  RepairRun(log::Disk& disk, const Clock& clock, const Store& store, const RepairPlan& plan);

  // Everything is on stable storage after success. `report` is kept beside what was moved.
  Status run(std::string_view report);

  // Where what was replaced or moved is now.
  const std::string& folder() const { return folder_; }

 private:
  Status make_folder();
  Status make_folders_of(const std::string& path);
  std::string aside(const std::string& path) const;
  Status keep(const Keep& keep);
  Status move(const std::string& path);
  Status cut(const Cut& cut);

  std::string fresh_path(const log::PartitionId& id) const;
  std::string partition_of(const log::PartitionId& id) const;
  Status write_segments();
  Status write_batch(const PlannedBatch& batch, const log::FrameHeader& header,
                     const log::Entry& entry);
  Status put_in_place();
  Status put_in_place(const log::PartitionId& id, const Salvage& partition);
  Status write_metadata(const std::string& path, const log::TopicId& topic);
  Status write_headers();
  Status write_journal();

  log::Disk& disk_;
  const Clock& clock_;
  const Store& store_;
  const RepairPlan& plan_;
  const log::JournalGeometry geometry_;
  std::string folder_;
  log::FilePool files_;
  std::map<std::pair<log::PartitionId, log::Offset>, log::SegmentState> written_;
};

}  // namespace myelin::cli::log_tools
