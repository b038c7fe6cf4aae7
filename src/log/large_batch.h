// LargeBatchWriter: puts a large batch straight into its segment, so that its bytes are written
// once and not to the journal first.
//
// Written are the whole blocks that are the batch's alone, around the page cache. The bytes at its
// two edges share a block with the neighbours: they travel in the journal's entry and are written
// by the flusher as all others, so no page is ever written both ways. Belongs to the committer.
#pragma once

#include <optional>
#include <string_view>

#include "log/disk.h"
#include "log/file_pool.h"
#include "log/partition.h"
#include "log/place.h"
#include "log/segment.h"

namespace myelin::log {

class LargeBatchWriter {
 public:
  explicit LargeBatchWriter(Disk& disk);

  // The blocks are on stable storage after the next sync(). Nothing when the batch has to go
  // through the journal: its partition has no durable directory yet, it has no whole block, or the
  // disk had no room for it.
  Result<std::optional<BlockEdges>> write(const Partition& partition, const Placed& placed,
                                          std::string_view batch);
  // Once for all that was written since the last time. Unavailable when it failed: it is not to be
  // repeated.
  Status sync();
  // A segment that is removed is kept open no longer.
  void forget(const std::string& path) { files_.forget(path); }
  void forget_below(std::string_view directory) { files_.forget_below(directory); }

 private:
  Result<std::shared_ptr<File>> open(const Partition& partition, const Placed& placed);
  Status write_blocks(File& file, std::uint64_t position, std::string_view blocks);

  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  Disk& disk_;
  FilePool files_;
  std::unique_ptr<char, Free> buffer_;          // Aligned; made when first needed.
  std::vector<std::shared_ptr<File>> written_;  // Since the last sync.
};

}  // namespace myelin::log
