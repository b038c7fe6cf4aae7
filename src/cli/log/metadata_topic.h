// What `__myelin_metadata` tells of topics: the server's readable copy of its catalogue, of use
// when the checkpoint is gone.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "log/types.h"

namespace myelin::cli::log_tools {

inline constexpr std::string_view kMetadataTopicName = "__myelin_metadata";
// "6d79656c-696e-4d45-8000-000000000001": fixed, so that it is found in any directory.
log::TopicId metadata_topic_id();

class MetadataTopic {
 public:
  // Takes what the records of a batch that checks say, later ones winning. A record that says
  // nothing of a topic is passed over.
  void read(std::string_view batch);

  // Topics that exist by its account.
  const std::map<log::TopicId, log::TopicSpec>& topics() const { return topics_; }
  // Topics that existed. An id is never used again.
  const std::set<log::TopicId>& deleted() const { return deleted_; }

 private:
  void read_record(std::optional<std::string_view> key, std::optional<std::string_view> value);
  void remove(const log::TopicId& id);

  std::map<log::TopicId, log::TopicSpec> topics_;
  std::set<log::TopicId> deleted_;
};

}  // namespace myelin::cli::log_tools
