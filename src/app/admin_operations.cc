#include "app/admin_operations.h"

#include <algorithm>

#include "log/checkpoint.h"

namespace myelin::app {
namespace {

class LogSnapshot final : public admin::Snapshot {
 public:
  LogSnapshot(std::string directory, std::shared_ptr<const log::Snapshot> held)
      : directory_(std::move(directory)), held_(std::move(held)) {}

  const std::string& data_directory() const override { return directory_; }
  std::uint64_t commit() const override { return held_->state.through.value; }
  std::string checkpoint() const override { return log::encode_checkpoint(held_->state); }

 private:
  const std::string directory_;
  const std::shared_ptr<const log::Snapshot> held_;
};

void add_housekeeping(admin::LogReport& report, const log::Housekeeper& housekeeper) {
  const auto removed = housekeeper.counts();
  report.housekeeping_passes = removed.passes;
  report.retention_records = removed.removed_records;
  report.retention_bytes = removed.removed_bytes;
  report.retention_files = removed.removed_files;
  const auto compacted = housekeeper.compactor().counts();
  report.compaction_passes = compacted.passes;
  report.compaction_records = compacted.removed_records;
  report.compaction_read_bytes = compacted.read_bytes;
  report.compaction_written_bytes = compacted.written_bytes;
  const auto scrubbed = housekeeper.scrubber().report();
  report.scrub_rounds = scrubbed.rounds;
  report.scrub_bytes = scrubbed.bytes;
  if (scrubbed.rounds > 0) report.scrub_last_round = scrubbed.last_round;
}

void add_damage(admin::LogReport& report, const log::Scrubber& scrubber) {
  const auto ranges = scrubber.damage();
  report.damaged_ranges = ranges.size();
  report.damage.reserve(ranges.size());
  for (const auto& range : ranges) {
    report.damage.push_back({.topic = range.topic->spec.name,
                             .partition = range.partition.value,
                             .file = range.damage.path,
                             .byte = range.damage.byte,
                             .bytes = range.damage.bytes,
                             .first_offset = range.damage.first.value,
                             .last_offset = range.damage.last.value,
                             .what = range.damage.what});
  }
}

}  // namespace

admin::LogReport AdminOperations::log_report() {
  auto& log = broker_.log();
  const auto space = log.space();
  admin::LogReport report;
  report.directory = log.options().directory;
  report.directory_id = log.directory_id().to_string();
  report.format = log::kDirectoryFormat;
  report.start = log.incarnation();
  report.commit = log.visible().value;
  report.space_state = log::to_string(space.state);
  report.used_percent = space.used_percent;
  report.free_bytes = space.free_bytes;
  report.total_bytes = space.total_bytes;
  report.journal_used = log.journal_used();
  report.checkpoints = log.checkpoint_count();
  add_housekeeping(report, housekeeper_);
  add_damage(report, housekeeper_.scrubber());
  return report;
}

Result<std::shared_ptr<const admin::Snapshot>> AdminOperations::take_snapshot() {
  MYELIN_TRY(held, broker_.log().snapshot());
  return std::shared_ptr<const admin::Snapshot>(
      std::make_shared<LogSnapshot>(broker_.log().options().directory, std::move(held)));
}

std::vector<admin::TopicReport> AdminOperations::topics() {
  std::vector<admin::TopicReport> topics;
  for (const auto& topic : broker_.log().topics())
    topics.push_back(report(bus::TopicName::from_full(topic->spec.name), *topic));
  std::ranges::sort(topics, {}, [](const admin::TopicReport& topic) { return topic.name; });
  return topics;
}

Result<admin::TopicReport> AdminOperations::topic(const bus::TopicName& name) {
  const auto found = broker_.find(name);
  if (!found) return Error(ErrorCode::NotFound, "there is no such topic");
  return report(name, *found->stored);
}

admin::TopicReport AdminOperations::report(const bus::TopicName& name,
                                           const log::Topic& topic) const {
  admin::TopicReport report{name, topic.spec.id, {}, {}};
  for (const auto& partition : topic.partitions)
    report.partitions.push_back({partition->start(), partition->high_watermark()});
  // One that is being deleted has none any more.
  if (auto config = broker_.config_of(name)) report.config = std::move(*config);
  return report;
}

Status AdminOperations::check_config(const bus::TopicName& name,
                                     const admin::ConfigChanges& changes) {
  MYELIN_TRY(config, broker_.config_of(name));
  MYELIN_TRY(changed, broker::changed_config(config, changes));
  (void)changed;
  return {};
}

Status AdminOperations::configure(const bus::TopicName& name, const admin::ConfigChanges& changes) {
  return broker_.configure(name, changes);
}

Status AdminOperations::remove(const bus::TopicName& name) { return broker_.remove(name); }

Result<bus::Offset> AdminOperations::delete_records(const bus::TopicName& name,
                                                    bus::PartitionIndex partition,
                                                    bus::Offset before) {
  return broker_.delete_records(name, partition, before);
}

}  // namespace myelin::app
