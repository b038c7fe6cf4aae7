// The modes of log_load: each reads its arguments, measures and prints one JSON object.
#pragma once

#include <cstdint>

#include "bench/log_fixture.h"

namespace myelin::bench {

// Closed-loop appends: large batches, trickles over many partitions.
void run_append(Arguments& arguments);
// Fills a directory and stops in order.
void run_fill(Arguments& arguments);
// What a start takes, in time and memory; checkpoints of a log at rest.
void run_start(Arguments& arguments);
// Appends that reach the journal alone, and then SIGKILL.
void run_crash(Arguments& arguments);
// Reads everything of one partition through segments, from memory or from the disk.
void run_catch_up(Arguments& arguments);
// A fixed number of appends: for callgrind, and the count of allocations.
void run_cost(Arguments& arguments);
// Hours at a steady rate; one line of CSV for each second.
void run_soak(Arguments& arguments);

// Calls of operator new since start, while counting is on.
void count_allocations(bool on);
std::uint64_t allocations();

}  // namespace myelin::bench
