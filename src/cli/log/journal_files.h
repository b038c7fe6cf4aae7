// The files of a journal as they lie there, and the ring that they are or were: how many files of
// which size.
//
// Nothing here writes. Memory: one frame.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "log/disk.h"
#include "log/journal.h"

namespace myelin::cli::log_tools {

struct JournalFile {
  std::uint32_t number = 0;
  std::string path;
  std::uint64_t bytes = 0;
};

// Whether a journal can have these files: a checkpoint that says otherwise is damaged, and a repair
// makes no other.
bool is_possible(const log::JournalGeometry& geometry);

// The ring without the word of a checkpoint. As many files as the laps at their beginnings say, one
// that is gone included; where those say nothing, as many as a server makes, or as are there. As
// long as the longest: one that was cut is shorter. Always possible.
log::JournalGeometry guess_geometry(log::Disk& disk, const std::string& directory,
                                    const std::vector<JournalFile>& files);

}  // namespace myelin::cli::log_tools
