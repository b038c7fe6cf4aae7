// UnpackedBatch: the records of one batch as bytes that a RecordReader walks, whatever the batch
// was compressed with.
//
// It owns the decompressed bytes; of an uncompressed batch it owns nothing and points into the
// caller's. It may be moved: its views, and those of its readers, stay where they are.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/kafka/record_batch.h"

namespace myelin::kafka {

class UnpackedBatch {
 public:
  // As the batch has it: compression bits and size are those of the packed one.
  const BatchInfo& info() const { return info_; }
  std::string_view records() const { return records_; }
  RecordReader reader() const { return RecordReader(records_, info_); }

 private:
  friend Result<UnpackedBatch> unpack(std::string_view batch, std::size_t bytes_max);
  explicit UnpackedBatch(const BatchInfo& info) : info_(info) {}

  BatchInfo info_;
  std::unique_ptr<const std::string> owned_;  // Absent for an uncompressed batch.
  std::string_view records_;
};

// `batch` is exactly one batch (else InvalidInput). `bytes_max` is what its records may take once
// decompressed (else Exhausted); of an uncompressed batch nothing is copied and nothing limited.
// Errors are those of decompress(); neither the batch's CRC nor its records are checked.
Result<UnpackedBatch> unpack(std::string_view batch, std::size_t bytes_max);

}  // namespace myelin::kafka
