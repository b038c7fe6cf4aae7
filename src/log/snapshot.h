// Snapshot: the state of a durable checkpoint, whose files stay; see Log::snapshot().
#pragma once

#include <functional>

#include "log/checkpoint.h"

namespace myelin::log {

// Must not outlive its log.
struct Snapshot {
  Checkpoint state;
  std::function<void()> release;
  ~Snapshot() { release(); }
};

}  // namespace myelin::log
