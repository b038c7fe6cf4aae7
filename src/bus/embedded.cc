#include "bus/embedded.h"

#include <fmt/format.h>

#include <atomic>
#include <map>

#include "broker/commit_reader.h"
#include "bus/partitioner.h"
#include "formats/kafka/record_batch.h"
#include "io/one_shot.h"

namespace myelin::bus {
namespace {

using broker::TopicPtr;

// Records of one WriteSet that share a partition, as one batch.
struct Group {
  TopicPtr topic;
  PartitionIndex partition;
  std::vector<std::size_t> records;  // Their places in the WriteSet.
};

// The log's waiter and the receipt's state in one allocation.
class EmbeddedReceipt final : public Receipt::State,
                              public log::AppendWaiter,
                              public std::enable_shared_from_this<EmbeddedReceipt> {
 public:
  EmbeddedReceipt(broker::Broker& broker, std::vector<Group> groups, std::size_t records)
      : broker_(broker), groups_(std::move(groups)), positions_(records) {}

  void numbered(const std::vector<log::BatchOutcome>& outcomes) override {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      auto next = outcomes[g].base_offset;
      for (const auto record : groups_[g].records) {
        positions_[record] = {groups_[g].partition, next};
        next = next + 1;
      }
    }
  }
  void completed(Result<broker::CommitNumber> commit) override {
    if (commit) {
      done_.set(std::move(positions_), broker_.wakeups());
    } else {
      done_.set(std::move(commit).error(), broker_.wakeups());
    }
  }
  bool ready() const override { return done_.ready(); }
  io::Task<Result<Positions>> durable() override { return wait(shared_from_this()); }

 private:
  static io::Task<Result<Positions>> wait(std::shared_ptr<EmbeddedReceipt> self) {
    co_return co_await self->done_.wait();
  }

  broker::Broker& broker_;
  const std::vector<Group> groups_;
  Positions positions_;
  io::OneShot<Result<Positions>> done_;
};

std::shared_ptr<const TopicName> shared_name(const TopicPtr& topic) {
  return {topic, &topic->name};
}

Result<std::string> encode(const std::vector<Record>& records, const Group& group) {
  std::size_t bytes = 0;
  for (const auto i : group.records) {
    bytes += records[i].value ? records[i].value->size() + 256 : 256;
  }
  kafka::RecordBatchBuilder builder(bytes);
  std::vector<kafka::Header> headers;
  for (const auto i : group.records) {
    const auto& record = records[i];
    headers.clear();
    for (const auto& header : record.headers) headers.push_back({header.key, header.value});
    MYELIN_TRY_VOID(builder.add(to_ms(record.timestamp), record.key, record.value, headers));
  }
  return builder.finish();
}

class EmbeddedSubscription final : public Subscription {
 public:
  EmbeddedSubscription(io::Runtime& runtime, broker::Broker& broker, const Clock& clock,
                       broker::CommitReader reader, std::optional<std::string> gap,
                       std::shared_ptr<broker::Subscriber> subscriber, std::size_t bytes_max)
      : runtime_(runtime),
        broker_(broker),
        clock_(clock),
        reader_(std::move(reader)),
        start_(reader_.position()),
        gap_(std::move(gap)),
        subscriber_(std::move(subscriber)),
        bytes_max_(bytes_max) {}
  ~EmbeddedSubscription() override { broker_.subscribers().remove(subscriber_); }

  io::Task<Result<Batches>> next(std::chrono::milliseconds wait_max) override {
    const auto due = clock_.steady() + wait_max;
    for (;;) {
      auto live = reader_.next_live(bytes_max_);
      if (live && !live->empty()) co_return batches_of(*live);
      if (!live) {
        auto stored =
            co_await runtime_.blocking([this] { return reader_.next_stored(bytes_max_); });
        if (!stored) co_return std::move(stored).error();
        note_gaps();
        if (!stored->empty()) co_return batches_of(*stored);
        continue;
      }
      const bool more = co_await subscriber_->notifier.wait_until(due);
      if (!more) co_return Batches();
    }
  }

