// RepairPlan: what would make a directory open again with everything that can still be read, and
// what is lost for good. Making one changes nothing.
//
// The plan does what a start would do, but takes what it finds instead of refusing: segments as far
// as they check, then each batch of the journal that they lack, whatever is missing between. What
// the journal adds goes to new segments; the new checkpoint names all of it and leaves nothing to
// replay. docs/repair.md tells it to the person who runs it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "cli/log/journal_scan.h"
#include "cli/log/salvage.h"
#include "cli/log/store.h"
#include "log/checkpoint.h"
#include "log/disk.h"

namespace myelin::cli::log_tools {

// A commit that was durable and cannot be read from the journal.
struct LostCommits {
  log::CommitNumber first;
  log::CommitNumber last;
  std::string path;  // Where it should begin; empty when nobody knows.
  std::uint64_t byte = 0;
  std::vector<std::string> readable;  // What can be made out of it: sentences.
};

struct Move {
  std::string path;
  std::string why;
};

// Bytes that are copied before the file is changed.
struct Keep {
  std::string path;
  std::uint64_t from = 0;
  std::uint64_t bytes = 0;
  std::string why;
};

// A file that gets shorter. Its rest is among what is kept.
struct Cut {
  std::string path;
  std::uint64_t bytes = 0;
};

// A batch of the journal that goes to a segment.
struct PlannedBatch {
  std::size_t frame = 0;  // Of the scan.
  std::size_t entry = 0;  // Of the frame.
  log::PartitionId partition;
  log::Offset segment;
};

struct RepairPlan {
  std::vector<std::string> reasons;  // Why a repair is needed.
  bool rebuilds = false;             // A checkpoint is written; else files are moved at most.
  bool from_scratch = false;         // There is no checkpoint to begin with.

  log::Checkpoint state;  // To be written.
  std::map<log::PartitionId, Salvage> partitions;
  std::vector<PlannedBatch> batches;  // In the order of commits.
  std::optional<JournalScan> scan;

  std::vector<LostCommits> lost_commits;
  std::vector<LostRange> lost;
  std::vector<std::string> unknown;  // What cannot be told: sentences.
  std::vector<Move> moves;
  std::vector<Keep> keeps;
  std::vector<Cut> cuts;
  std::vector<std::string> new_journal_files;  // Missing or short: made anew.

  bool nothing_to_do() const { return !rebuilds && moves.empty(); }
};

Result<RepairPlan> plan_repair(log::Disk& disk, Random& random, const Store& store);

}  // namespace myelin::cli::log_tools
