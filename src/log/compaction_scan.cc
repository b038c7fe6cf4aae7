#include "log/compaction_scan.h"

#include <algorithm>

#include "formats/kafka/control_record.h"

namespace myelin::log {
namespace {

constexpr std::size_t kOpenBytesMax = 64u << 20;

}  // namespace

Result<bool> CompactionScan::add(const BatchRef& batch) {
  MYELIN_TRY(info, kafka::parse_batch_header(batch.bytes));
  if (info.producer_id >= 0 && !info.is_control())
    last_batches_[info.producer_id] = info.base_offset;
  if (batch.last_offset < from_) return true;
  MYELIN_TRY(unpacked, kafka::unpack(batch.bytes, unpacked_bytes_max_));
  auto added = info.is_control() ? end_transaction(unpacked) : add_keys(unpacked);
  if (added && *added) end_ = batch.last_offset + 1;
  return added;
}

void CompactionScan::skip(Offset from) {
  skipped_ = std::min(skipped_, from);
  open_.clear();
  open_bytes_ = 0;
}

bool CompactionScan::put(std::string_view key, Offset offset) {
  if (!keys_.put(key, offset)) return false;
  end_ = std::max(end_, offset + 1);
  return true;
}

Result<bool> CompactionScan::add_keys(const kafka::UnpackedBatch& batch) {
  const auto& info = batch.info();
  // It begins with its first batch, whether or not that has keys.
  auto* const transaction =
      info.is_transactional()
          ? &open_.try_emplace(info.producer_id, Transaction{Offset(info.base_offset), {}})
                 .first->second
          : nullptr;
  auto reader = batch.reader();
  for (;;) {
    MYELIN_TRY(record, reader.next());
    if (!record) return true;
    const Offset offset(info.base_offset + record->offset_delta);
    if (!record->key || offset < from_) continue;
    if (transaction == nullptr) {
      if (!put(*record->key, offset)) return false;
      continue;
    }
    open_bytes_ += record->key->size() + sizeof(Key);
    if (open_bytes_ > kOpenBytesMax) return false;
    transaction->keys.emplace_back(*record->key, offset);
  }
}

Result<bool> CompactionScan::end_transaction(const kafka::UnpackedBatch& batch) {
  const auto& info = batch.info();
  auto reader = batch.reader();
  MYELIN_TRY(record, reader.next());
  if (!record) return true;
  MYELIN_TRY(control, kafka::parse_control_record(*record));
  const auto found = open_.find(info.producer_id);
  if (!control.is_marker() || found == open_.end()) return true;
  auto transaction = std::move(found->second);
  if (control.type == kafka::ControlType::Abort) {
    aborted_[info.producer_id].push_back({transaction.first.value, info.base_offset});
  } else {
    for (const auto& [key, offset] : transaction.keys) {
      if (!keys_.put(key, offset)) return false;  // It stays open, and so untouched.
    }
  }
  for (const auto& key : transaction.keys) open_bytes_ -= key.first.size() + sizeof(Key);
  open_.erase(found);
  return true;
}

Offset CompactionScan::end() const {
  auto end = end_;
  for (const auto& [producer, transaction] : open_) end = std::min(end, transaction.first);
  return end;
}

bool CompactionScan::is_replaced(std::string_view key, Offset offset) const {
  const auto last = keys_.find(key);
  return last && *last > offset;
}

bool CompactionScan::is_aborted(const kafka::BatchInfo& info) const {
  if (!info.is_transactional() || info.is_control()) return false;
  const auto found = aborted_.find(info.producer_id);
  if (found == aborted_.end()) return false;
  const auto& ranges = found->second;
  const auto range = std::partition_point(ranges.begin(), ranges.end(), [&](const Range& before) {
    return before.last < info.base_offset;
  });
  return range != ranges.end() && range->first <= info.base_offset;
}

bool CompactionScan::is_last_of_producer(const kafka::BatchInfo& info) const {
  const auto found = last_batches_.find(info.producer_id);
  return info.producer_id >= 0 && found != last_batches_.end() && found->second == info.base_offset;
}

}  // namespace myelin::log
