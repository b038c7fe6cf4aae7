#include "log/housekeeping.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace myelin::log {
namespace {

// Starts that move with one write.
constexpr std::size_t kStartsAWrite = 1000;
constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::milliseconds kPoll{5};
// Of polls for what the log does: a disk without space lets nobody wait for ever.
constexpr int kPollsMax = 2000;

// Removing takes the disk from everything else; so long, times what it took, it leaves it to them.
constexpr int kRestShare = 2;

// "<base>.log", "<base>.<generation>.meta"; nothing for any other name.
struct SegmentName {
  Offset base;
  std::uint32_t generation = 0;
};

template <class T>
bool take_number(std::string_view& text, T& value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return true;
}

std::optional<SegmentName> parse_segment_name(std::string_view name) {
  const auto whole = name;
  SegmentName found;
  std::int64_t base = 0;
  if (name.size() < 20 || !take_number(name, base) || base < 0 || !name.starts_with('.'))
    return std::nullopt;
  found.base = Offset(base);
  name.remove_prefix(1);
  if (take_number(name, found.generation)) {
    if (!name.starts_with('.')) return std::nullopt;
    name.remove_prefix(1);
  }
  if (name != "log" && name != "meta") return std::nullopt;
  // What a person has put there looks alike, perhaps, and stays.
  const auto file = name == "log" ? SegmentFile::Log : SegmentFile::Meta;
  if (segment_path("", found.base, found.generation, file).substr(1) != whole) return std::nullopt;
  return found;
}

class StartsWaiter final : public AppendWaiter {
 public:
  void numbered(const std::vector<BatchOutcome>&) override {}
  void completed(Result<CommitNumber> commit) override {
    MutexLock lock(mutex_);
    outcome_ = commit ? Status() : Status(std::move(commit).error());
  }
  std::optional<Status> outcome() const {
    MutexLock lock(mutex_);
    return outcome_;
  }

