#include "broker/record_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "formats/kafka/record_batch.h"
#include "formats/kafka/unpacked_batch.h"

namespace myelin::broker {
namespace {

using kafka::BatchInfo;
using kafka::kBatchPrefixBytes;

constexpr std::size_t kFaultyRecordsMax = 10;
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kMagicAt = 16;
constexpr std::int32_t kOldLengthMin = 14;  // Of a message of format 0.

RecordCheck refuse(RecordFault fault, std::string what) {
  return {std::nullopt, {fault, std::move(what), {}}};
}

// What the records are, as far as the header must agree.
struct Findings {
  std::int32_t count = 0;
  std::int64_t max_timestamp = std::numeric_limits<std::int64_t>::min();
  std::vector<FaultyRecord> keyless;
  std::vector<FaultyRecord> badly_timed;
};

RecordRefusal too_large(std::size_t bytes, const RecordRules& rules) {
  return {RecordFault::TooLarge,
          fmt::format("the batch has {} bytes, more than the {} of max.message.bytes", bytes,
                      rules.batch_bytes_max),
          {}};
}

// Whether the bytes begin with a batch. Which fault is told where they do not is a matter of what a
// client does then: what is Corrupt it sends again.
std::optional<RecordRefusal> check_frame(std::string_view records) {
  const auto fault = [](RecordFault kind, std::string what) {
    return RecordRefusal{kind, std::move(what), {}};
  };
  if (records.size() < kBatchPrefixBytes)
    return fault(RecordFault::Invalid, fmt::format("{} bytes are no batch", records.size()));
  const auto length = load_be<std::int32_t>(records.data() + kLengthAt);
  if (length < kOldLengthMin)
    return fault(RecordFault::Corrupt, fmt::format("the batch has a length of {}", length));
  if (records.size() <= kMagicAt)
    return fault(RecordFault::Invalid, fmt::format("{} bytes are no batch", records.size()));
  const auto magic = load_be<std::int8_t>(records.data() + kMagicAt);
  if (magic < 0 || magic > kafka::kBatchMagic)
    return fault(RecordFault::Corrupt, fmt::format("the batch has magic {}", magic));
  const auto size = kBatchPrefixBytes + static_cast<std::size_t>(length);
  if (records.size() < size) {
    return fault(RecordFault::Invalid,
                 fmt::format("the batch has {} bytes, and {} by its length", records.size(), size));
  }
  if (magic != kafka::kBatchMagic) {
    return fault(RecordFault::UnsupportedFormat,
                 fmt::format("message format v{} is not taken, only v2", magic));
  }
  if (size < kafka::kBatchHeaderBytes)
    return fault(RecordFault::Corrupt, fmt::format("the batch has a length of {}", length));
  return std::nullopt;
}

std::optional<RecordRefusal> check_header(const BatchInfo& info) {
  const auto wrong = [](std::string what) {
    return RecordRefusal{RecordFault::Invalid, std::move(what), {}};
  };
  if (info.is_control()) return wrong("clients may not write control batches");
  if (info.record_count < 1) return wrong("the batch holds no record");
  if (info.last_offset_delta + 1 != info.record_count) {
    return wrong(fmt::format("the batch says {} records, and {} as its last offset delta",
                             info.record_count, info.last_offset_delta));
  }
  if (info.producer_id >= 0 && (info.producer_epoch < 0 || info.base_sequence < 0))
    return wrong("the batch has a producer id without an epoch or sequence");
  if (info.is_transactional() && info.producer_id < 0)
    return wrong("the batch is transactional and has no producer id");
  return std::nullopt;
}

void note(std::vector<FaultyRecord>& faults, std::int32_t index, std::string_view what) {
  if (faults.size() < kFaultyRecordsMax) faults.push_back({index, std::string(what)});
}

Result<Findings> read_records(const kafka::UnpackedBatch& batch, const RecordRules& rules,
                              std::int64_t now_ms) {
  Findings found;
  auto reader = batch.reader();
  for (;; ++found.count) {
    MYELIN_TRY(record, reader.next());
    if (!record) return found;
    if (record->offset_delta != found.count) {
      return Error(ErrorCode::InvalidInput, fmt::format("record {} has the offset delta {}",
                                                        found.count, record->offset_delta));
    }
    found.max_timestamp = std::max(found.max_timestamp, record->timestamp_ms);
    if (rules.key_required && !record->key)
      note(found.keyless, found.count, "a compacted topic takes no record without a key");
    if (rules.log_append_time || record->timestamp_ms < 0) continue;
    const bool early = record->timestamp_ms < now_ms &&
                       now_ms - record->timestamp_ms > rules.timestamp_before_ms_max;
    const bool late = record->timestamp_ms > now_ms &&
                      record->timestamp_ms - now_ms > rules.timestamp_after_ms_max;
    if (early) note(found.badly_timed, found.count, "its timestamp is too far in the past");
    if (late) note(found.badly_timed, found.count, "its timestamp is too far in the future");
  }
}

// The batch packed as the topic wants it.
Result<std::string> packed(const kafka::UnpackedBatch& batch, kafka::Compression codec) {
  std::string bytes(kafka::kBatchHeaderBytes, '\0');
  if (codec == kafka::Compression::None) {
    bytes += batch.records();
  } else {
    MYELIN_TRY(records, kafka::compress(codec, batch.records()));
    bytes += records;
  }
  auto info = batch.info();
  info.attributes = static_cast<std::int16_t>((info.attributes & ~kafka::kCompressionMask) |
                                              static_cast<std::int16_t>(codec));
  kafka::write_batch_header(bytes, info);
  return bytes;
}

Result<CheckedBatch> finish(std::string_view records, const kafka::UnpackedBatch& batch,
                            const RecordRules& rules, const Findings& found, std::int64_t now_ms) {
  auto info = batch.info();
  const auto codec = static_cast<kafka::Compression>(info.attributes & kafka::kCompressionMask);
  CheckedBatch checked;
  if (rules.compression && *rules.compression != codec) {
    MYELIN_TRY(bytes, packed(batch, *rules.compression));
    checked.bytes = std::move(bytes);
    MYELIN_TRY(header, kafka::parse_batch_header(checked.bytes));
    info = header;
  } else {
    checked.bytes = records;
  }
  const auto time_bit = rules.log_append_time ? kafka::kLogAppendTime : std::int16_t{0};
  const auto cleared = info.attributes & ~(kafka::kLogAppendTime | kafka::kDeleteHorizon);
  const auto attributes = static_cast<std::int16_t>(cleared | time_bit);
  const auto max_timestamp = rules.log_append_time ? now_ms : found.max_timestamp;
  if (info.attributes != attributes || info.max_timestamp != max_timestamp) {
    info.attributes = attributes;
    info.max_timestamp = max_timestamp;
    kafka::write_batch_header(checked.bytes, info);
  }
  checked.max_timestamp_ms = max_timestamp;
  checked.record_count = info.record_count;
  return checked;
}

}  // namespace

RecordCheck check_records(std::string_view records, const RecordRules& rules, Timestamp now) {
  if (auto refusal = check_frame(records)) return {std::nullopt, *refusal};
  const auto length = load_be<std::int32_t>(records.data() + kLengthAt);
  const auto behind = records.substr(kBatchPrefixBytes + static_cast<std::size_t>(length));
  records.remove_suffix(behind.size());
  if (!behind.empty() && !check_frame(behind))
    return refuse(RecordFault::Invalid, "there is more than one batch for the partition");
  if (const auto at = load_be<std::int64_t>(records.data()); at != 0)
    return refuse(RecordFault::Invalid, fmt::format("the batch's base offset is {}, not 0", at));
  if (records.size() > rules.batch_bytes_max)
    return {std::nullopt, too_large(records.size(), rules)};
  if (const auto whole = kafka::verify_checksum(records); !whole)
    return refuse(RecordFault::Corrupt, whole.error().message());
  // What is wrong behind a right checksum is wrong however often it is sent.
  if (!behind.empty())
    return refuse(RecordFault::Invalid, fmt::format("{} bytes follow the batch", behind.size()));
  const auto info = kafka::parse_batch_header(records);
  if (!info) return refuse(RecordFault::Invalid, info.error().message());
  if (auto refusal = check_header(*info)) return {std::nullopt, *refusal};
  const auto batch = kafka::unpack(records, rules.unpacked_bytes_max);
  if (!batch) {
    const bool too_large = batch.error().code() == ErrorCode::Exhausted;
    return refuse(too_large ? RecordFault::TooLarge : RecordFault::Invalid,
                  batch.error().message());
  }
  const auto now_ms = to_ms(now);
  const auto found = read_records(*batch, rules, now_ms);
  if (!found) return refuse(RecordFault::Invalid, found.error().message());
  if (found->count != info->record_count)
    return refuse(RecordFault::Invalid, "the batch holds fewer records than it says");
  if (!found->keyless.empty()) {
    return {std::nullopt,
            {RecordFault::Invalid, "records without a key in a compacted topic", found->keyless}};
  }
  if (!found->badly_timed.empty()) {
    return {std::nullopt,
            {RecordFault::Timestamp,
             "timestamps out of the range that message.timestamp.before.max.ms and "
             "message.timestamp.after.max.ms give",
             found->badly_timed}};
  }
  auto checked = finish(records, *batch, rules, *found, now_ms);
  if (!checked) return refuse(RecordFault::Invalid, checked.error().message());
  if (checked->bytes.size() > rules.batch_bytes_max)
    return {std::nullopt, too_large(checked->bytes.size(), rules)};
  return {std::move(*checked), {}};
}

}  // namespace myelin::broker
