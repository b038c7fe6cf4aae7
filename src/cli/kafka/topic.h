// `myelin topic`: the topics of any Kafka, looked at and changed.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace myelin::cli::kafka {

inline constexpr std::string_view kTopicName = "topic";
inline constexpr std::string_view kTopicSummary =
    "Lists, shows, creates, changes and deletes topics of any Kafka.";

// How both commands of this folder end.
enum Exit : int {
  kDone = 0,
  kNotDone = 1,  // The broker is away, refused something, or --yes would change something.
  kUsage = 2,    // Wrong arguments: nothing was asked of a broker.
};

// `args` are what follows the command's name. Blocks until done; Ctrl-C ends the process.
int run_topic(std::span<const std::string> args, std::FILE* out, std::FILE* err);

}  // namespace myelin::cli::kafka
