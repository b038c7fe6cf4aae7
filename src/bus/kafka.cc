#include "bus/kafka.h"

#include <fmt/format.h>

#include <atomic>
#include <set>

#include "broker/matcher.h"
#include "bus/kafka_cluster.h"
#include "bus/kafka_fetcher.h"
#include "bus/kafka_producer.h"
#include "bus/kafka_subscription.h"
#include "bus/kafka_topics.h"
#include "io/blocking_pool.h"
#include "io/run_blocking.h"
#include "io/task_scope.h"

namespace myelin::bus {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kPoolThreads = 3;
constexpr milliseconds kReadFetchWait{20};

// The consumers of reads: as many as one partition is read by at one time.
class KafkaReaders {
 public:
  explicit KafkaReaders(const KafkaCluster& cluster) : cluster_(cluster) {}

  // Blocks when another consumer is needed.
  Result<std::shared_ptr<KafkaConsumer>> take(const KafkaPartition& partition)
      MYELIN_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    for (auto& reader : readers_) {
      if (reader.busy.insert(partition).second) return reader.consumer;
    }
    MYELIN_TRY(consumer, KafkaConsumer::open(cluster_, kReadFetchWait));
    readers_.push_back({consumer, {partition}});
    return consumer;
  }
  void give_back(const std::shared_ptr<KafkaConsumer>& consumer, const KafkaPartition& partition)
      MYELIN_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    for (auto& reader : readers_) {
      if (reader.consumer == consumer) reader.busy.erase(partition);
    }
  }

 private:
  struct Reader {
    std::shared_ptr<KafkaConsumer> consumer;
    std::set<KafkaPartition> busy;
  };

  const KafkaCluster& cluster_;
  Mutex mutex_;
  std::vector<Reader> readers_ MYELIN_GUARDED_BY(mutex_);
};

// One read of one partition. When it goes, the partition is stopped on the pool and is free then.
class KafkaReading {
 public:
  KafkaReading(const KafkaCluster& cluster, KafkaReaders& readers, io::BlockingPool& pool,
               std::shared_ptr<KafkaConsumer> consumer, KafkaPartition partition)
      : readers_(readers),
        pool_(pool),
        consumer_(std::move(consumer)),
        partition_(std::move(partition)),
        fetcher_(std::make_shared<KafkaFetcher>(cluster, consumer_)) {}
  KafkaReading(const KafkaReading&) = delete;
  KafkaReading& operator=(const KafkaReading&) = delete;
  ~KafkaReading() {
    pool_.submit([&readers = readers_, consumer = std::move(consumer_),
                  partition = std::move(partition_), fetcher = std::move(fetcher_)]() mutable {
      fetcher.reset();
      readers.give_back(consumer, partition);
    });
  }

  KafkaFetcher& fetcher() { return *fetcher_; }
  Status start(Offset offset) { return fetcher_->start(partition_, offset.value); }

 private:
  KafkaReaders& readers_;
  io::BlockingPool& pool_;
  std::shared_ptr<KafkaConsumer> consumer_;
  KafkaPartition partition_;
  std::shared_ptr<KafkaFetcher> fetcher_;
};

class KafkaBus final : public Bus, public Topics {
 public:
  KafkaBus(io::Runtime& runtime, const Clock& clock, KafkaBusOptions options)
      : logger_(runtime.logger()),
        clock_(clock),
        cluster_(std::move(options)),
        scope_(runtime, "kafka-bus") {}
  ~KafkaBus() override {
    cluster_.abandon();
    scope_.cancel();
  }
  Status start();

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
  struct Bounds {
    KafkaOffsets starts;
    KafkaOffsets ends;
  };

  io::Task<Result<Bounds>> bounds(std::vector<KafkaPartition> partitions);
  io::Task<Status> check_place(TopicPartition from);
  io::Task<Result<Batches>> fetch(KafkaReading& reading, std::size_t bytes_max, SteadyTime due);
  io::Task<Result<std::vector<TopicDescription>>> describe_all(
      std::vector<std::pair<std::string, KafkaTopicEntry>> topics);

