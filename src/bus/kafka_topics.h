// KafkaTopics: what is known of the cluster's topics, and the making of new ones.
//
// One task of the bus asks the cluster for its topics: every topics_refresh, when somebody asks for
// it, and when there is a topic to make. Everybody else looks at the list it keeps. Records for a
// topic that is not there yet wait here, in their order, until it is, or are told why not.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "bus/kafka_cluster.h"
#include "bus/kafka_producer.h"
#include "io/blocking_pool.h"
#include "io/event_descriptor.h"
#include "io/notifier.h"
#include "io/one_shot.h"

namespace myelin::bus {

struct KafkaTopicEntry {
  std::int32_t partitions = 0;
  // Rises when the topic is seen again after it had gone: then it is another one of its name.
  std::uint64_t incarnation = 0;
  friend bool operator==(const KafkaTopicEntry&, const KafkaTopicEntry&) = default;
};

// By full name.
using KafkaTopicMap = std::map<std::string, KafkaTopicEntry, std::less<>>;

// Thread-safe; its mutex is held for memory work and for librdkafka's own queue of records.
class KafkaTopics {
 public:
  // All of it outlives the topics.
  KafkaTopics(KafkaCluster& cluster, KafkaProducer& producer, io::BlockingPool& pool,
              Logger& logger);
  KafkaTopics(const KafkaTopics&) = delete;
  KafkaTopics& operator=(const KafkaTopics&) = delete;
  // After keep()'s scope has ended. Records that still wait say Canceled.
  ~KafkaTopics();

  // The one task of its kind; runs until it is canceled.
  io::Task<void> keep();

  // Hands the record to the producer, or keeps it until its topic is made. Errors as Bus::append.
  Status append(Record record, const std::shared_ptr<KafkaReceipt>& receipt)
      MYELIN_EXCLUDES(mutex_);
  Status ensure(const TopicName& name) MYELIN_EXCLUDES(mutex_);

  // As it was at the last answer.
  std::shared_ptr<const KafkaTopicMap> known() const MYELIN_EXCLUDES(mutex_);
  // What the cluster says to a question that is asked after this call.
  io::Task<Result<std::shared_ptr<const KafkaTopicMap>>> ask() MYELIN_EXCLUDES(mutex_);

  // Raises the event when the list has changed, until it is told no more.
  void tell(io::EventDescriptor& event) MYELIN_EXCLUDES(mutex_);
  void tell_no_more(io::EventDescriptor& event) MYELIN_EXCLUDES(mutex_);

 private:
  struct Waiting {
    Record record;
    std::shared_ptr<KafkaReceipt> receipt;
  };
  // A topic to be made, and what is for it.
  struct Making {
    std::deque<Waiting> records;
  };
  using Waiters = std::vector<std::shared_ptr<io::OneShot<Status>>>;
  struct Round {
    std::vector<std::string> names;  // To be made.
    Waiters waiters;
  };
  struct Answer {
    std::vector<Status> made;  // By the round's names.
    Result<std::map<std::string, std::int32_t>> topics;
  };

  Status check_limits(const std::string& topic, std::size_t bytes) MYELIN_REQUIRES(mutex_);
  Status check_partition(const Record& record, const std::string& topic) MYELIN_REQUIRES(mutex_);
  Round take_round() MYELIN_EXCLUDES(mutex_);
  Answer ask_cluster(const Round& round);
  void take_answer(Round round, Answer answer) MYELIN_EXCLUDES(mutex_);
  void take_topics(const std::map<std::string, std::int32_t>& topics) MYELIN_REQUIRES(mutex_);
  void release(const std::string& topic, io::WakeupBatch& batch) MYELIN_REQUIRES(mutex_);
  void refuse(const std::string& topic, const Error& error, io::WakeupBatch& batch)
      MYELIN_REQUIRES(mutex_);
  void log_reach(const Status& answered);

  KafkaCluster& cluster_;
  KafkaProducer& producer_;
  io::BlockingPool& pool_;
  Logger& logger_;
  io::Notifier wanted_;
  bool reached_ = true;  // Of keep() alone.

  mutable Mutex mutex_;
  std::shared_ptr<const KafkaTopicMap> known_ MYELIN_GUARDED_BY(mutex_);
  std::map<std::string, std::uint64_t> gone_ MYELIN_GUARDED_BY(mutex_);  // Their incarnations.
  std::map<std::string, Making> making_ MYELIN_GUARDED_BY(mutex_);
  std::size_t waiting_bytes_ MYELIN_GUARDED_BY(mutex_) = 0;
  Waiters waiters_ MYELIN_GUARDED_BY(mutex_);
  std::set<io::EventDescriptor*> told_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::bus
