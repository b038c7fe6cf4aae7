// Random histories by seed: members that join, commit, leave, fail and come back, replies that are
// lost, a store that is slow or fails, clocks that jump, and a coordinator that stops or dies and
// begins again from its records. What must hold throughout is said in GroupSim; at the end all is
// well for a while, and then everyone who is there must be a member of one stable generation.
//
// MYELIN_GROUP_SIM_ROUNDS seeds are run, from MYELIN_GROUP_SIM_SEED on.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>

#include "broker/group_test_support.h"

namespace myelin::broker {
namespace {

constexpr int kClients = 6;
constexpr int kPartitions = 4;

// Makes writes durable one after another, each after a while, and tells of them in any order.
class SimStore final : public GroupStore {
 public:
  SimStore(const Clock& clock, std::mt19937_64& random) : clock_(clock), random_(random) {}

  void append(std::vector<GroupRecord> records,
              std::move_only_function<void(Status)> done) override {
    const bool fails = below(100) < failing_percent;
    const auto at = clock_.steady() + milliseconds(delay_ms_max == 0 ? 0 : below(delay_ms_max));
    queue_.push_back({std::move(records), std::move(done), at, fails});
  }
  void step() {
    while (!queue_.empty() && queue_.front().at <= clock_.steady()) make_durable();
    for (std::size_t i = told_.size(); i-- > 0;) {
      if (i < told_.size() && (delay_ms_max == 0 || below(3) != 0)) tell(i);
    }
  }
  void drain() {
    while (!queue_.empty()) make_durable();
    while (!told_.empty()) tell(below(told_.size()));
  }
  // Some of what was under way is durable; nobody is told.
  void crash() {
    for (auto left = below(queue_.size() + 1); left > 0; --left) make_durable();
    queue_.clear();
    told_.clear();
  }
  // The last record of each key, where the log is compacted.
  std::vector<GroupRecord> records(bool compacted) const {
    if (!compacted) return log_;
    std::vector<GroupRecord> kept;
    std::set<std::string> seen;
    for (auto record = log_.rbegin(); record != log_.rend(); ++record) {
      if (seen.insert(record->key).second) kept.push_back(*record);
    }
    return {kept.rbegin(), kept.rend()};
  }

  std::uint64_t failing_percent = 0;
  std::uint64_t delay_ms_max = 50;

 private:
  struct Write {
    std::vector<GroupRecord> records;
    std::move_only_function<void(Status)> done;
    SteadyTime at;
    bool fails;
  };
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  void make_durable() {
    Write write = std::move(queue_.front());
    queue_.pop_front();
    if (!write.fails) log_.insert(log_.end(), write.records.begin(), write.records.end());
    told_.push_back(std::move(write));
  }
  void tell(std::size_t index) {
    Write write = std::move(told_[index]);
    told_.erase(told_.begin() + static_cast<std::ptrdiff_t>(index));
    write.done(write.fails ? Status(Error(ErrorCode::Unavailable, "simulated")) : Status());
  }

