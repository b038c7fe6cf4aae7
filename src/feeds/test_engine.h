// TestEngine: the embedded bus on a folder of its own, for tests of doors.
//
// The runtime and the clock outlive it. The folder goes with it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "bus/embedded.h"

namespace myelin::feeds {

class TestEngine {
 public:
  TestEngine(io::Runtime& runtime, const Clock& clock, std::uint32_t topics_max = 1000)
      : runtime_(runtime), clock_(clock), topics_max_(topics_max) {
    std::string pattern = (std::filesystem::temp_directory_path() / "myelin-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    start();
  }
  ~TestEngine() {
    stop();
    std::filesystem::remove_all(directory_);
  }
  TestEngine(const TestEngine&) = delete;
  TestEngine& operator=(const TestEngine&) = delete;

  bus::Bus& bus() { return *bus_; }

  // A restart keeps what is durable; nothing of the old bus may be in use.
  void restart() {
    stop();
    start();
  }
  // What is appended from here on, or waits, does not become durable.
  void close() { EXPECT_TRUE(broker_->close()); }

 private:
  void start() {
    log::Options options;
    options.directory = directory_;
    options.journal_file_bytes = 4u << 20;
    options.fail = [](const std::string& why) { ADD_FAILURE() << why; };
    auto broker = broker::Broker::open(*disk_, clock_, random_, options,
                                       {.topics_max = topics_max_, .partitions_default = 1});
    ASSERT_TRUE(broker) << broker.error().message();
    broker_ = std::move(broker).value();
    bus_ = bus::make_embedded_bus(runtime_, *broker_, clock_);
  }
  void stop() {
    bus_.reset();
    broker_.reset();
  }

  io::Runtime& runtime_;
  const Clock& clock_;
  const std::uint32_t topics_max_;
  SystemRandom random_;
  std::string directory_;
  std::unique_ptr<log::Disk> disk_ = log::make_posix_disk();
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<bus::Bus> bus_;
};

}  // namespace myelin::feeds
