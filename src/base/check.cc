#include "base/check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace myelin {
namespace {

void write_line(const std::string& line) {
  // Straight to the descriptor: the logger may be what broke.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

void check_failed(std::string_view condition, std::string_view message, const char* file,
                  int line) {
  write_line(std::string(file) + ":" + std::to_string(line) +
             ": check failed: " + std::string(condition) + ": " + std::string(message) + "\n");
  std::abort();
}

void fatal(std::string_view message) {
  write_line("myelin: fatal: " + std::string(message) + "\n");
  std::_Exit(kExitFatal);
}

}  // namespace myelin
