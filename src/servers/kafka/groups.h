// What the handlers of consumer groups share.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "base/time.h"
#include "broker/group_types.h"
#include "formats/kafka_protocol/error.h"
#include "io/one_shot.h"
#include "security/authorizer.h"
#include "servers/kafka/handler.h"

namespace myelin::kafka {

KafkaError kafka_error(broker::GroupError error);

// How long until the coordinator is to be ticked: when something is due, and at least so often that
// what a request brings forward is not late by much.
std::chrono::milliseconds until_groups_tick(SteadyTime now, SteadyTime next_due);

bool may_use_group(Call& call, security::Operation operation, std::string_view group_id);

// An answer of the coordinator's that comes later, on any thread; outlives a canceled call.
template <class Reply>
class Awaited {
 public:
  auto callback() {
    return [state = state_](Reply reply) { state->set(std::move(reply)); };
  }
  io::Task<Reply> wait() { return wait_for(state_); }

 private:
  static io::Task<Reply> wait_for(std::shared_ptr<io::OneShot<Reply>> state) {
    co_return co_await state->wait();
  }
  std::shared_ptr<io::OneShot<Reply>> state_ = std::make_shared<io::OneShot<Reply>>();
};

}  // namespace myelin::kafka
