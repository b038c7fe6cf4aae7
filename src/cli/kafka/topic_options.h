// What `myelin topic` was asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/kafka/connection.h"
#include "cli/kafka/position.h"

namespace myelin::cli::kafka {

enum class TopicVerb : std::uint8_t { List, Describe, Create, Configure, Grow, Trim, Delete };

struct TopicOptions {
  TopicVerb verb = TopicVerb::List;
  Connection connection;
  std::vector<std::string> topics;
  // Of those that only tell, or change. Each verb knows its own flags only.
  bool json = false;
  bool help = false;
  bool names_only = false;                // list
  bool internal = false;                  // list
  bool all_settings = false;              // describe
  bool unless_there = false;              // create
  bool check_only = false;                // create, configure, grow
  bool yes = false;                       // delete, trim
  std::optional<int> partitions;          // create, grow
  std::optional<int> replication;         // create
  std::vector<Property> set;              // create, configure
  std::vector<std::string> unset;         // configure
  std::optional<std::int32_t> partition;  // trim
  Position before;                        // trim
};

// InvalidInput names the flag. `now` is what times such as 15m count back from.
Result<TopicOptions> parse_topic_options(std::span<const std::string> args, Timestamp now);

struct VerbHelp {
  std::string_view name;
  std::string_view summary;
  std::string text;  // Of `myelin topic VERB --help`.
};
// In the order of help.
std::vector<VerbHelp> topic_verbs();
std::string topic_help();
std::string topic_help(TopicVerb verb);

}  // namespace myelin::cli::kafka
