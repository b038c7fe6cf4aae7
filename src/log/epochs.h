// Leader epochs of a partition: which epoch wrote from which offset on. The server's epoch rises by
// one with each start, so a client can tell a log that was taken back (restored from a backup) from
// the one it knew.
#pragma once

#include <vector>

#include "log/checkpoint.h"
#include "log/types.h"

namespace myelin::log {

// The epoch that a batch carries.
std::int32_t leader_epoch(std::string_view batch);

// Adds the epoch of a batch when it is a new one.
void note_epoch(std::vector<EpochStart>& epochs, const BatchRef& batch);

// Forgets epochs of which no record is left; the one that `start` is in begins there now.
void forget_epochs(std::vector<EpochStart>& epochs, Offset start);

}  // namespace myelin::log