  Logger& logger_;
  const Clock& clock_;
  KafkaCluster cluster_;
  KafkaReaders readers_{cluster_};
  std::atomic<std::size_t> subscriptions_ = 0;
  std::atomic<std::size_t> reads_ = 0;
  std::unique_ptr<KafkaProducer> producer_;
  // Jobs that still wait end with it, before what they use.
  io::BlockingPool pool_{kPoolThreads};
  std::unique_ptr<KafkaTopics> topics_;
  io::TaskScope scope_;
};

Status KafkaBus::start() {
  MYELIN_TRY(producer, KafkaProducer::open(cluster_, logger_));
  producer_ = std::move(producer);
  topics_ = std::make_unique<KafkaTopics>(cluster_, *producer_, pool_, logger_);
  scope_.spawn("kafka.reports", producer_->take_reports());
  scope_.spawn("kafka.topics", topics_->keep());
  return {};
}

Result<Receipt> KafkaBus::append(const Context&, WriteSet writes) {
  if (writes.records.empty()) return Error(ErrorCode::InvalidInput, "a write set without records");
  auto& record = writes.records.front();
  if (writes.records.size() > 1) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("topic {}: a write set of {} records; on Kafka it may have one so far",
                             record.topic.full(), writes.records.size()));
  }
  MYELIN_TRY_VOID(broker::check_topic_name(record.topic));
  if (broker::is_internal(record.topic.name)) {
    return Error(ErrorCode::Forbidden,
                 fmt::format("topic {} is the server's own", record.topic.full()));
  }
  auto receipt = std::make_shared<KafkaReceipt>();
  MYELIN_TRY_VOID(topics_->append(std::move(record), receipt));
  return Receipt(std::move(receipt));
}

Status KafkaBus::ensure(const Context&, const TopicName& name) {
  MYELIN_TRY_VOID(broker::check_topic_name(name));
  return topics_->ensure(name);
}

io::Task<Result<KafkaBus::Bounds>> KafkaBus::bounds(std::vector<KafkaPartition> partitions) {
  co_return co_await io::run_blocking(pool_, [&]() -> Result<Bounds> {
    MYELIN_TRY(starts,
               cluster_.ask_offsets(producer_->handle(), partitions, RD_KAFKA_OFFSET_BEGINNING));
    MYELIN_TRY(ends, cluster_.ask_offsets(producer_->handle(), partitions, RD_KAFKA_OFFSET_END));
    return Bounds{std::move(starts), std::move(ends)};
  });
}

io::Task<Result<std::vector<TopicDescription>>> KafkaBus::describe_all(
    std::vector<std::pair<std::string, KafkaTopicEntry>> topics) {
  std::vector<KafkaPartition> partitions;
  for (const auto& [name, entry] : topics) {
    for (std::int32_t i = 0; i < entry.partitions; ++i) partitions.push_back({name, i});
  }
  MYELIN_CO_TRY(bounds, co_await this->bounds(std::move(partitions)));
  std::vector<TopicDescription> described;
  for (const auto& [name, entry] : topics) {
    TopicDescription one{TopicName::from_full(name), {}, {}};
    for (std::int32_t i = 0; i < entry.partitions; ++i) {
      const auto start = bounds.starts.find({name, i});
      const auto end = bounds.ends.find({name, i});
      if (start == bounds.starts.end() || end == bounds.ends.end()) break;  // Removed just now.
      one.partitions.push_back({Offset(start->second), Offset(end->second)});
    }
    if (!one.partitions.empty()) described.push_back(std::move(one));
  }
  co_return described;
}

io::Task<Result<TopicDescription>> KafkaBus::describe(Context, TopicName name) {
  const auto full = name.full();
  MYELIN_CO_TRY(topics, co_await topics_->ask());
  std::vector<TopicDescription> described;
  if (const auto found = topics->find(full); found != topics->end()) {
    MYELIN_CO_TRY(all, co_await describe_all({*found}));
    described = std::move(all);
  }
  if (described.empty()) co_return Error(ErrorCode::NotFound, fmt::format("no topic {}", full));
  co_return std::move(described.front());
}

io::Task<Result<std::vector<TopicDescription>>> KafkaBus::list(Context context,
                                                               std::string pattern) {
  const broker::Matcher matcher{context.tenant, {std::move(pattern)}};
  MYELIN_CO_TRY(topics, co_await topics_->ask());
  std::vector<std::pair<std::string, KafkaTopicEntry>> matching;
  for (const auto& topic : *topics) {
    if (matcher.matches(TopicName::from_full(topic.first))) matching.push_back(topic);
  }
  co_return co_await describe_all(std::move(matching));
}

