#include "broker/group_log.h"

#include <utility>

#include "broker/broker.h"
#include "formats/kafka/unpacked_batch.h"

namespace myelin::broker {
namespace {

constexpr std::size_t kReadBytes = 1u << 20;
constexpr std::size_t kUnpackedBytesMax = 64u << 20;

TopicName topic_name() { return {{}, std::string(kOffsetsTopic)}; }

class Done final : public log::AppendWaiter {
 public:
  explicit Done(std::move_only_function<void(Status)> done) : done_(std::move(done)) {}
  void numbered(const std::vector<log::BatchOutcome>&) override {}
  void completed(Result<CommitNumber> commit) override {
    done_(commit ? Status() : Status(std::move(commit).error()));
  }
  // For a write that never came so far.
  void refuse(Error error) { done_(std::move(error)); }

 private:
  std::move_only_function<void(Status)> done_;
};

Status load_batch(std::string_view bytes, GroupCoordinator& coordinator) {
  MYELIN_TRY(batch, kafka::unpack(bytes, kUnpackedBytesMax));
  if (batch.info().is_control()) return {};
  auto reader = batch.reader();
  for (;;) {
    MYELIN_TRY(record, reader.next());
    if (!record) return {};
    // What cannot be read is of a later server, or nobody's.
    if (record->key) (void)coordinator.load(*record->key, record->value);
  }
}

}  // namespace

Result<std::vector<LostRange>> GroupLog::load(GroupCoordinator& coordinator) const {
  std::vector<LostRange> lost;
  const auto topic = broker_.find(topic_name());
  if (!topic) return lost;
  const auto& partition = topic->partition(PartitionIndex(0));
  for (auto next = partition.start(); next < partition.high_watermark();) {
    const auto seek = log::Seek::to(next);
    const auto batches = partition.read_stored(seek, kReadBytes);
    if (!batches && batches.error().code() != ErrorCode::Corrupt) return batches.error();
    if (!batches) {
      MYELIN_TRY(behind, partition.behind_damage(seek));
      // Where nothing more can be told apart, the rest is lost.
      const auto to = behind > next ? behind : partition.high_watermark();
      lost.push_back({next, Offset(to.value - 1), batches.error().message()});
      next = to;
      continue;
    }
    if (batches->empty()) break;
    for (const auto& batch : *batches) {
      if (const auto loaded = load_batch(batch.bytes, coordinator); !loaded)
        lost.push_back({batch.base_offset, batch.last_offset, loaded.error().message()});
    }
    next = batches->back().last_offset + 1;
  }
  return lost;
}

void GroupLog::append(std::vector<GroupRecord> records,
                      std::move_only_function<void(Status)> done) {
  const auto waiter = std::make_shared<Done>(std::move(done));
  auto topic = broker_.ensure(topic_name());
  if (!topic) return waiter->refuse(std::move(topic).error());
  kafka::RecordBatchBuilder builder;
  const auto now = to_ms(broker_.log().clock().now());
  for (const auto& record : records) {
    if (auto added = builder.add(now, record.key, record.value); !added)
      return waiter->refuse(std::move(added).error());
  }
  auto queued = broker_.append({{*topic, PartitionIndex(0), builder.finish()}}, waiter);
  if (!queued) waiter->refuse(std::move(queued).error());
}

}  // namespace myelin::broker
