// Replay: what a frame of the journal says, as the commit that it was.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "base/result.h"
#include "log/commit.h"
#include "log/file_pool.h"
#include "log/journal.h"

namespace myelin::log {

// The catalogue as the frames read so far have made it. Recovery's.
struct ReplayCatalogue {
  FilePool& files;
  PartitionMaker make_partition;
  bool tells_placement = true;  // Frames of format 1 do not say where segments begin.
  std::unordered_map<TopicId, TopicPtr> topics{};

  void add(const TopicPtr& topic) { topics[topic->spec.id] = topic; }
  TopicPtr make_topic(TopicSpec spec) const;
  // Nothing when it is not there.
  Partition* find(const PartitionId& id) const;
};

// The commit of a frame that checks, with its batches placed in segments again; large ones are read
// from there. Corrupt names the commit: a batch that fits nowhere, a large one that does not check.
Result<std::shared_ptr<Commit>> replay_frame(ReplayCatalogue& catalogue, const StoredFrame& frame);

}  // namespace myelin::log
