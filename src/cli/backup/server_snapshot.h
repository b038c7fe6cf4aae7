// ServerSnapshot: a snapshot that a running server holds for us, asked for over its admin API.
//
// Released when it goes. Renewing is for whoever keeps it alive, from any thread; everything else
// is one thread's. Blocks on the network.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/backup/back_up.h"

namespace myelin::cli::backup {

class ServerSnapshot final : public HeldSnapshot {
 public:
  // `server`: "http://127.0.0.1:8080". Errors: Unavailable (nobody there), Forbidden (not from this
  // machine), what the server says, InvalidInput (its answer is not of ours).
  static Result<std::unique_ptr<ServerSnapshot>> take(const std::string& server);
  ~ServerSnapshot() override;

  const std::string& data_directory() const override { return data_directory_; }
  const log::Checkpoint& state() const override { return state_; }
  // Renews it.
  Status check_held() override;

 private:
  explicit ServerSnapshot(std::string server) : server_(std::move(server)) {}
  Status begin();
  Status read_state();

  const std::string server_;
  std::string url_;  // Of the snapshot; empty before there is one.
  std::string data_directory_;
  log::Checkpoint state_;
};

}  // namespace myelin::cli::backup
