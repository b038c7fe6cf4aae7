#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "broker/group_coordinator.h"

namespace myelin::broker {
namespace {

constexpr int kGroups = 10'000;

class InstantStore final : public GroupStore {
 public:
  void append(std::vector<GroupRecord> records,
              std::move_only_function<void(Status)> done) override {
    benchmark::DoNotOptimize(records.data());
    done({});
  }
};

// Groups of some members each, all of them stable.
class Fixture {
 public:
  explicit Fixture(int members_each) {
    settings_.initial_rebalance_delay = std::chrono::milliseconds(0);
    groups.loaded();
    for (int g = 0; g < kGroups; ++g) add_group("group-" + std::to_string(g), members_each);
  }

  std::vector<HeartbeatRequest> members;
  ManualClock clock;

 private:
  void add_group(const std::string& id, int members_each) {
    std::vector<JoinReply> joined;
    const auto join = [&](const std::string& member_id) {
      groups.join({.group_id = id,
                   .member_id = member_id,
                   .client_id = "client",
                   .client_host = "/127.0.0.1",
                   .protocol_type = "consumer",
                   .protocols = {{"range", std::string(64, 's')}},
                   .session_timeout = std::chrono::seconds(45),
                   .rebalance_timeout = std::chrono::seconds(300)},
                  [&](JoinReply reply) { joined.push_back(std::move(reply)); });
    };
    join("");
    for (int m = 1; m < members_each; ++m) join("");
    std::vector<std::string> ids;
    for (const DescribedMember& member : groups.describe(id).members) {
      ids.push_back(member.member_id);
    }
    if (members_each > 1) join(joined.at(0).member_id);
    const GroupDescription now = groups.describe(id);
    const std::string leader = joined.at(0).leader;
    for (const std::string& member : ids) {
      groups.sync({.group_id = id, .generation = now.generation, .member_id = member},
                  [](const SyncReply&) {});
      members.push_back({.group_id = id, .generation = now.generation, .member_id = member});
    }
  }

  GroupSettings settings_;
  SystemRandom random_;
  InstantStore store_;

 public:
  GroupCoordinator groups{settings_, clock, random_, store_};
};

void heartbeats(benchmark::State& state) {
  Fixture fixture(static_cast<int>(state.range(0)));
  std::size_t next = 0;
  for (auto _ : state) {
    const auto error = fixture.groups.heartbeat(fixture.members[next]);
    if (error != GroupError::None) state.SkipWithError(std::string(to_string(error)).c_str());
    next = (next + 7'919) % fixture.members.size();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(heartbeats)->Arg(1)->Arg(3);

// One partition each, of one topic.
void commits(benchmark::State& state) {
  Fixture fixture(1);
  std::size_t next = 0;
  std::int64_t offset = 0;
  for (auto _ : state) {
    const HeartbeatRequest& member = fixture.members[next];
    fixture.groups.commit(
        {.group_id = member.group_id,
         .generation = member.generation,
         .member_id = member.member_id,
         .topics = {{.topic = "adt",
                     .partitions = {{PartitionIndex(0), Offset(++offset), 0, ""}}}}},
        [&](const CommitReply& reply) {
          if (reply.error != GroupError::None) state.SkipWithError("refused");
        });
    next = (next + 7'919) % fixture.members.size();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(commits);

// A server's timer: every 100 ms, while each member sends a heartbeat every 3 s.
void ticks(benchmark::State& state) {
  Fixture fixture(3);
  std::size_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    fixture.clock.advance(std::chrono::milliseconds(100));
    for (std::size_t i = 0; i < fixture.members.size() / 30; ++i) {
      benchmark::DoNotOptimize(fixture.groups.heartbeat(fixture.members[next]));
      next = (next + 1) % fixture.members.size();
    }
    state.ResumeTiming();
    fixture.groups.tick();
  }
}
BENCHMARK(ticks);

}  // namespace
}  // namespace myelin::broker
