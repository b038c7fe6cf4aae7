// `myelin consume`: the records of topics of any Kafka, printed as they arrive.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "cli/kafka/topic.h"

namespace myelin::cli::kafka {

inline constexpr std::string_view kConsumeName = "consume";
inline constexpr std::string_view kConsumeSummary =
    "Prints the records of topics of any Kafka as they arrive.";

// `args` are what follows the command's name. Blocks until done; SIGINT and SIGTERM end it in order
// and stay blocked in the process until then, so that the second one ends it at once.
int run_consume(std::span<const std::string> args, std::FILE* out, std::FILE* err);

}  // namespace myelin::cli::kafka
