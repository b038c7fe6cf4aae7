// StartCheck: what a server would say to this directory if it were started, found out without
// changing a byte: the same steps in the same order, with the log's own reader of its journal.
#pragma once

#include <string>
#include <vector>

#include "cli/log/store.h"
#include "log/checkpoint.h"
#include "log/disk.h"

namespace myelin::cli::log_tools {

struct StartCheck {
  // Why a server would not start; empty when it would. It would say the first of these.
  std::vector<std::string> refusals;
  // The state that it would begin with: the checkpoint and what the journal adds to it, as far as
  // the journal could be read.
  log::Checkpoint after;
  std::uint64_t replayed_frames = 0;
  std::uint64_t replayed_batches = 0;
  bool journal_read = false;  // To its end.

  bool starts() const { return refusals.empty(); }
};

// The store has a checkpoint.
StartCheck check_start(log::Disk& disk, const Store& store);

}  // namespace myelin::cli::log_tools
