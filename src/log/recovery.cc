// Opening and closing: a fresh directory is made, an old one is brought to the state that was
// acknowledged.
//
// Every recovery ends with a checkpoint that covers all frames found, written before a door opens:
// so a frame that was read from a cache and perhaps never reached the disk is in synced segments
// before anybody sees it, and the journal begins anew behind it under a higher incarnation.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "log/directory.h"
#include "log/log.h"
#include "log/replay.h"

namespace myelin::log {
namespace {

constexpr std::size_t kReplayBytes = 32u << 20;

std::string partition_directory(const std::string& directory, const TopicSpec& spec,
                                std::int32_t partition) {
  return fmt::format("{}/topics/{}-{}", directory, spec.name, partition);
}

}  // namespace

Log::Log(Disk& disk, const Clock& clock, Options options)
    : disk_(disk),
      clock_(clock),
      options_(std::move(options)),
      files_(disk, options_.open_files_max),
      space_(disk, clock, options_.directory, options_.space),
      large_batches_(disk) {
  MYELIN_CHECK(options_.fail != nullptr, "the log needs to know what to do when it fails");
  stored_producers_.max = options_.producers_max;
}

Result<std::unique_ptr<Log>> Log::open(Disk& disk, const Clock& clock, Random& random,
                                       Options options) {
  const auto context = fmt::format("data directory {}", options.directory);
  std::unique_ptr<Log> log(new Log(disk, clock, std::move(options)));
  auto status = log->open_directory(random);
  if (!status) return std::move(status).error().with_context(context);
  log->start_threads();
  return log;
}

Status Log::open_directory(Random& random) {
  MYELIN_TRY(kind, inspect_directory(disk_, options_.directory));
  MYELIN_TRY_VOID(disk_.make_directory(options_.directory));
  MYELIN_TRY(lock, disk_.lock(options_.directory + "/lock"));
  lock_ = std::move(lock);
  // Another server may have changed it before we had the lock.
  MYELIN_TRY(kind_now, inspect_directory(disk_, options_.directory));
  if (kind != kind_now) return Error(ErrorCode::Conflict, "another server has just opened it");
  // Errors of writebacks from here on are seen by later syncs of the file system.
  MYELIN_TRY_VOID(disk_.sync_file_system(options_.directory));
  if (kind == DirectoryKind::Fresh) {
    MYELIN_TRY_VOID(initialize(random));
  } else {
    MYELIN_TRY_VOID(remove_mark());
  }
  MYELIN_TRY(checkpoint, read_checkpoint(disk_, options_.directory));
  MYELIN_TRY_VOID(recover(std::move(checkpoint), random));
  weakness_ = disk_.describe_weakness(options_.directory);
  space_.refresh();
  return {};
}

Status Log::initialize(Random& random) {
  const auto& directory = options_.directory;
  const auto mark = directory + "/" + kInitializingMark;
  MYELIN_TRY(file, disk_.open(mark, Writes::Buffered, Create::Empty));
  file.reset();
  MYELIN_TRY_VOID(disk_.sync_directory(directory));
  MYELIN_CHECK(options_.journal_file_bytes >= 8 * kBlockBytes && options_.journal_file_count >= 2,
               "a journal too small to turn");
  Checkpoint fresh;
  random.fill(fresh.directory.bytes.data(), fresh.directory.bytes.size());
  fresh.directory.bytes[6] = static_cast<std::uint8_t>((fresh.directory.bytes[6] & 0x0f) | 0x40);
  fresh.directory.bytes[8] = static_cast<std::uint8_t>((fresh.directory.bytes[8] & 0x3f) | 0x80);
  fresh.journal_file_bytes = options_.journal_file_bytes / kBlockBytes * kBlockBytes;
  fresh.journal_file_count = options_.journal_file_count;
  fresh.clean = true;
  const JournalGeometry geometry{directory + "/journal", fresh.journal_file_bytes,
                                 fresh.journal_file_count};
  MYELIN_TRY_VOID(create_journal(disk_, geometry, 1));
  MYELIN_TRY_VOID(disk_.make_directory(directory + "/topics"));
  MYELIN_TRY_VOID(replace_file(disk_, directory, "checkpoint", encode_checkpoint(fresh)));
  fresh_ = true;
  return remove_mark();
}

Status Log::remove_mark() {
  const auto mark = options_.directory + "/" + kInitializingMark;
  MYELIN_TRY(there, disk_.exists(mark));
  if (!there) return {};
  MYELIN_TRY_VOID(disk_.remove(mark));
  return disk_.sync_directory(options_.directory);
}

Status Log::recover(Checkpoint checkpoint, Random& random) {
  state_ = std::move(checkpoint);
  directory_id_ = state_.directory;
  geometry_ = {options_.directory + "/journal", state_.journal_file_bytes,
               state_.journal_file_count};
  MYELIN_TRY_VOID(check_journal(disk_, geometry_));
  MYELIN_TRY_VOID(check_no_later_start(disk_, geometry_, writer_id()));
  MYELIN_TRY_VOID(load());
  auto lap = state_.replay.lap;
  if (!state_.clean) {
    MYELIN_TRY(last_lap, replay());
    lap = last_lap;
  }
  return finish_recovery(lap + 1, random);
}

JournalWriterId Log::writer_id() const {
  return {state_.directory, state_.incarnation, state_.secret};
}

// The catalogue of the checkpoint, held against the files.
Status Log::load() {
  for (auto& [id, topic] : state_.topics) {
    auto made = std::make_shared<Topic>();
    made->spec = {id, topic.name, static_cast<std::int32_t>(topic.partitions.size()), topic.config};
    for (std::int32_t i = 0; i < made->spec.partitions; ++i) {
      auto& state = topic.partitions[static_cast<std::size_t>(i)];
      const PartitionId partition{id, PartitionIndex(i)};
      stored_producers_.count += state.producers.size();
      MYELIN_TRY_VOID(check_partition(
          partition, partition_directory(options_.directory, made->spec, i), state));
      made->partitions.push_back(make_partition(made->spec, PartitionIndex(i), state));
    }
    add_topic(made);
  }
  return {};
}

Status Log::check_partition(PartitionId id, const std::string& directory, PartitionState& state) {
  if (state.segments.empty()) return {};
  const auto& active = state.segments.back();
  const Segment segment(files_, directory, id, active);
  auto length = segment.check(active);
  if (!length && length.error().code() == ErrorCode::NotFound) {
    return Error(ErrorCode::Corrupt,
                 fmt::format("it is half deleted: {}", length.error().message()));
  }
  if (!length) return std::move(length).error();
  if (*length == Segment::Length::Longer) to_cut_.insert(id);
  if (!state_.clean) segment.start_read(active);
  if (state_.format == 1) describe_segments(id, directory, state);
  return {};
}

// What format 1 did not write down. A companion that cannot be read leaves its segment as young as
// can be, so that nothing of it is taken for old.
void Log::describe_segments(PartitionId id, const std::string& directory, PartitionState& state) {
  for (auto& segment : state.segments) {
    segment.first_received_ms = segment.last_received_ms = to_ms(state_.last_received);
    segment.last_commit = state_.through;
    if (segment.batch_count == 0) continue;
    const Segment stored(files_, directory, id, segment);
    const auto first = stored.entries(segment, 0, 1);
    const auto last = stored.entries(segment, segment.batch_count - 1, 1);
    if (first && first->front()) segment.first_received_ms = first->front()->received_ms;
    if (!last || !last->front()) continue;
    segment.last_received_ms = last->front()->received_ms;
    segment.last_commit = last->front()->commit;
  }
}

void Log::add_topic(const TopicPtr& topic) {
  MutexLock lock(queue_mutex_);
  topics_[topic->spec.id] = topic;
}

// Brings the frames behind the checkpoint into state and segments. Gives the last lap that holds
// one.
Result<std::uint64_t> Log::replay() {
  JournalReader reader(disk_, geometry_, writer_id(), state_.replay, state_.through);
  const auto make = [this](const TopicSpec& spec, PartitionIndex index) {
    return make_partition(spec, index, {});
  };
  ReplayCatalogue catalogue{files_, make, state_.format > 1};
  for (const auto& topic : topics()) catalogue.add(topic);
  std::size_t bytes = 0;
  for (bool more = true; more;) {
    MYELIN_TRY(frame, reader.next());
    more = frame.has_value();
    if (frame) {
      MYELIN_TRY(commit, replay_frame(catalogue, *frame));
      space_.reserve(commit->reserved);
      bytes += commit->bytes;
      publish(commit);
    }
    if (!more || bytes > kReplayBytes) {
      MYELIN_TRY_VOID(flush_waiting());
      bytes = 0;
    }
  }
  MutexLock lock(queue_mutex_);
  topics_.clear();
  for (const auto& [id, topic] : catalogue.topics) topics_[id] = topic;
  return reader.lap();
}

Status Log::finish_recovery(std::uint64_t lap, Random& random) {
  MYELIN_TRY_VOID(sync_dirty());
  MYELIN_TRY_VOID(cut_segments());
  expire_stored_producers();
  incarnation_ = ++state_.incarnation;
  random.fill(&state_.secret, sizeof state_.secret);
  state_.replay = {lap, 0};
  last_commit_ = state_.through;
  {
    MutexLock lock(queue_mutex_);
    last_received_ = state_.last_received;
    producers_total_ = stored_producers_;
    for (auto& [id, topic] : topics_) {
      for (auto& partition : topic->partitions) {
        partition->next_offset = partition->high_watermark();
        partition->producers = find_state(*partition)->producers;
      }
    }
  }
  {
    MutexLock lock(buffer_mutex_);
    visible_ = flushed_ = state_.through;
  }
  journal_ = std::make_unique<JournalWriter>(disk_, geometry_, writer_id(), lap);
  MYELIN_TRY_VOID(journal_->open());
  write_bytes_max_ = geometry_.frame_bytes_max() - kBlockBytes;
  space_.reset();
  return write_checkpoint(Clean::No);
}

// What lies behind the last replayed end was never acknowledged.
Status Log::cut_segments() {
  for (const auto& topic : topics()) {
    for (const auto& partition : topic->partitions) {
      const auto* state = find_state(*partition);
      MYELIN_CHECK(state != nullptr, "a partition outside the catalogue");
      MYELIN_TRY_VOID(cut_partition(*partition, *state));
    }
  }
  to_cut_.clear();
  return {};
}

Status Log::cut_partition(const Partition& partition, const PartitionState& state) {
  // One that would come next shows a loss as well.
  const SegmentState next{state.end, 0, 0};
  const auto cut =
      Segment(files_, partition.directory(), partition.id(), next).cut(next, state_.through);
  if (!cut && cut.error().code() != ErrorCode::NotFound) return cut.error();
  if (state.segments.empty()) return {};
  const auto& active = state.segments.back();
  MYELIN_TRY(
      was_longer,
      Segment(files_, partition.directory(), partition.id(), active).cut(active, state_.through));
  (void)was_longer;
  return {};
}

void Log::start_threads() {
  committer_ = std::thread([this] { commit_loop(); });
  flusher_ = std::thread([this] { flush_loop(); });
  if (!fresh_) return;
  preparer_ = std::thread([this] {
    for (auto more = journal_->prepare(); more && *more;) more = journal_->prepare();
  });
}

std::vector<TopicPtr> Log::topics() const {
  std::vector<TopicPtr> topics;
  MutexLock lock(queue_mutex_);
  topics.reserve(topics_.size());
  for (const auto& [id, topic] : topics_) topics.push_back(topic);
  return topics;
}

void Log::set_policy(Topic& topic, const TopicPolicy& policy) const {
  topic.policy.set(std::make_shared<const TopicPolicy>(policy));
  for (const auto& partition : topic.partitions) partition->follow(policy);
}

std::unique_ptr<Partition> Log::make_partition(const TopicSpec& spec, PartitionIndex index,
                                               const PartitionState& state) {
  auto partition = std::make_unique<Partition>(
      files_, PartitionId{spec.id, index},
      partition_directory(options_.directory, spec, index.value), state);
  partition->segment_bytes = options_.segment_bytes;
  return partition;
}

TopicPtr Log::make_topic(TopicSpec spec) {
  auto topic = std::make_shared<Topic>();
  topic->spec = std::move(spec);
  topic->partitions.grow(missing_partitions(
      *topic, topic->spec.partitions,
      [this](const auto& of, auto index) { return make_partition(of, index, {}); }));
  return topic;
}

Status Log::close() {
  if (!committer_.joinable()) return {};
  {
    MutexLock lock(queue_mutex_);
    closing_ = true;
    queue_changed_.notify_all();
  }
  {
    MutexLock lock(buffer_mutex_);
    stopping_ = true;
    buffer_changed_.notify_all();
  }
  committer_.join();
  journal_->stop_preparing();
  if (preparer_.joinable()) preparer_.join();
  {
    MutexLock lock(buffer_mutex_);
    stop_flusher_ = true;
    buffer_changed_.notify_all();
  }
  flusher_.join();
  if (failed_) {
    MutexLock lock(buffer_mutex_);
    return Error(ErrorCode::Unavailable, failure_);
  }
  MYELIN_TRY_VOID(flush_and_checkpoint());
  return write_checkpoint(state_.through == last_commit_ ? Clean::Yes : Clean::No);
}

Log::~Log() {
  // An error here leaves the directory as after a crash: the next open recovers it.
  [[maybe_unused]] const auto status = close();
}

}  // namespace myelin::log
