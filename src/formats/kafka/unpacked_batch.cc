#include "formats/kafka/unpacked_batch.h"

#include <fmt/format.h>

#include "formats/kafka/compression.h"

namespace myelin::kafka {

Result<UnpackedBatch> unpack(std::string_view batch, std::size_t bytes_max) {
  MYELIN_TRY(info, parse_batch_header(batch));
  if (info.size_bytes != batch.size()) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("record batch: {} bytes where its length says {}", batch.size(),
                             info.size_bytes));
  }
  MYELIN_TRY(codec, compression_of(info.attributes));
  UnpackedBatch unpacked(info);
  unpacked.records_ = batch.substr(kBatchHeaderBytes);
  // An empty batch may have kept the bit of its codec without a byte that is packed.
  if (codec == Compression::None || (info.record_count == 0 && unpacked.records_.empty())) {
    return unpacked;
  }
  auto records = decompress(codec, unpacked.records_, bytes_max);
  if (!records) {
    return std::move(records).error().with_context(
        fmt::format("record batch at offset {}", info.base_offset));
  }
  unpacked.owned_ = std::make_unique<const std::string>(*std::move(records));
  unpacked.records_ = *unpacked.owned_;
  return unpacked;
}

}  // namespace myelin::kafka