  bool wants(const Batch& batch, std::uint32_t record) const override {
    return broker::CommitPosition{batch.ref.commit, batch.ref.first_record + record} > start_;
  }

  std::optional<std::string> take_gap() override { return std::exchange(gap_, std::nullopt); }

  std::string cursor(const Batch& batch, std::uint32_t record) const override {
    return broker::format_cursor(broker_.log().directory_id(),
                                 {batch.ref.commit, batch.ref.first_record + record});
  }

 private:
  void note_gaps() {
    for (const auto& gap : reader_.take_gaps()) gap_ = gap_ ? *gap_ + "; " + gap : gap;
  }

  static Batches batches_of(std::vector<broker::TopicBatchRef>& found) {
    Batches batches;
    batches.reserve(found.size());
    for (auto& item : found) batches.push_back({shared_name(item.topic), std::move(item.batch)});
    return batches;
  }

  io::Runtime& runtime_;
  broker::Broker& broker_;
  const Clock& clock_;
  broker::CommitReader reader_;
  const broker::CommitPosition start_;
  std::optional<std::string> gap_;
  const std::shared_ptr<broker::Subscriber> subscriber_;
  const std::size_t bytes_max_;
};

class EmbeddedBus final : public Bus, public Topics {
 public:
  EmbeddedBus(io::Runtime& runtime, broker::Broker& broker, const Clock& clock)
      : runtime_(runtime), broker_(broker), clock_(clock) {}

  Result<Receipt> append(const Context& context, WriteSet writes) override;
  io::Task<Result<Batches>> read(Context context, TopicPartition from, Offset offset,
                                 ReadLimits limits) override;
  io::Task<Result<std::unique_ptr<Subscription>>> subscribe(Context context,
                                                            SubscribeOptions options) override;
  Topics& topics() override { return *this; }

  Status ensure(const Context& context, const TopicName& name) override;
  io::Task<Result<TopicDescription>> describe(Context context, TopicName name) override;
  io::Task<Result<std::vector<TopicDescription>>> list(Context context,
                                                       std::string pattern) override;

 private:
  static TopicDescription description(const broker::Topic& topic);
  Result<std::vector<Group>> group(const std::vector<Record>& records);
  struct Begun {
    broker::CommitReader reader;
    std::optional<std::string> gap;
  };
  io::Task<Result<Begun>> begin(broker::Matcher matcher, Start start);
  Result<Begun> begin_blocking(const broker::Matcher& matcher, const Start& start);
  Result<broker::CommitReader> reader_at(const broker::Matcher& matcher, const Start& start);
  Result<std::optional<std::string>> gap_behind(const broker::Matcher& matcher,
                                                const broker::CommitPosition& position);
  io::Task<bool> wait_for_more(log::Partition& partition, TopicName name, Offset offset,
                               std::chrono::milliseconds wait_max);

  io::Runtime& runtime_;
  broker::Broker& broker_;
  const Clock& clock_;
  std::atomic<std::uint32_t> keyless_ = 0;  // Records without key and partition go round.
};

Result<std::vector<Group>> EmbeddedBus::group(const std::vector<Record>& records) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    if (broker::is_internal(record.topic.name)) {
      return Error(ErrorCode::Forbidden,
                   fmt::format("topic {} is the server's own", record.topic.full()));
    }
    MYELIN_TRY(topic, broker_.ensure(record.topic));
    const auto count = topic->partition_count();
    const auto partition =
        record.partition ? *record.partition
        : record.key
            ? partition_of_key(*record.key, count)
            : PartitionIndex(count == 1 ? 0
                                        : static_cast<std::int32_t>(
                                              keyless_++ % static_cast<std::uint32_t>(count)));
    if (partition.value < 0 || partition.value >= count) {
      return Error(ErrorCode::InvalidInput, fmt::format("topic {} has no partition {}",
                                                        record.topic.full(), partition.value));
    }
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      return group.topic == topic && group.partition == partition;
    });
    if (same != groups.end()) {
      same->records.push_back(i);
    } else {
      groups.push_back({std::move(topic), partition, {i}});
    }
  }
  return groups;
}