  const Clock& clock_;
  std::mt19937_64& random_;
  std::deque<Write> queue_;
  std::vector<Write> told_;
  std::vector<GroupRecord> log_;
};

enum class Phase : std::uint8_t { Away, Idle, Joining, Syncing, Active };

struct Client {
  int number = 0;
  std::optional<std::string> instance{};
  bool is_old = false;
  int subscription = 0;
  Phase phase = Phase::Away;
  std::string member_id{};
  Generation generation = kNoGeneration;
  std::uint64_t asked = 0;  // The request whose answer it waits for.
  std::optional<JoinReply> joined{};
  std::optional<SyncReply> synced{};
  SteadyTime acts{};
  SteadyTime gives_up{};
};

class GroupSim {
 public:
  explicit GroupSim(std::uint64_t seed) : random_(seed), store_(clock_, random_) {
    settings_.initial_rebalance_delay = milliseconds(below(2) * 3'000);
    settings_.members_max = kClients * 2;
    for (int i = 0; i < kClients; ++i) {
      clients_.push_back({.number = i, .is_old = below(3) == 0});
      if (below(2) == 0) clients_.back().instance = "node-" + std::to_string(i);
    }
    start();
  }

  void run() {
    for (auto steps = 200 + below(400); steps > 0; --steps) {
      if (below(40) == 0) change_weather();
      pass(milliseconds(below(50) == 0 ? below(120'000) : below(1'500)));
      if (below(120) == 0) restart();
      if (below(60) == 0) delete_something();
      if (::testing::Test::HasFatalFailure()) return;
    }
    settle_down();
    stop();
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool happens(std::uint64_t percent) { return !calm_ && below(100) < percent; }

  void start() {
    groups_ = std::make_unique<GroupCoordinator>(settings_, clock_, ids_, store_);
    for (const GroupRecord& record : store_.records(below(2) == 0)) {
      ASSERT_TRUE(groups_->load(record.key, record.value));
    }
    groups_->loaded();
    leaders_.clear();
    const auto described = groups_->describe(kGroup);
    if (described.error == GroupError::GroupIdNotFound && was_dead_) forget();
    // What was given to a member was durable before.
    if (!given_.empty()) ASSERT_GE(described.generation, given_.rbegin()->first);
    last_generation_ = Generation(0);
    check_offsets();
  }
  void restart() {
    was_dead_ = groups_->describe(kGroup).state == GroupState::Dead;
    if (below(2) == 0) {
      stop();
    } else {
      store_.crash();
      answers_.clear();
    }
    groups_.reset();
    start();
  }
  void stop() {
    groups_->stop();
    store_.drain();
    for (const auto& [request, answers] : answers_) ASSERT_EQ(answers, 1) << request;
    answers_.clear();
  }
  void change_weather() {
    store_.failing_percent = below(3) == 0 ? below(40) : 0;
    store_.delay_ms_max = below(3) == 0 ? 5'000 : below(100);
    loses_percent_ = below(3) == 0 ? below(30) : 0;
  }

  void pass(milliseconds time) {
    clock_.advance(time);
    store_.step();
    check();
    if (groups_->next_due() <= clock_.steady() && !happens(30)) groups_->tick();
    for (Client& client : clients_) act(client);
    check();
  }

  void check() {
    const auto described = groups_->describe(kGroup);
    if (described.error == GroupError::GroupIdNotFound) return forget();
    ASSERT_GE(described.generation, last_generation_);
    last_generation_ = described.generation;
    check_offsets();
  }
  // The group is gone: generations begin anew.
  void forget() {
    leaders_.clear();
    given_.clear();
    last_generation_ = Generation(0);
  }
  // What was acknowledged is there, or something newer.
  void check_offsets() {
    for (int partition = 0; partition < kPartitions; ++partition) {
      const auto reply = groups_->fetch(
          {.group_id = kGroup,
           .topics = {{{.topic = "adt", .partitions = {PartitionIndex(partition)}}}}});
      ASSERT_GE(reply.topics[0].partitions[0].offset.value, acknowledged_[partition]);
    }
  }

  // Counts answers, checks them, and gives those that are not lost to the client.
  template <class Reply>
  auto answer(Client& client, void (GroupSim::*check)(const Client&, const Reply&),
              std::optional<Reply> Client::* place) {
    const std::uint64_t request = ++requests_;
    client.asked = request;
    client.joined.reset();
    client.synced.reset();
    answers_[request] = 0;
    return [this, request, &client, check, place](Reply reply) {
      ++answers_[request];
      if (client.asked != request) return;
      if (reply.error == GroupError::None) (this->*check)(client, reply);
      if (!happens(loses_percent_)) client.*place = std::move(reply);
    };
  }

  void act(Client& client) {
    if (client.acts > clock_.steady()) return;
    switch (client.phase) {
      case Phase::Away:
        if (calm_ ? below(2) == 0 : below(20) == 0) come(client);
        break;
      case Phase::Idle: join(client); break;
      case Phase::Joining:
        if (client.joined) return take_join(client);
        if (client.gives_up <= clock_.steady()) client.phase = Phase::Idle;
        break;
      case Phase::Syncing:
        if (client.synced) return take_sync(client);
        if (client.gives_up <= clock_.steady()) client.phase = Phase::Idle;
        break;
      case Phase::Active: live(client); break;
    }
    if (client.phase != Phase::Away && happens(1)) fail(client);
  }
  void come(Client& client) {
    client.phase = Phase::Idle;
    client.member_id.clear();
    client.generation = kNoGeneration;
  }
  void fail(Client& client) {
    client.phase = Phase::Away;
    client.asked = 0;
    client.acts = clock_.steady() + milliseconds(below(40'000));
  }
  void again(Client& client, milliseconds after = milliseconds(0)) {
    client.phase = Phase::Idle;
    client.acts = clock_.steady() + after;
  }

  void join(Client& client) {
    JoinRequest request{.group_id = kGroup,
                        .member_id = client.member_id,
                        .instance_id = client.instance,
                        .client_id = "client",
                        .client_host = "/127.0.0.1",
                        .protocol_type = "consumer",
                        .protocols = {{"range", std::to_string(client.subscription)},
                                      {"sticky", std::to_string(client.number)}},
                        .session_timeout = seconds(10),
                        .rebalance_timeout = seconds(30),
                        .knows_member_id_required = !client.is_old,
                        .knows_skip_assignment = true};
    if (client.number % 2 == 0) std::swap(request.protocols[0], request.protocols[1]);
    client.phase = Phase::Joining;
    client.gives_up = clock_.steady() + patience(seconds(90));
    groups_->join(std::move(request), answer(client, &GroupSim::one_leader, &Client::joined));
  }
  milliseconds patience(milliseconds longest) {
    return happens(30) ? milliseconds(below(5'000)) : longest;
  }
  void take_join(Client& client) {
    const JoinReply reply = *std::exchange(client.joined, std::nullopt);
    if (reply.error == GroupError::MemberIdRequired) client.member_id = reply.member_id;
    if (reply.error != GroupError::None) return take_error(client, reply.error);
    client.member_id = reply.member_id;
    client.generation = reply.generation;
    sync(client, reply);
  }
  // All who are told a generation are told the same leader and the same protocol.
  void one_leader(const Client&, const JoinReply& reply) {
    const std::string told = instance_of(reply.leader) + " by " + reply.protocol.value_or("none");
    const auto [known, is_first] = leaders_.try_emplace(reply.generation, told);
    ASSERT_EQ(known->second, told) << "generation " << reply.generation.value;
    ASSERT_EQ(reply.members.empty(), reply.leader != reply.member_id);
  }
  // A member id begins with the instance's, where there is one.
  static std::string instance_of(const std::string& member_id) {
    return member_id.starts_with("node-") ? member_id.substr(0, 6) : member_id;
  }

  void sync(Client& client, const JoinReply& joined) {
    SyncRequest request{.group_id = kGroup,
                        .generation = client.generation,
                        .member_id = client.member_id,
                        .instance_id = client.instance};
    const std::string round = std::to_string(++rounds_);
    if (!joined.skip_assignment) {
      for (const JoinedMember& member : joined.members) {
        request.assignments.push_back(
            {member.member_id, round + " " + instance_of(member.member_id)});
      }
    }
    client.phase = Phase::Syncing;
    client.gives_up = clock_.steady() + patience(seconds(40));
    groups_->sync(request, answer(client, &GroupSim::one_assignment, &Client::synced));
  }
  void take_sync(Client& client) {
    const SyncReply reply = *std::exchange(client.synced, std::nullopt);
    if (reply.error != GroupError::None) return take_error(client, reply.error);
    client.phase = Phase::Active;
    client.acts = clock_.steady();
  }
  // All members of a generation are given their parts of one assignment, whatever happens between.
  void one_assignment(const Client& client, const SyncReply& reply) {
    const std::string& assignment = reply.assignment;
    const auto space = assignment.find(' ');
    ASSERT_NE(space, std::string::npos) << assignment;
    ASSERT_EQ(assignment.substr(space + 1), instance_of(client.member_id));
    const auto [known, is_first] =
        given_.try_emplace(client.generation, assignment.substr(0, space));
    ASSERT_EQ(known->second, assignment.substr(0, space))
        << "generation " << client.generation.value;
  }

  void take_error(Client& client, GroupError error) {
    switch (error) {
      case GroupError::UnknownMemberId:
      case GroupError::FencedInstanceId: client.member_id.clear(); return again(client);
      // Those who lost patience left members behind.
      case GroupError::GroupMaxSizeReached:
        client.member_id.clear();
        return again(client, milliseconds(below(5'000)));
      case GroupError::MemberIdRequired:
      case GroupError::RebalanceInProgress:
      case GroupError::IllegalGeneration: return again(client);
      case GroupError::CoordinatorNotAvailable:
      case GroupError::NotCoordinator: return again(client, milliseconds(below(2'000)));
      default: FAIL() << to_string(error);
    }
  }

  void live(Client& client) {
    client.acts = clock_.steady() + milliseconds(3'000);
    const auto error = groups_->heartbeat({.group_id = kGroup,
                                           .generation = client.generation,
                                           .member_id = client.member_id,
                                           .instance_id = client.instance});
    if (error != GroupError::None) return take_error(client, error);
    if (below(2) == 0) commit(&client);
    if (happens(2)) {
      client.subscription = static_cast<int>(below(3));
      return again(client);
    }
    if (happens(2)) leave(client);
  }
  void leave(Client& client) {
    const auto reply =
        groups_->leave({.group_id = kGroup, .members = {{client.member_id, client.instance}}});
    ASSERT_EQ(reply.error, GroupError::None);
    fail(client);
  }
  void commit(const Client* by) {
    const int partition = static_cast<int>(below(kPartitions));
    const auto offset = static_cast<std::int64_t>(++offsets_);
    CommitRequest request{
        .group_id = kGroup,
        .topics = {
            {.topic = "adt", .partitions = {{PartitionIndex(partition), Offset(offset), -1, ""}}}}};
    if (by != nullptr) {
      request.generation = by->generation;
      request.member_id = by->member_id;
      request.instance_id = by->instance;
    }
    const std::uint64_t number = ++requests_;
    answers_[number] = 0;
    groups_->commit(std::move(request), [=, this, wipes = wipes_](const CommitReply& reply) {
      ++answers_[number];
      if (reply.error != GroupError::None || wipes != wipes_) return;
      EXPECT_GT(offset, acknowledged_[partition]) << "acknowledged in order";
      acknowledged_[partition] = offset;
    });
  }

  // From the request on, what was acknowledged may be gone.
  void delete_something() {
    if (below(3) == 0) return commit(nullptr);
    wipe();
    const std::uint64_t number = ++requests_;
    answers_[number] = 0;
    const auto done = [this, number](GroupError) { ++answers_[number]; };
    if (below(2) == 0) {
      groups_->delete_group(kGroup, done);
    } else {
      groups_->topic_deleted("adt", done);
    }
  }
  void wipe() {
    ++wipes_;
    for (auto& offset : acknowledged_) offset = -1;
  }

  void settle_down() {
    calm_ = true;
    store_.failing_percent = 0;
    store_.delay_ms_max = 20;
    loses_percent_ = 0;
    for (int i = 0; i < 1'200; ++i) pass(milliseconds(200 + below(300)));
    const auto described = groups_->describe(kGroup);
    ASSERT_EQ(described.state, GroupState::Stable);
    ASSERT_EQ(described.members.size(), clients_.size());
    for (const Client& client : clients_) {
      EXPECT_EQ(client.phase, Phase::Active) << client.number;
      EXPECT_EQ(client.generation, described.generation) << client.number;
    }
  }

  std::mt19937_64 random_;
  ManualClock clock_;
  CountingRandom ids_;
  SimStore store_;
  GroupSettings settings_;
  std::unique_ptr<GroupCoordinator> groups_;
  std::vector<Client> clients_;
  bool calm_ = false;
  std::uint64_t loses_percent_ = 0;
  bool was_dead_ = false;  // Before the restart.
  std::uint64_t requests_ = 0;
  std::uint64_t rounds_ = 0;
  std::uint64_t offsets_ = 0;
  std::uint64_t wipes_ = 0;
  std::map<std::uint64_t, int> answers_;           // By request, of this coordinator.
  std::map<std::string, std::string> identities_;  // Member id to what stays of it.
  std::map<Generation, std::string> leaders_;      // Told by this coordinator.
  std::map<Generation, std::string> given_;        // The round of each generation's assignment.
  std::int64_t acknowledged_[kPartitions] = {-1, -1, -1, -1};
  Generation last_generation_{0};
};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(GroupSim, HoldsItsPromisesWhateverHappens) {
  const std::uint64_t first = number_from("MYELIN_GROUP_SIM_SEED", 1);
  const std::uint64_t rounds = number_from("MYELIN_GROUP_SIM_ROUNDS", 60);
  for (std::uint64_t seed = first; seed < first + rounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    GroupSim(seed).run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace myelin::broker
