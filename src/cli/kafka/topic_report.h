// What `myelin topic` prints: tables for people, one JSON document for machines. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/kafka/admin.h"
#include "cli/kafka/cluster.h"

namespace myelin::cli::kafka {

std::string list_table(std::span<const TopicView> topics);
std::string list_json(std::span<const TopicView> topics);
std::string list_names(std::span<const TopicView> topics);

struct Described {
  TopicView topic;
  std::vector<TopicSetting> settings = {};  // What is to be shown of them.
};
std::string describe_text(std::span<const Described> topics);
std::string describe_json(std::span<const Described> topics);

// "created lab"; what failed is told elsewhere.
std::string outcomes_text(std::span<const Outcome> outcomes, std::string_view done);
std::string outcomes_json(std::span<const Outcome> outcomes);

}  // namespace myelin::cli::kafka
