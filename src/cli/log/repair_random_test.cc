// Damage by seed, then a repair: the directory opens, everything that is served is right, and what
// is missing was told.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "cli/log/log_tools_test_support.h"
#include "cli/log/repair_plan.h"

namespace myelin::cli::log_tools {
namespace {

using Records = std::map<std::string, std::vector<std::string>>;  // Values by topic, from 0 on.

constexpr int kTopics = 4;

class Scene {
 public:
  explicit Scene(std::uint64_t seed) : random_(seed) {
    auto options = quiet_options();
    options.journal_file_bytes = 40 * log::kBlockBytes;
    options.segment_bytes = 500 + random_() % 3'000;
    options.large_batch_bytes = 9'000;
    options.flush_interval = std::chrono::milliseconds(random_() % 2 == 0 ? 1 : 3'600'000);
    log_ = std::make_unique<log::LogOnDisk>(disk_, options);
    const auto commits = 10 + random_() % 40;
    for (std::uint64_t i = 0; i < commits; ++i) {
      write();
      if (random_() % 12 == 0) EXPECT_TRUE(log_->log->checkpoint());
      if (random_() % 40 == 0) EXPECT_TRUE(log_->reopen());
    }
    EXPECT_TRUE(disk_.sync_file_system("/data"));
    if (random_() % 3 == 0) log_.reset();
    image_ = disk_.crash_image(0);
    log_.reset();
  }

  log::SimDisk& disk() { return *image_; }
  // But for the last commit's, whose damage cannot be told from a tear.
  const Records& records() const { return before_last_; }

  // Up to three of these.
  std::string damage() {
    std::string done;
    for (auto left = 1 + random_() % 3; left > 0; --left) done += damage_once() + "; ";
    return done;
  }

 private:
  void write() {
    before_last_ = records_;
    log::Write write;
    const auto batches = 1 + random_() % 3;
    for (std::uint64_t b = 0; b < batches; ++b) {
      const auto name = fmt::format("t{}", random_() % kTopics);
      auto topic = log_->find(name);
      for (const auto& made : write.topics) {
        if (made->spec.name == name) topic = made;
      }
      if (!topic) {
        Uuid id;
        for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random_());
        topic = log_->log->make_topic({id, name, 1, "{}"});
        write.topics.push_back(topic);
      }
      const auto bytes = random_() % 10 == 0 ? 10'000u : 20 + random_() % 200;
      auto value = fmt::format("{}@{} ", name, records_[name].size());
      value.resize(std::max(value.size(), bytes), 'x');
      records_[name].push_back(value);
      write.batches.push_back({topic->partitions[0].get(), log::batch_of(value)});
    }
    auto waiter = std::make_shared<log::TestWaiter>();
    write.waiter = waiter;
    ASSERT_TRUE(log_->log->append(std::move(write)));
    ASSERT_TRUE(waiter->wait());
  }

  std::string some_path(std::string_view ending) {
    std::vector<std::string> paths;
    for (const auto& path : image_->paths()) {
      if (path.ends_with(ending)) paths.push_back(path);
    }
    return paths.empty() ? std::string() : paths[random_() % paths.size()];
  }

  std::string damage_once() {
    const auto kind = random_() % 8;
    const auto path = kind == 0   ? std::string("/data/checkpoint")
                      : kind <= 3 ? some_path(".journal")
                      : kind <= 5 ? some_path(".log")
                                  : some_path(".meta");
    if (path.empty() || !*image_->exists(path)) return "nothing";
    auto content = image_->content(path);
    const auto how = random_() % 4;
    if (content.empty() || how == 0) {
      EXPECT_TRUE(image_->remove(path));
      return path + " removed";
    }
    // A flip in the checkpoint's format is taken for a newer server's.
    const auto at = kind == 0 && how == 2 ? content.size() / 2 : random_() % content.size();
    if (how == 1) {
      content.resize(at);
    } else if (how == 2) {
      content[at] = static_cast<char>(content[at] ^ 0x40);
    } else {
      // What wipes out the last frames together leaves nobody to prove that they were there.
      const auto most = path.ends_with(".journal") ? log::kBlockBytes - at % log::kBlockBytes
                                                   : content.size() - at;
      const auto bytes = std::min<std::size_t>(most, 1 + random_() % 9'000);
      std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(at), bytes, '\0');
    }
    image_->set_content(path, content);
    return fmt::format("{} damaged at {} ({})", path, at, how);
  }

