// Random operations by seed on a log, held against a model in memory: whatever is done, at whatever
// step the power goes, the log holds what some prefix of the writes made, with every acknowledged
// write in it.
//
// MYELIN_MODEL_ROUNDS seeds are run, from MYELIN_MODEL_SEED on.
#include <gtest/gtest.h>

#include <set>

#include "log/log_test_support.h"
#include "log/model_test_support.h"

namespace myelin::log {
namespace {

enum class Syncs : std::uint8_t { Work, DoNothing };

class ModelRun {
 public:
  ModelRun(std::uint64_t seed, Syncs syncs) : syncs_(syncs), random_(seed) {
    new_disk(std::make_unique<SimDisk>());
  }
  ~ModelRun() {
    full_->store(false);
    held_.reset();
  }

  void run() {
    open();
    settle(0);
    for (auto lives = 2 + below(4); lives > 0; --lives) {
      if (syncs_ == Syncs::DoNothing) disk_->ignore_syncs();
      if (below(3) != 0) disk_->crash_at_step(disk_->steps() + 1 + below(1200), random_());
      for (auto steps = 10 + below(70); steps > 0 && !disk_->image_taken(); --steps) step();
      end_life();
    }
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool full() const { return full_->load(); }

  void new_disk(std::unique_ptr<SimDisk> disk) {
    log_.reset();
    disk_ = std::move(disk);
    full_->store(false);
    disk_->fail_when([full = full_](std::string_view operation, const std::string& path) {
      return full->load() && operation == "write" &&
             (path.starts_with("/data/topics") || path.starts_with("/data/checkpoint"));
    });
  }

  Options options() {
    auto options = any_options(random_);
    options.fail = [this](const std::string& why) {
      MutexLock lock(mutex_);
      failure_ = why;
    };
    return options;
  }

  void open() {
    auto opened = Log::open(*disk_, clock_, system_random_, options());
    expect(opened.has_value(), opened ? "" : opened.error().message());
    log_ = std::move(*opened);
    listed_.clear();
    topics_.clear();
    for (const auto& topic : log_->topics()) topics_[topic->spec.id] = topic;
    clock_.set(std::max(to_ms(clock_.now()), to_ms(last_received_)));
    clock_may_return_ = false;  // The log remembers the time of records only.
  }

  // Finds out which of the writes are there: the first `at_least` must be.
  void settle(std::size_t at_least) {
    auto state = base_;
    std::string difference;
    for (std::size_t i = 0; i <= writes_.size(); ++i) {
      if (i > 0) apply(state, writes_[i - 1]);
      if (i < at_least) continue;
      const auto found = outline_difference(state, *log_, Configs::Compared);
      if (!found) {
        base_ = next_ = std::move(state);
        const auto sent = std::exchange(writes_, {});
        compare_records(next_, *log_, random_);
        return retry(sent);
      }
      if (difference.empty()) difference = *found;
    }
    throw Mismatch(fmt::format("{}: none of the states after {} to {} writes is there: {}", ending_,
                               at_least, writes_.size(), difference));
  }

  // The writes that were acknowledged while the power was on: all before the first that was not.
  std::size_t witnessed() {
    std::size_t count = 0;
    for (auto i = writes_.size(); i > 0; --i) {
      const bool is = writes_[i - 1].waiter->witnessed();
      expect(is || count == 0, "a write was acknowledged before an earlier one");
      if (is && count == 0) count = i;
    }
    return count;
  }

  void end_life() {
    std::unique_ptr<SimDisk> image;
    disk_->crash_at_step(0, 0);
    auto at_least = witnessed();
    const auto way = below(4);
    if (disk_->image_taken()) {
      image = disk_->take_image();
    } else if (way < 2) {
      image = disk_->crash_image(random_());
    } else if (way == 2) {
      room_again();
    }
    release_snapshot();
    deleted_.clear();
    const auto status = log_->close();
    if (!image) check_close(status, at_least);
    log_.reset();
    full_->store(false);
    disk_->set_free_bytes(1ull << 40);
    ending_ = image ? "a power cut" : "a stop";
    if (image) return recover(std::move(image), at_least);
    open();
    settle(at_least);
  }

  // A stop on a full disk is like a crash; any other keeps everything.
  void check_close(const Status& status, std::size_t& at_least) {
    if (full()) return;
    expect(status.has_value(), status ? "" : "close: " + status.error().message());
    at_least = writes_.size();
    for (const auto& write : writes_)
      expect(write.waiter->wait().has_value(), "a stop refused a write");
  }

  void recover(std::unique_ptr<SimDisk> image, std::size_t at_least) {
    new_disk(std::move(image));
    if (below(2) == 0) disk_->crash_at_step(1 + below(150), random_());
    open();
    settle(at_least);
    disk_->crash_at_step(0, 0);
    if (!disk_->image_taken()) return;
    ending_ = "a power cut in a recovery";
    // What was read after a recovery stays, wherever in it the power goes again.
    new_disk(disk_->take_image());
    open();
    settle(0);
  }

  void step() {
    const auto kind = below(100);
    if (kind < 58 && !next_.topics.empty()) return append();
    if (kind < 66) return create_topic();
    if (kind < 70) return move_start();
    if (kind < 73) return delete_topic();
    if (kind < 75) return configure();
    if (kind < 77) return grow();
    if (kind < 79) return checkpoint();
    if (kind < 81) return keep_house();
    if (kind < 83) return take_snapshot();
    if (kind < 85) return release_snapshot();
    if (kind < 88) return remove_files();
    if (kind < 91) return move_clock();
    if (kind < 93) return set_limits();
    if (kind < 95) return below(2) == 0 ? disk_full() : room_again();
    if (kind < 96) return read_image();
    check();
  }

  // Everything that is under way is done, and is what the model says.
  void check() {
    quiesce();
    if (disk_->image_taken()) return;
    const auto difference = outline_difference(next_, *log_, Configs::Ignored);
    expect(!difference, difference.value_or(""));
    compare_records(next_, *log_, random_);
    for (const auto& topic : deleted_) expect_nothing_in(*topic, random_);
  }

  void quiesce() {
    room_again();
    for (const auto& write : writes_) {
      const auto commit = write.waiter->wait();
      if (!commit) throw Mismatch("a write failed: " + commit.error().message() + failure());
      if (!*write.commit) *write.commit = *commit;
      expect(*write.commit == *commit, "a write is of another commit than its records");
    }
  }

  std::string failure() {
    MutexLock lock(mutex_);
    return failure_.empty() ? "" : "; " + failure_;
  }

  // Sends a write, and takes it into the model unless it is refused for a reason.
  bool send(ModelWrite model, Write write) {
    auto waiter = std::make_shared<ModelWaiter>(*disk_);
    model.waiter = waiter;
    write.waiter = std::move(waiter);
    const auto outcomes = log_->append(std::move(write));
    if (!outcomes) {
      const auto code = outcomes.error().code();
      expect(code == ErrorCode::Exhausted || (code == ErrorCode::Unavailable && full()),
             "a write was refused: " + outcomes.error().message() + failure());
      return false;
    }
    compare_outcomes(model.outcomes, *outcomes);
    last_received_ = std::max(last_received_, clock_.now());
    clock_may_return_ = true;
    apply(next_, model);
    writes_.push_back(std::move(model));
    return true;
  }

  void add_batch(ModelState& state, ModelWrite& model, Write& write, const TopicPtr& topic) {
    auto& partition = *topic->partitions[below(topic->partitions.size())];
    const auto size =
        write.batches.empty() ? any_size(log_->write_bytes_max(), random_) : below(1000);
    const auto stamp = any_stamp(state.partition(partition.id()), random_);
    add_batch(state, model, write, partition, stamp, size);
  }

  void add_batch(ModelState& state, ModelWrite& model, Write& write, Partition& partition,
                 const ModelStamp& stamp, std::size_t size) {
    const auto records =
        stamp.producer < 0 ? 1 + static_cast<std::int64_t>(below(4)) : stamp.last - stamp.first + 1;
    const auto keys = any_keys(state.topics.at(partition.id().topic), random_, records);
    auto bytes = any_batch(size, random_, records, stamp, keys);
    write.batches.push_back({&partition, bytes});
    auto& at = state.partition(partition.id());
    model.outcomes.push_back(at.expected(stamp));
    if (model.outcomes.back().fate != BatchFate::Appended) return;
    auto batch = std::make_shared<ModelBatch>();
    batch->stamp = stamp;
    batch->keys = keys;
    batch->base = at.end;
    batch->last = at.end + (records - 1);
    batch->epoch = log_->leader_epoch();
    batch->received = std::max(last_received_, clock_.now());
    batch->commit = model.commit;
    kafka::set_base_offset(bytes.data(), batch->base.value);
    kafka::set_partition_leader_epoch(bytes.data(), batch->epoch);
    batch->bytes = std::move(bytes);
    at.add(batch);
    model.batches.emplace_back(partition.id(), std::move(batch));
  }

  // What was sent with sequences before the end of a life is sent again: what is there is told, the
  // rest is new.
  void retry(const std::vector<ModelWrite>& sent) {
    for (const auto& before : sent) {
      for (const auto& [id, batch] : before.batches) {
        const auto topic = topics_.find(id.topic);
        const auto index = static_cast<std::size_t>(id.partition.value);
        const bool there = topic != topics_.end() && index < topic->second->partitions.size();
        if (!there || batch->stamp.producer < 0) continue;
        ModelWrite model;
        Write write;
        ModelState state = next_;
        add_batch(state, model, write, *topic->second->partitions[index], batch->stamp,
                  10 + below(300));
        if (!send(std::move(model), std::move(write))) return;
      }
    }
  }

  TopicPtr any_topic() {
    auto it = next_.topics.begin();
    std::advance(it, below(next_.topics.size()));
    return topics_.at(it->first);
  }

  void append() {
    ModelWrite model;
    Write write;
    ModelState state = next_;
    for (auto batches = below(4) == 0 ? 3u : 1u; batches > 0; --batches)
      add_batch(state, model, write, any_topic());
    if (below(20) == 0) add_start(state, model, write, any_topic());
    if (!send(std::move(model), std::move(write)) && !full()) quiesce();
  }

  void create_topic() {
    std::set<std::string> names{"a", "b", "c", "d"};
    for (const auto& [id, topic] : next_.topics) names.erase(topic.name);
    if (!names.empty()) create_topic(*names.begin());
  }

  void create_topic(const std::string& name) {
    ModelWrite model;
    Write write;
    TopicSpec spec{{}, name, static_cast<std::int32_t>(1 + below(3)), fmt::format("{}", below(9))};
    for (auto& byte : spec.id.bytes) byte = static_cast<std::uint8_t>(random_());
    const auto topic = log_->make_topic(spec);
    model.topics.push_back(spec);
    write.topics.push_back(topic);
    ModelState state = next_;
    apply(state, model);
    for (auto batches = below(3); batches > 0; --batches) add_batch(state, model, write, topic);
    if (send(std::move(model), std::move(write))) topics_[spec.id] = topic;
  }

  void add_start(ModelState& state, ModelWrite& model, Write& write, const TopicPtr& topic) {
    auto& partition = *topic->partitions[below(topic->partitions.size())];
    const auto start = any_start(state.partition(partition.id()), random_);
    model.starts.emplace_back(partition.id(), start);
    write.starts.push_back({topic, &partition, start});
  }

  void move_start() {
    if (next_.topics.empty()) return;
    ModelWrite model;
    Write write;
    for (auto starts = 1 + below(2); starts > 0; --starts)
      add_start(next_, model, write, any_topic());
    send(std::move(model), std::move(write));
  }

  void delete_topic() {
    if (next_.topics.empty()) return;
    const auto topic = any_topic();
    ModelWrite model;
    Write write;
    model.deleted.push_back(topic->spec.id);
    write.deleted.push_back(topic);
    if (!send(std::move(model), std::move(write))) return;
    deleted_.push_back(topic);
    if (below(2) == 0) create_topic(topic->spec.name);
  }

  void configure() {
    if (next_.topics.empty()) return;
    const auto topic = any_topic();
    ModelWrite model;
    Write write;
    const auto config = std::string(below(40), 'c') + std::to_string(below(1000));
    model.configs.emplace_back(topic->spec.id, config);
    write.configs.push_back({topic, config});
    send(std::move(model), std::move(write));
  }

  void grow() {
    const auto topic = next_.topics.empty() ? nullptr : any_topic();
    if (!topic || topic->partitions.size() > 12) return;
    const auto count = topic->partitions.size() + 1 + below(3);
    ModelWrite model;
    Write write;
    model.grown.emplace_back(topic->spec.id, count);
    write.grow(topic, static_cast<std::int32_t>(count));
    if (send(std::move(model), std::move(write)) && below(2) == 0) append();
  }

  void checkpoint() {
    room_again();
    const auto status = log_->checkpoint();
    expect(status.has_value(), status ? "" : status.error().message() + failure());
  }

  void take_snapshot() {
    if (held_) return;
    quiesce();
    auto snapshot = log_->snapshot();
    // The flusher may not have noticed yet that there is room again.
    if (!snapshot && snapshot.error().code() == ErrorCode::Exhausted) return;
    expect(snapshot.has_value(), snapshot ? "" : snapshot.error().message());
    held_ = std::move(*snapshot);
    held_state_ = next_;
    const auto difference = outline_difference(held_state_, held_->state);
    expect(!difference, "a snapshot: " + difference.value_or(""));
  }

  // All that it names is still there.
  void release_snapshot() {
    if (!held_) return;
    if (!disk_->image_taken()) {
      quiesce();
      checkpoint();  // Directories have moved by now.
      compare_files(held_state_, held_->state, *disk_);
    }
    held_.reset();
  }

  // As whoever removes files does it; nothing that the durable checkpoint names may be given.
  void remove_files() {
    quiesce();
    const auto earlier = std::exchange(listed_, log_->removables().list());
    expect(!held_ || listed_.empty(), "files are given away over a snapshot");
    const auto named = named_files(*disk_);
    for (const auto& path : below(2) == 0 ? listed_ : earlier) {
      const auto touched = log_->removables().touch(path, [&]() -> Status {
        expect(!named.contains(path), path + " may be removed and is still named");
        remove_tree(*disk_, path);
        return {};
      });
      if (touched) log_->removables().forget(path);
    }
  }

  void move_clock() {
    const std::int64_t steps[] = {1, 7, 1000, 3'600'000, -5000, 8ll * 24 * 3'600'000};
    const auto by = steps[below(std::size(steps))];
    if (by > 0 || clock_may_return_) clock_.move(by);
  }

  void set_limits() {
    if (next_.topics.empty()) return;
    const auto topic = any_topic();
    log_->set_policy(*topic, any_policy(topic->spec.name, random_));
  }

  void keep_house() {
    quiesce();
    if (below(2) == 0) checkpoint();
    auto moved = log::keep_house(next_, *log_);
    if (moved.starts.empty()) return;
    moved.waiter = std::make_shared<ModelWaiter>(*disk_);
    moved.waiter->completed(CommitNumber());
    apply(next_, moved);
    writes_.push_back(std::move(moved));
  }

  void disk_full() {
    disk_->set_free_bytes(0);
    full_->store(true);
  }

  void room_again() {
    if (!full()) return;
    full_->store(false);
    disk_->set_free_bytes(1ull << 40);
    clock_.skip(std::chrono::seconds(2));  // The flusher tries again now and then.
    expect(log_->checkpoint().has_value(), "no checkpoint though there is room" + failure());
    while (!log_->writable() && failure().empty()) log_->refresh_space();
  }

  // What another server would find if the power went now.
  void read_image() {
    quiesce();
    if (disk_->image_taken()) return;
    const auto image = disk_->crash_image(random_());
    const auto opened = Log::open(*image, clock_, system_random_, options());
    expect(opened.has_value(), opened ? "" : "an image: " + opened.error().message());
    const auto difference = outline_difference(next_, **opened, Configs::Compared);
    expect(!difference, "an image: " + difference.value_or(""));
    compare_records(next_, **opened, random_);
  }

  const Syncs syncs_;
  std::mt19937_64 random_;
  ModelClock clock_;
  SystemRandom system_random_;
  std::shared_ptr<std::atomic<bool>> full_ = std::make_shared<std::atomic<bool>>(false);
  Mutex mutex_;
  std::string failure_ MYELIN_GUARDED_BY(mutex_);
  std::string ending_ = "a first start";  // Of the life before.
  Timestamp last_received_{};
  bool clock_may_return_ = false;

  ModelState base_;                 // As this life began.
  std::vector<ModelWrite> writes_;  // Since then, that the log took, in order.
  ModelState next_;                 // With all of them.
  std::map<TopicId, TopicPtr> topics_;
  std::vector<TopicPtr> deleted_;
  ModelState held_state_;

  std::unique_ptr<SimDisk> disk_;
  std::unique_ptr<Log> log_;
  std::shared_ptr<const Snapshot> held_;
  std::vector<std::string> listed_;  // As removable, when files were last removed.
};

std::optional<std::string> mismatch_of(std::uint64_t seed, Syncs syncs) {
  try {
    ModelRun(seed, syncs).run();
    return std::nullopt;
  } catch (const Mismatch& mismatch) {
    return mismatch.what();
  }
}

TEST(LogModel, HoldsWhatAPrefixOfTheWritesMadeWhateverHappens) {
  const auto first = from_environment("MYELIN_MODEL_SEED", 1);
  const auto rounds = from_environment("MYELIN_MODEL_ROUNDS", 30);
  for (auto seed = first; seed < first + rounds; ++seed) {
    const auto mismatch = mismatch_of(seed, Syncs::Work);
    ASSERT_FALSE(mismatch) << "MYELIN_MODEL_SEED=" << seed << ": " << *mismatch;
  }
}

TEST(LogModel, NoticesSyncsThatDoNothing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    if (mismatch_of(seed, Syncs::DoNothing)) return;
  }
  FAIL() << "no seed shows that nothing was synced";
}

}  // namespace
}  // namespace myelin::log
