// A broker for tests of this module: on a disk that a test damages or cuts the power of, with a
// wall clock that it moves. Nothing reaches segments before settle().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/commit_reader.h"
#include "log/compaction_test_support.h"

namespace myelin::broker {

class TestBroker {
 public:
  explicit TestBroker(Settings with = {}) : settings(std::move(with)) { must_open(); }

  Status open(log::SimDisk* other = nullptr) {
    broker.reset();
    if (other != nullptr) disk = other;
    auto opened = Broker::open(*disk, clock, random_, log::quiet_options(), settings);
    if (!opened) return std::move(opened).error();
    broker = std::move(*opened);
    return {};
  }
  void must_open(log::SimDisk* other = nullptr) {
    const auto status = open(other);
    ASSERT_TRUE(status) << status.error().message();
  }

  static TopicName name(std::string topic) { return {{}, std::move(topic)}; }

  // In one commit, to partition 0 of the topics, made when needed.
  Result<std::vector<BatchOutcome>> append(
      const std::vector<std::pair<std::string, std::string>>& batches) {
    std::vector<TopicBatch> made;
    for (const auto& [topic, bytes] : batches) {
      MYELIN_TRY(found, broker->ensure(name(topic)));
      made.push_back({found, PartitionIndex(0), bytes});
    }
    const auto waiter = std::make_shared<log::TestWaiter>();
    MYELIN_TRY(outcomes, broker->append(std::move(made), waiter));
    const auto commit = waiter->wait();
    if (!commit) return commit.error();
    return outcomes;
  }
  void put(const std::string& topic, std::string key, std::string value) {
    const auto outcomes = append({{topic, log::keyed_batch({{std::move(key), std::move(value)}})}});
    ASSERT_TRUE(outcomes) << outcomes.error().message();
  }

  log::Partition& partition(const std::string& topic) const {
    return broker->find(name(topic))->partition(PartitionIndex(0));
  }
  log::TopicPolicy policy(const std::string& topic) const {
    return *broker->find(name(topic))->stored->policy.get();
  }
  void configure(const std::string& topic, const ConfigChanges& changes) const {
    const auto status = broker->configure(name(topic), changes);
    ASSERT_TRUE(status) << status.error().message();
  }

  // The topic's next record begins a segment, and it is this one; everything is in segments.
  void roll(const std::string& topic) {
    auto& rolled = partition(topic);
    const auto bytes = rolled.segment_bytes.exchange(0);
    put(topic, "roll", "x");
    rolled.segment_bytes = bytes;
    settle();
  }
  void settle() const { ASSERT_TRUE(broker->log().checkpoint()); }
  // Retention, compaction, and files that nothing names any more.
  void keep_house() const {
    log::HousekeepingOptions options;
    options.compaction = log::fast_compaction();
    log::Housekeeper keeper(broker->log(), std::move(options));
    keeper.pass();
    settle();
    keeper.pass();
  }
  void flip(const std::string& path, std::size_t byte) const {
    auto content = disk->content(path);
    ASSERT_LT(byte, content.size()) << path;
    content[byte] ^= 1;
    disk->set_content(path, content);
  }
  std::string log_path(const std::string& topic, std::size_t segment) const {
    auto& of = partition(topic);
    const auto& state = (*of.segments())[segment];
    return log::segment_path(of.directory(), state.base_offset, state.generation,
                             log::SegmentFile::Log);
  }

  log::SimDisk own_disk;
  log::SimDisk* disk = &own_disk;
  log::MovedClock clock;
  Settings settings;
  std::unique_ptr<Broker> broker;

 private:
  SystemRandom random_;
};

}  // namespace myelin::broker