Result<Receipt> EmbeddedBus::append(const Context&, WriteSet writes) {
  if (writes.records.empty()) return Error(ErrorCode::InvalidInput, "a write set without records");
  MYELIN_TRY(groups, group(writes.records));
  std::vector<broker::TopicBatch> batches;
  batches.reserve(groups.size());
  for (const auto& group : groups) {
    MYELIN_TRY(bytes, encode(writes.records, group));
    batches.push_back({group.topic, group.partition, std::move(bytes)});
  }
  auto receipt =
      std::make_shared<EmbeddedReceipt>(broker_, std::move(groups), writes.records.size());
  MYELIN_TRY(outcomes, broker_.append(std::move(batches), receipt));
  return Receipt(std::move(receipt));
}

io::Task<bool> EmbeddedBus::wait_for_more(log::Partition& partition, TopicName name, Offset offset,
                                          std::chrono::milliseconds wait_max) {
  const auto due = clock_.steady() + wait_max;
  const auto subscriber =
      std::make_shared<broker::Subscriber>(broker::Matcher{name.tenant, {name.name}});
  broker_.subscribers().add(subscriber);
  struct Registration {
    broker::Broker& broker;
    const std::shared_ptr<broker::Subscriber>& subscriber;
    ~Registration() { broker.subscribers().remove(subscriber); }
  } registration{broker_, subscriber};
  while (partition.high_watermark() <= offset) {
    const bool more = co_await subscriber->notifier.wait_until(due);
    if (!more) co_return false;
  }
  co_return true;
}

io::Task<Result<Batches>> EmbeddedBus::read(Context, TopicPartition from, Offset offset,
                                            ReadLimits limits) {
  const auto topic = broker_.find(from.topic);
  if (!topic || from.partition.value < 0 || from.partition.value >= topic->partition_count()) {
    co_return Error(ErrorCode::NotFound, fmt::format("no topic {} with a partition {}",
                                                     from.topic.full(), from.partition.value));
  }
  auto& partition = topic->partition(from.partition);
  if (offset < partition.start() || offset > partition.high_watermark()) {
    co_return Error(ErrorCode::InvalidInput,
                    fmt::format("offset {} of topic {} partition {} is outside of {} to {}",
                                offset.value, from.topic.full(), from.partition.value,
                                partition.start().value, partition.high_watermark().value));
  }
  if (offset == partition.high_watermark()) {
    const bool more = limits.wait_max.count() > 0 &&
                      co_await wait_for_more(partition, from.topic, offset, limits.wait_max);
    if (!more) co_return Batches();
  }
  const auto seek = log::Seek::to(offset);
  auto found = partition.read_buffered(seek, limits.bytes_max);
  if (!found) {
    auto stored =
        co_await runtime_.blocking([&] { return partition.read_stored(seek, limits.bytes_max); });
    if (!stored) co_return std::move(stored).error().with_context("topic " + from.topic.full());
    found = std::move(*stored);
  }
  Batches batches;
  for (auto& batch : *found) batches.push_back({shared_name(topic), std::move(batch)});
  co_return batches;
}

io::Task<Result<std::unique_ptr<Subscription>>> EmbeddedBus::subscribe(Context context,
                                                                       SubscribeOptions options) {
  broker::Matcher matcher{context.tenant, std::move(options.patterns)};
  // Registered before the position is taken, so that no commit falls between the two.
  const auto subscriber = std::make_shared<broker::Subscriber>(matcher);
  broker_.subscribers().add(subscriber);
  auto begun = co_await begin(matcher, std::move(options.start));
  if (!begun) {
    broker_.subscribers().remove(subscriber);
    co_return std::move(begun).error();
  }
  co_return std::unique_ptr<Subscription>(std::make_unique<EmbeddedSubscription>(
      runtime_, broker_, clock_, std::move(begun->reader), std::move(begun->gap), subscriber,
      options.batch_bytes_max));
}