 private:
  mutable Mutex mutex_;
  std::optional<Status> outcome_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace

Housekeeper::Housekeeper(Log& log, HousekeepingOptions options)
    : log_(log),
      options_(std::move(options)),
      compactor_(log, options_.compaction),
      scrubber_(log, options_.scrub) {}

Housekeeper::~Housekeeper() { stop(); }

void Housekeeper::start() {
  thread_ = std::thread([this] { loop(); });
  scrubber_.start();
}

void Housekeeper::stop() {
  stopping_ = true;
  compactor_.cancel();
  {
    MutexLock lock(mutex_);
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  scrubber_.stop();
}

void Housekeeper::loop() {
  auto due = log_.clock().steady();
  while (!stopping_) {
    log_.refresh_space();
    if (log_.clock().steady() >= due) {
      pass();
      due = log_.clock().steady() + options_.interval;
    }
    MutexLock lock(mutex_);
    if (!stopping_) wake_.wait_for(mutex_, kTick);
  }
}

void Housekeeper::pass() {
  MutexLock lock(pass_mutex_);
  if (!swept_) {
    sweep();
    remove_files();  // Before compaction may want the same names.
  }
  retain();
  log_.expire_producers();
  log_.files().buffers().free_unused();
  if (!stopping_) report("log.compaction_failed", compactor_.pass());
  remove_files();
  ++passes_;
}

void Housekeeper::report(std::string_view what, const Status& status) const {
  if (status || status.error().code() == ErrorCode::Canceled || !options_.on_error) return;
  options_.on_error(what, status.error());
}

void Housekeeper::retain() {
  const auto now = to_ms(log_.clock().now());
  bool moved = false;
  Removal removal;
  const auto move = [&] {
    if (removal.write.starts.empty()) return;
    const auto status = move_starts(std::exchange(removal, {}));
    moved |= status.has_value();
    report("log.retention_failed", status);
  };
  for (const auto& topic : log_.topics()) {
    if (stopping_) return;
    retain_topic(topic, now, removal);
    if (removal.write.starts.size() >= kStartsAWrite) move();
  }
  move();
  // Files go once a checkpoint no longer names them: now, or with the next pass.
  if (moved) wait_for_checkpoint();
}

void Housekeeper::retain_topic(const TopicPtr& topic, std::int64_t now_ms, Removal& removal) {
  const auto policy = topic->policy.get();
  if (!policy || (!policy->retention_time && !policy->retention_bytes)) return;
  for (const auto& partition : topic->partitions) {
    const auto view = partition->stored_view();
    const auto retained = log::retain(view, *policy, now_ms);
    if (!retained) continue;
    const RemovedRecords removed{
        topic,           partition->id().partition,  view.start,      retained->start,
        retained->bytes, retained->last_received_ms, retained->reason};
    const auto agreed = options_.before_removal ? options_.before_removal(removed) : Status();
    if (!agreed) {
      report("log.retention_failed", agreed);
      continue;
    }
    removal.write.starts.push_back({topic, partition.get(), retained->start});
    removal.records += static_cast<std::uint64_t>(retained->start - view.start);
    removal.bytes += retained->bytes;
  }
}

// Until it is durable: the next look must not see, and have audited, the same records again.
Status Housekeeper::move_starts(Removal removal) {
  const auto waiter = std::make_shared<StartsWaiter>();
  removal.write.waiter = waiter;
  MYELIN_TRY_VOID(log_.append(std::move(removal.write)));
  if (!wait_until([&] { return waiter->outcome().has_value(); }))
    return Error(ErrorCode::Unavailable, "the removal of records waits for the disk");
  MYELIN_TRY_VOID(*waiter->outcome());
  removed_records_ += removal.records;
  removed_bytes_ += removal.bytes;
  return {};
}

bool Housekeeper::wait_until(const std::function<bool()>& done) {
  for (int i = 0; i < kPollsMax && !done() && !stopping_; ++i) {
    MutexLock lock(mutex_);
    wake_.wait_for(mutex_, kPoll);
  }
  return done();
}

bool Housekeeper::wait_for_checkpoint() {
  const auto wanted = log_.request_checkpoint();
  return wait_until([&] { return log_.checkpoint_count() >= wanted; });
}

void Housekeeper::remove_files() {
  for (const auto& path : log_.removables().list()) {
    const auto status = path.ends_with(".deleted") ? remove_directory(path) : remove_segment(path);
    const auto code = status ? std::nullopt : std::optional(status.error().code());
    if (code == ErrorCode::Conflict) continue;
    if (!code || code == ErrorCode::NotFound) {
      log_.removables().forget(path);
      ++removed_files_;
    } else {
      report("log.removal_failed", status);
    }
  }
}

// Of a deleted topic. Nobody else will ever have that name.
Status Housekeeper::remove_directory(const std::string& path) {
  auto& disk = log_.disk();
  MYELIN_TRY(entries, disk.list(path));
  for (const auto& entry : entries) {
    const auto file = path + "/" + entry.name;
    auto opened = disk.open(file, Writes::Buffered, Create::No);
    if (opened) shrink(**opened);
    log_.files().forget(file);
    MYELIN_TRY_VOID(remove_gently([&] { return disk.remove(file); }));
  }
  return disk.remove(path);
}

// A late reader finds its segment out of the list when it cannot read it to its end.
Status Housekeeper::remove_segment(const std::string& path) {
  auto& disk = log_.disk();
  std::unique_ptr<File> file;
  const auto opened = log_.removables().touch(path, [&]() -> Status {
    MYELIN_TRY(there, disk.open(path, Writes::Buffered, Create::No));
    file = std::move(there);
    return {};
  });
  // A file that cannot be opened may still go as a whole.
  if (opened) shrink(*file);
  file.reset();
  return remove_gently([&] {
    return log_.removables().touch(path, [&] {
      log_.files().forget(path);  // One may have opened it again.
      return disk.remove(path);
    });
  });
}

// Thousands may have their time at once.
Status Housekeeper::remove_gently(const std::function<Status()>& remove) {
  const auto began = log_.clock().steady();
  auto status = remove();
  rest(kRestShare * (log_.clock().steady() - began));
  return status;
}

// To free a large file at once may keep the disk from everything else for as long as that takes
// (0.15 s a GiB where the file system tells the disk what it frees). A file that cannot be made
// smaller goes as a whole.
void Housekeeper::shrink(File& file) {
  const auto size = file.size_bytes();
  auto bytes = size ? *size : 0;
  while (bytes > options_.freed_at_once && !stopping_) {
    bytes -= options_.freed_at_once;
    const auto began = log_.clock().steady();
    if (!file.truncate(bytes)) return;
    rest(kRestShare * (log_.clock().steady() - began));
  }
}

void Housekeeper::rest(SteadyTime::duration time) {
  const auto due = log_.clock().steady() + time;
  MutexLock lock(mutex_);
  for (auto now = log_.clock().steady(); now < due && !stopping_; now = log_.clock().steady())
    wake_.wait_for(mutex_, due - now);
}

// What an earlier process could not remove any more before it ended.
void Housekeeper::sweep() {
  if (log_.has_snapshot()) return;  // With a later pass.
  report("log.sweep_failed", sweep_deleted());
  std::vector<LeftOver> left_over;
  for (const auto& topic : log_.topics()) {
    for (const auto& partition : topic->partitions) {
      if (stopping_ || log_.has_snapshot()) return;
      if (partition->directory_is_durable)
        report("log.sweep_failed", find_left_over({topic, partition.get()}, left_over));
    }
  }
  // What is not in a list any more may be named by the last checkpoint, and by no later one.
  if (!left_over.empty() && !wait_for_checkpoint()) return;
  for (auto& file : left_over) log_.add_removable(*file.of.partition, std::move(file.path));
  swept_ = true;
}

Status Housekeeper::sweep_deleted() {
  const auto topics = log_.options().directory + "/topics";
  MYELIN_TRY(entries, log_.disk().list(topics));
  for (const auto& entry : entries) {
    if (!entry.is_directory || !entry.name.ends_with(".deleted")) continue;
    if (log_.has_snapshot()) return {};
    MYELIN_TRY_VOID(remove_directory(topics + "/" + entry.name));
  }
  return {};
}

// Only what lies before the segment that is written to and is not in the list: what comes behind it
// is the next start's to judge.
Status Housekeeper::find_left_over(const Owner& of, std::vector<LeftOver>& found) {
  const auto& partition = *of.partition;
  const auto segments = partition.segments();
  if (segments->empty()) return {};
  std::set<std::pair<std::int64_t, std::uint32_t>> named;
  for (const auto& segment : *segments)
    named.emplace(segment.base_offset.value, segment.generation);
  MYELIN_TRY(entries, log_.disk().list(partition.directory()));
  for (const auto& entry : entries) {
    const auto name = parse_segment_name(entry.name);
    if (!name || name->base >= segments->back().base_offset) continue;
    if (named.contains({name->base.value, name->generation})) continue;
    found.push_back({of, partition.directory() + "/" + entry.name});
  }
  return {};
}

HousekeepingCounts Housekeeper::counts() const {
  return {removed_records_, removed_bytes_, removed_files_, passes_};
}

}  // namespace myelin::log
