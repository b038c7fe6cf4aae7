// Finds the frames of a journal by looking at every block of it, whatever a checkpoint says of
// where they are.
//
// Nothing here writes. Memory: one frame, and a hundred bytes for each that is found.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "log/checkpoint.h"
#include "log/disk.h"
#include "log/journal.h"

namespace myelin::cli::log_tools {

struct FoundFrame {
  log::FrameHeader header;
  log::JournalPosition position;
};

struct JournalScan {
  log::JournalWriterId writer;  // Whose frames these are: the newest start's.
  bool later_than_checkpoint = false;
  // The writer is the checkpoint's, or its secret was found at the beginning of a file, where no
  // client's bytes can stand.
  bool sure = true;
  std::vector<FoundFrame> frames;       // By commit; each checks.
  std::vector<std::string> unreadable;  // What the disk said of files that could not be read.

  // Of the last frame; 0 when there is none.
  log::CommitNumber last() const;
  // Behind the last frame: a new lap begins there at the earliest.
  std::uint64_t last_lap() const;
};

// Without a checkpoint the writer is the newest start that left a frame. Nothing when no frame is
// found and there is no checkpoint.
Result<std::optional<JournalScan>> scan_journal(log::Disk& disk,
                                                const log::JournalGeometry& geometry,
                                                const std::optional<log::Checkpoint>& checkpoint);

// The frame's body, which checked when it was found.
Result<std::string> read_body(log::Disk& disk, const log::JournalGeometry& geometry,
                              const FoundFrame& frame);

// The header that stands at a place, whether its frame checks or not; nothing when none does.
std::optional<log::FrameHeader> header_at(log::Disk& disk, const log::JournalGeometry& geometry,
                                          const log::JournalPosition& position);

// Entries that can be read of a body that may be damaged, up to where its lengths make no sense any
// more. What they say is likely and not proven.
std::vector<log::Entry> readable_entries(std::string_view body);

}  // namespace myelin::cli::log_tools