io::Task<Status> KafkaBus::check_place(TopicPartition from) {
  const auto full = from.topic.full();
  const auto holds = [&](const KafkaTopicMap& topics) {
    const auto found = topics.find(full);
    return found != topics.end() && from.partition.value >= 0 &&
           from.partition.value < found->second.partitions;
  };
  if (holds(*topics_->known())) co_return Status();
  MYELIN_CO_TRY(topics, co_await topics_->ask());
  if (holds(*topics)) co_return Status();
  co_return Error(ErrorCode::NotFound,
                  fmt::format("no topic {} with a partition {}", full, from.partition.value));
}

io::Task<Result<Batches>> KafkaBus::fetch(KafkaReading& reading, std::size_t bytes_max,
                                          SteadyTime due) {
  for (;;) {
    auto fetched = reading.fetcher().take(bytes_max);
    if (!fetched.messages.empty()) co_return batches_of(fetched.messages);
    if (fetched.error) co_return *std::move(fetched.error);
    if (!fetched.outside.empty()) {
      co_return Error(
          ErrorCode::InvalidInput,
          fmt::format("topic {}, partition {}: the offset was removed just now",
                      fetched.outside.front().topic, fetched.outside.front().partition));
    }
    const bool more = co_await reading.fetcher().event().wait_until(due);
    if (!more) co_return Batches();
  }
}

io::Task<Result<Batches>> KafkaBus::read(Context, TopicPartition from, Offset offset,
                                         ReadLimits limits) {
  auto place = KafkaPlaceTaken::take(reads_, cluster_.options().reads_max);
  if (!place) co_return Error(ErrorCode::Exhausted, "too many reads at one time");
  MYELIN_CO_TRY_VOID(co_await check_place(from));
  const KafkaPartition partition{from.topic.full(), from.partition.value};
  MYELIN_CO_TRY(bounds, co_await this->bounds({partition}));
  const auto start = bounds.starts.find(partition);
  const auto end = bounds.ends.find(partition);
  if (start == bounds.starts.end() || end == bounds.ends.end())
    co_return Error(ErrorCode::NotFound, fmt::format("no topic {}", partition.topic));
  if (offset.value < start->second || offset.value > end->second) {
    co_return Error(
        ErrorCode::InvalidInput,
        fmt::format("offset {} of topic {} partition {} is outside of {} to {}", offset.value,
                    partition.topic, partition.partition, start->second, end->second));
  }
  const bool at_end = offset.value == end->second;
  if (at_end && limits.wait_max.count() <= 0) co_return Batches();
  MYELIN_CO_TRY(consumer,
                co_await io::run_blocking(pool_, [&] { return readers_.take(partition); }));
  KafkaReading reading(cluster_, readers_, pool_, std::move(consumer), partition);
  MYELIN_CO_TRY_VOID(reading.start(offset));
  const auto wait = at_end ? limits.wait_max : cluster_.options().request_timeout;
  auto batches = co_await fetch(reading, limits.bytes_max, clock_.steady() + wait);
  if (batches && batches->empty() && !at_end)
    co_return cluster_.error("topic " + partition.topic, RD_KAFKA_RESP_ERR__TIMED_OUT);
  co_return batches;
}

io::Task<Result<std::unique_ptr<Subscription>>> KafkaBus::subscribe(Context context,
                                                                    SubscribeOptions options) {
  auto place = KafkaPlaceTaken::take(subscriptions_, cluster_.options().subscriptions_max);
  if (!place) {
    co_return Error(ErrorCode::Exhausted,
                    fmt::format("{} subscriptions to Kafka are open, as many as there may be",
                                cluster_.options().subscriptions_max));
  }
  co_return co_await KafkaSubscription::open({cluster_, *topics_, producer_->handle(), pool_},
                                             *std::move(place), std::move(context),
                                             std::move(options));
}

}  // namespace

Result<std::unique_ptr<Bus>> make_kafka_bus(io::Runtime& runtime, const Clock& clock,
                                            KafkaBusOptions options) {
  auto bus = std::make_unique<KafkaBus>(runtime, clock, std::move(options));
  MYELIN_TRY_VOID(bus->start());
  return std::unique_ptr<Bus>(std::move(bus));
}

}  // namespace myelin::bus