  std::mt19937_64 random_;
  log::SimDisk disk_;
  std::unique_ptr<log::LogOnDisk> log_;
  std::unique_ptr<log::SimDisk> image_;
  Records records_;
  Records before_last_;
};

bool was_told(const RepairPlan& plan, const std::string& topic, std::int64_t offset) {
  return std::ranges::any_of(plan.lost, [&](const LostRange& range) {
    return range.topic == topic && range.offsets.first.value <= offset &&
           offset <= range.offsets.last.value;
  });
}

// Reads all of a topic. What is missing must be a read error or have been told.
void expect_right(log::LogOnDisk& log, const std::string& name,
                  const std::vector<std::string>& values, const RepairPlan& plan) {
  const bool tail_unknown = !plan.unknown.empty() || !plan.lost_commits.empty();
  const auto topic = log.find(name);
  if (!topic) {
    EXPECT_TRUE(tail_unknown) << name << " is gone in silence";
    return;
  }
  const auto& partition = *topic->partitions[0];
  const auto end = partition.high_watermark().value;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(values.size()); ++i) {
    if (i >= end) {
      EXPECT_TRUE(tail_unknown) << name << " offset " << i << " is gone in silence";
      return;
    }
    const auto found = log.read(name, log::Seek::to(log::Offset(i)), 1);
    if (!found) {
      EXPECT_EQ(found.error().code(), ErrorCode::Corrupt) << found.error().message();
      continue;
    }
    const bool there = !found->empty() && found->front().base_offset.value == i;
    if (there) {
      EXPECT_EQ(log::values_of({found->front()})[0] == values[static_cast<std::size_t>(i)], true)
          << name << " offset " << i << " is wrong";
    } else {
      const bool before_start = i < partition.start().value && tail_unknown;
      EXPECT_TRUE(before_start || was_told(plan, name, i))
          << name << " offset " << i << " is gone in silence";
    }
  }
}

TEST(LogRepairRandom, OpensWhateverWasDamagedAndToldWhatIsMissing) {
  const char* const set = std::getenv("MYELIN_REPAIR_ROUNDS");
  const auto rounds = set == nullptr ? 150u : std::strtoull(set, nullptr, 10);
  const char* const first = std::getenv("MYELIN_REPAIR_SEED");
  const auto seed_first = first == nullptr ? 1u : std::strtoull(first, nullptr, 10);
  std::uint64_t refused = 0;
  for (std::uint64_t seed = seed_first; seed < seed_first + rounds; ++seed) {
    Scene scene(seed);
    SCOPED_TRACE(fmt::format("seed {}: {}", seed, scene.damage()));
    auto& disk = scene.disk();
    SystemRandom random;
    const auto store = look_at(disk, "/data");
    ASSERT_TRUE(store) << store.error().message();
    const auto plan = plan_repair(disk, random, *store);
    ASSERT_TRUE(plan) << plan.error().message();
    {
      const auto before = disk.crash_image(0);
      log::LogOnDisk as_it_is(*before, quiet_options(), log::Opens::May);
      if (!as_it_is.log) {
        ++refused;
        EXPECT_TRUE(plan->rebuilds) << "it does not open, and the repair sees nothing";
      }
    }
    const auto done = run_on(disk, {"repair", "/data", "--yes"});
    ASSERT_EQ(done.code, kWhole) << done.out << done.err;
    log::LogOnDisk log(disk, quiet_options());
    ASSERT_TRUE(log.log) << done.out;
    for (const auto& [topic, values] : scene.records()) expect_right(log, topic, values, *plan);
    EXPECT_TRUE(log.append("t0", "goes on"));
    if (::testing::Test::HasFailure()) {
      fmt::print("{}\n", done.out);
      return;
    }
  }
  EXPECT_GT(refused, rounds / 4);
}

}  // namespace
}  // namespace myelin::cli::log_tools
