// BrokerOnSimDisk: a broker for tests, on a disk in memory; opened and closed as often as a test
// likes.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "broker/broker.h"
#include "log/sim_disk.h"

namespace myelin::broker {

class BrokerOnSimDisk {
 public:
  explicit BrokerOnSimDisk(const Clock& clock) : clock_(clock) {}

  void open(Settings settings) {
    log::Options options;
    options.directory = "/data";
    options.journal_file_bytes = 1u << 20;
    options.flush_interval = std::chrono::milliseconds(20);
    options.tail_interval = std::chrono::milliseconds(5);
    options.fail = [](const std::string&) {};
    auto opened = Broker::open(disk_, clock_, random_, options, std::move(settings));
    ASSERT_TRUE(opened) << opened.error().message();
    broker_ = std::move(*opened);
  }
  void close() { broker_.reset(); }

  // Everything moves from memory to segments.
  void settle() { ASSERT_TRUE(broker_->log().checkpoint()); }
  void fill_disk() {
    disk_.set_free_bytes(0);
    settle();
  }
  void empty_disk() {
    disk_.set_free_bytes(1ull << 40);
    settle();
  }
  // One bit of a file changes.
  void flip(const std::string& path, std::size_t byte) {
    auto content = disk_.content(path);
    ASSERT_LT(byte, content.size()) << path;
    content[byte] ^= 1;
    disk_.set_content(path, std::move(content));
  }
  Broker& get() { return *broker_; }

 private:
  const Clock& clock_;
  SystemRandom random_;
  log::SimDisk disk_;
  std::unique_ptr<Broker> broker_;
};

}  // namespace myelin::broker
