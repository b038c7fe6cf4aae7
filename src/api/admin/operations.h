// Operations: what the admin API asks of the house: the log's state, snapshots, topics. app makes
// it of broker and log, which this module does not see.
//
// Thread-safe. Everything may block: it is called on the runtime's pool.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/uuid.h"
#include "bus/types.h"

namespace myelin::admin {

// A stored range that fails its checks.
struct DamageReport {
  std::string topic;
  std::int32_t partition = 0;
  std::string file;
  std::uint64_t byte = 0;
  std::uint64_t bytes = 0;
  std::int64_t first_offset = 0;
  std::int64_t last_offset = -1;  // Below the first: no record is hidden by it.
  std::string what;
};

struct LogReport {
  std::string directory{};
  std::string directory_id{};
  std::uint32_t format = 0;
  std::uint64_t start = 0;  // The incarnation: rises with each start of the server.
  std::uint64_t commit = 0;

  std::string space_state{};  // "ok", "low" or "full".
  std::uint32_t used_percent = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;  // Of the file system, as far as the server may use it.

  std::uint64_t housekeeping_passes = 0;  // Looks at retention and compaction since the start.
  double journal_used = 0;                // 0 to 1.
  std::uint64_t checkpoints = 0;

  std::uint64_t retention_records = 0;  // Removed since the start, as the next two.
  std::uint64_t retention_bytes = 0;
  std::uint64_t retention_files = 0;

  std::uint64_t compaction_passes = 0;
  std::uint64_t compaction_records = 0;  // Removed.
  std::uint64_t compaction_read_bytes = 0;
  std::uint64_t compaction_written_bytes = 0;

  std::uint64_t scrub_rounds = 0;
  std::uint64_t scrub_bytes = 0;
  std::optional<Timestamp> scrub_last_round{};

  std::uint64_t damaged_ranges = 0;
  std::vector<DamageReport> damage{};
};

struct PartitionReport {
  bus::Offset start;
  bus::Offset end;
};

struct TopicReport {
  bus::TopicName name;
  Uuid id;
  std::vector<PartitionReport> partitions;
  std::map<std::string, std::string> config;  // Its own settings, by Kafka's names.
};

// None: back to the default.
using ConfigChanges = std::map<std::string, std::optional<std::string>>;

// The stored state as of one commit: none of its files is removed as long as this lives, which is
// not longer than the log.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual const std::string& data_directory() const = 0;
  virtual std::uint64_t commit() const = 0;
  // The checkpoint, as docs/formats/checkpoint.md has it.
  virtual std::string checkpoint() const = 0;
};

class Operations {
 public:
  virtual ~Operations() = default;

  virtual LogReport log_report() = 0;
  virtual Result<std::shared_ptr<const Snapshot>> take_snapshot() = 0;

  // Of every tenant, the server's own too, by name.
  virtual std::vector<TopicReport> topics() = 0;
  // NotFound.
  virtual Result<TopicReport> topic(const bus::TopicName& name) = 0;
  // Whether configure() would take them: InvalidInput names the setting.
  virtual Status check_config(const bus::TopicName& name, const ConfigChanges& changes) = 0;

  // These end when the change is durable. NotFound; Forbidden for the server's own topics;
  // InvalidInput.
  virtual Status configure(const bus::TopicName& name, const ConfigChanges& changes) = 0;
  virtual Status remove(const bus::TopicName& name) = 0;
  // Gives the first offset that is kept.
  virtual Result<bus::Offset> delete_records(const bus::TopicName& name,
                                             bus::PartitionIndex partition, bus::Offset before) = 0;
};

}  // namespace myelin::admin
