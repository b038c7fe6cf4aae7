// `myelin consume` against librdkafka's own mock of a cluster, over real sockets.
#include "cli/kafka/consume.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <csignal>

#include <thread>

#include "cli/kafka/handles.h"
// Behind rdkafka.h, as it wants to be.
#include <librdkafka/rdkafka_mock.h>

namespace myelin::cli::kafka {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using MockHandle = std::unique_ptr<rd_kafka_mock_cluster_t, FreedBy<rd_kafka_mock_cluster_destroy>>;

KafkaHandle make_producer(const std::string& brokers) {
  ConfHandle conf(rd_kafka_conf_new());
  if (!brokers.empty())
    rd_kafka_conf_set(conf.get(), "bootstrap.servers", brokers.c_str(), nullptr, 0);
  return KafkaHandle(rd_kafka_new(RD_KAFKA_PRODUCER, conf.release(), nullptr, 0));
}

// One broker and a topic "lab" of two partitions.
class Cluster {
 public:
  Cluster() : owner_(make_producer({})), mock_(rd_kafka_mock_cluster_new(owner_.get(), 1)) {
    rd_kafka_mock_topic_create(mock_.get(), "lab", 2, 1);
    producer_ = make_producer(brokers());
  }

  std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(mock_.get()); }

  void produce(int partition, const std::string& value) {
    using TopicHandle = std::unique_ptr<rd_kafka_topic_t, FreedBy<rd_kafka_topic_destroy>>;
    const TopicHandle topic(rd_kafka_topic_new(producer_.get(), "lab", nullptr));
    rd_kafka_produce(topic.get(), partition, RD_KAFKA_MSG_F_COPY, const_cast<char*>(value.data()),
                     value.size(), nullptr, 0, nullptr);
    EXPECT_EQ(rd_kafka_flush(producer_.get(), 10'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }

 private:
  KafkaHandle owner_;
  MockHandle mock_;
  KafkaHandle producer_;
};

struct Ran {
  int exit = -1;
  std::string out;
  std::string err;
};

std::string text_of(std::FILE* file) {
  std::fseek(file, 0, SEEK_SET);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file))
    text.push_back(static_cast<char>(c));
  std::fclose(file);
  return text;
}

Ran consume(const std::string& brokers, std::vector<std::string> args) {
  args.insert(args.end(), {"--bootstrap", brokers});
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  Ran ran;
  ran.exit = run_consume(args, out, err);
  ran.out = text_of(out);
  ran.err = text_of(err);
  return ran;
}

TEST(Consume, PrintsAPartitionToItsEnd) {
  Cluster cluster;
  for (const auto* value : {"a", "b", "c"}) cluster.produce(1, value);
  const auto ran = consume(cluster.brokers(), {"lab", "--until", "end", "--format", "raw"});
  EXPECT_EQ(ran.exit, kDone);
  EXPECT_EQ(ran.out, "a\nb\nc\n");
  EXPECT_THAT(ran.err, IsEmpty());
}

TEST(Consume, StopsAfterACountAndBeginsWhereTold) {
  Cluster cluster;
  for (const auto* value : {"a", "b", "c", "d"}) cluster.produce(0, value);
  const auto raw = [&](std::vector<std::string> args) {
    args.insert(args.end(), {"lab", "--format", "raw", "--partition", "0"});
    return consume(cluster.brokers(), args).out;
  };
  EXPECT_EQ(raw({"--until", "2"}), "a\nb\n");
  EXPECT_EQ(raw({"--until", "end", "--from", "3"}), "d\n");
  EXPECT_EQ(raw({"--until", "end", "--from", "-2"}), "c\nd\n");
  EXPECT_EQ(raw({"--until", "end", "--from", "end"}), "");
}

TEST(Consume, SaysWhereItBeginsWhenThereIsNoSuchOffset) {
  Cluster cluster;
  cluster.produce(0, "a");
  const auto ran =
      consume(cluster.brokers(), {"lab", "--partition", "0", "--from", "9", "--until", "end"});
  EXPECT_EQ(ran.exit, kDone);
  EXPECT_THAT(ran.err, HasSubstr("topic lab, partition 0 holds offsets 0 to below 1"));
}

TEST(Consume, NamesTheTopicOrPartitionThatIsNotThere) {
  Cluster cluster;
  const auto ran = consume(cluster.brokers(), {"labb"});
  EXPECT_EQ(ran.exit, kNotDone);
  EXPECT_THAT(ran.err,
              StartsWith("myelin consume: " + cluster.brokers() + ": there is no topic labb"));
  EXPECT_THAT(ran.err, HasSubstr("did you mean lab?"));
  EXPECT_THAT(consume(cluster.brokers(), {"lab", "--partition", "7"}).err,
              HasSubstr("topic lab has no partition 7"));
}

TEST(Consume, FollowsUntilItIsInterrupted) {
  Cluster cluster;
  cluster.produce(0, "before");
  const auto self = ::pthread_self();
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::seconds(3));
    ::pthread_kill(self, SIGINT);
  });
  const auto ran = consume(cluster.brokers(), {"lab", "--from", "beginning", "--format", "raw"});
  stopper.join();
  EXPECT_EQ(ran.exit, kDone);
  EXPECT_EQ(ran.out, "before\n");
}

TEST(Consume, GivesUpOnABrokerThatIsNotThere) {
  const auto ran = consume("127.0.0.1:1", {"lab"});
  EXPECT_EQ(ran.exit, kNotDone);
  EXPECT_EQ(ran.err, "myelin consume: 127.0.0.1:1 cannot be reached: Connection refused\n");
}

TEST(Consume, RefusesASettingThatLibrdkafkaDoesNotHave) {
  const auto ran = consume("127.0.0.1:1", {"lab", "-X", "no.such=thing"});
  EXPECT_EQ(ran.exit, kUsage);
  EXPECT_EQ(ran.err, "myelin consume: librdkafka has no setting no.such\n");
}

}  // namespace
}  // namespace myelin::cli::kafka
