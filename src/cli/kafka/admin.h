// Admin: what changes topics, each a request to the cluster and its answer.
//
// Blocks until the broker answered or the connection's timeout has passed. An error of the whole
// request is the Result's; what became of one topic is its Outcome.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/kafka/client.h"
#include "cli/kafka/cluster.h"

namespace myelin::cli::kafka {

enum class Apply : std::uint8_t { Really, CheckOnly };

struct Outcome {
  std::string topic;
  std::optional<std::int32_t> partition = {};  // Where the outcome is one partition's.
  std::optional<std::int64_t> first = {};      // The first offset afterwards, of delete_records.
  std::optional<Error> error = {};
};
using Outcomes = std::vector<Outcome>;

struct NewTopic {
  std::string name;
  int partitions = -1;   // -1: as many as the broker makes by itself.
  int replication = -1;  // Likewise.
  std::vector<Property> settings = {};
};

struct SettingsOf {
  std::string topic;
  std::vector<TopicSetting> settings = {};  // By name.
};

struct Cut {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t before = 0;  // Records below this offset go.
};

class Admin {
 public:
  explicit Admin(Client& client) : client_(client) {}

  Result<Outcomes> create(const std::vector<NewTopic>& topics, Apply apply);
  Result<Outcomes> remove(const std::vector<std::string>& topics);
  Result<Outcomes> add_partitions(const std::vector<std::string>& topics, int total, Apply apply);
  Result<std::vector<SettingsOf>> settings(const std::vector<std::string>& topics);
  // Replaces all of the topic's own settings.
  Result<Outcomes> replace_settings(const std::string& topic, const std::vector<Property>& settings,
                                    Apply apply);
  Result<Outcomes> delete_records(const std::vector<Cut>& cuts);

 private:
  template <class Send>
  Result<EventHandle> ask(rd_kafka_admin_op_t operation, Apply apply, std::string_view what,
                          Send send);
  Outcome outcome_of(std::string_view what, const rd_kafka_topic_result_t& result);

  Client& client_;
};

}  // namespace myelin::cli::kafka