io::Task<Result<EmbeddedBus::Begun>> EmbeddedBus::begin(broker::Matcher matcher, Start start) {
  // Only these two look at stored records.
  if (std::holds_alternative<FromNow>(start) || std::holds_alternative<FromEarliest>(start)) {
    co_return begin_blocking(matcher, start);
  }
  co_return co_await runtime_.blocking([&] { return begin_blocking(matcher, start); });
}

Result<EmbeddedBus::Begun> EmbeddedBus::begin_blocking(const broker::Matcher& matcher,
                                                       const Start& start) {
  MYELIN_TRY(reader, reader_at(matcher, start));
  Begun begun{std::move(reader), std::nullopt};
  if (std::holds_alternative<FromCursor>(start)) {
    MYELIN_TRY(gap, gap_behind(matcher, begun.reader.position()));
    begun.gap = std::move(gap);
  }
  return begun;
}

Result<broker::CommitReader> EmbeddedBus::reader_at(const broker::Matcher& matcher,
                                                    const Start& start) {
  const auto visible = broker_.log().visible();
  broker::CommitPosition position{visible, broker::kWholeCommit};
  if (std::holds_alternative<FromEarliest>(start)) position.commit = broker::CommitNumber(0);
  if (const auto* from = std::get_if<FromCursor>(&start)) {
    MYELIN_TRY(parsed, broker::parse_cursor(from->cursor, broker_.log().directory_id(), visible));
    position = parsed;
  }
  broker::CommitReader reader(broker_, matcher, position);
  if (const auto* from = std::get_if<FromTime>(&start)) MYELIN_TRY_VOID(reader.seek(from->time));
  return reader;
}

// What a cursor asks for and retention took away, told by topic.
Result<std::optional<std::string>> EmbeddedBus::gap_behind(const broker::Matcher& matcher,
                                                           const broker::CommitPosition& position) {
  std::string topics;
  for (const auto& topic : broker_.list(matcher)) {
    for (const auto& partition : topic->stored->partitions) {
      if (partition->start().value == 0) continue;
      const auto seek = log::Seek::to(partition->start());
      auto first = partition->read_buffered(seek, 1);
      if (!first) {
        auto stored = partition->read_stored(seek, 1);
        // Damage is passed over and told when it is come to.
        if (!stored && stored.error().code() != ErrorCode::Corrupt) return stored.error();
        first = stored ? std::move(*stored) : std::vector<broker::BatchRef>();
      }
      const bool kept = !first->empty() && first->front().commit <= position.commit;
      if (!kept) topics += (topics.empty() ? "" : ", ") + topic->name.name;
    }
  }
  if (topics.empty()) return std::optional<std::string>();
  return std::optional<std::string>(
      "retention may have removed records after this position from: " + topics);
}

Status EmbeddedBus::ensure(const Context&, const TopicName& name) {
  MYELIN_TRY(topic, broker_.ensure(name));
  return {};
}

TopicDescription EmbeddedBus::description(const broker::Topic& topic) {
  TopicDescription description{topic.name, topic.id(), {}};
  for (const auto& partition : topic.stored->partitions) {
    description.partitions.push_back({partition->start(), partition->high_watermark()});
  }
  return description;
}

io::Task<Result<TopicDescription>> EmbeddedBus::describe(Context, TopicName name) {
  const auto topic = broker_.find(name);
  if (!topic) co_return Error(ErrorCode::NotFound, fmt::format("no topic {}", name.full()));
  co_return description(*topic);
}

io::Task<Result<std::vector<TopicDescription>>> EmbeddedBus::list(Context context,
                                                                  std::string pattern) {
  std::vector<TopicDescription> found;
  for (const auto& topic : broker_.list({context.tenant, {std::move(pattern)}})) {
    found.push_back(description(*topic));
  }
  co_return found;
}

}  // namespace

std::unique_ptr<Bus> make_embedded_bus(io::Runtime& runtime, broker::Broker& broker,
                                       const Clock& clock) {
  return std::make_unique<EmbeddedBus>(runtime, broker, clock);
}

}  // namespace myelin::bus
