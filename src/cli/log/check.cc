#include "cli/log/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/json_writer.h"
#include "cli/log/rebuild.h"
#include "cli/log/start_check.h"
#include "cli/log/text.h"
#include "log/file_pool.h"
#include "log/segment.h"
#include "log/verify.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::size_t kOpenFilesMax = 64;
constexpr std::size_t kStepBytes = 8u << 20;

enum class Weight : std::uint8_t {
  Damage,
  Note,  // Out of its place, but nothing is lost.
};

struct Finding {
  Weight weight = Weight::Damage;
  std::string text;
  std::string topic{};  // With a range of offsets that cannot be read.
  std::int32_t partition = 0;
  log::Damage damage{};
};

class Checker {
 public:
  Checker(World& world, const Options& options, const Store& store)
      : world_(world),
        options_(options),
        store_(store),
        files_(world.disk, kOpenFilesMax, log::Writes::None),
        progress_(world.err) {}

  Result<int> run() {
    const auto begun = world_.clock.steady();
    if (store_.checkpoint) {
      MYELIN_TRY_VOID(check_with_checkpoint());
    } else {
      find("checkpoint: " + store_.checkpoint_fault);
      MYELIN_TRY_VOID(check_without_checkpoint());
    }
    check_names();
    progress_.clear();
    took_ = std::chrono::duration_cast<std::chrono::milliseconds>(world_.clock.steady() - begun);
    damaged_ = std::ranges::count(findings_, Weight::Damage, &Finding::weight);
    if (options_.json) {
      print_json();
    } else {
      print_summary();
    }
    return damaged_ == 0 ? kWhole : kDamaged;
  }

 private:
  struct Work {
    std::string path;
    std::string topic;
    log::PartitionId id;
    log::SegmentState state;
    log::Offset end;
  };

  void find(std::string text, Weight weight = Weight::Damage) {
    findings_.push_back({weight, std::move(text)});
    print_finding(findings_.back());
  }

  void print_finding(const Finding& finding) {
    if (options_.json) return;
    progress_.clear();
    print(world_.out, fmt::format("{}{}\n", finding.weight == Weight::Note ? "note: " : "",
                                  printable(finding.text)));
  }

  Status check_with_checkpoint() {
    start_ = check_start(world_.disk, store_);
    for (const auto& refusal : start_.refusals) find(refusal);
    std::vector<Work> work;
    for (const auto& [id, topic] : store_.checkpoint->topics) {
      ++topics_;
      for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
        ++partitions_;
        const log::PartitionIndex index(static_cast<std::int32_t>(i));
        const auto path = partition_path(store_.directory, topic.name, index);
        named_[path] = id;
        const auto& state = topic.partitions[i];
        add_work(work, path, topic.name, {id, index}, state);
      }
    }
    // Folders of what only the journal knows as yet.
    for (const auto& [id, topic] : start_.after.topics) {
      for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
        named_[partition_path(store_.directory, topic.name,
                              log::PartitionIndex(static_cast<std::int32_t>(i)))] = id;
      }
    }
    return verify(work);
  }

  static void add_work(std::vector<Work>& work, const std::string& path, const std::string& topic,
                       const log::PartitionId& id, const log::PartitionState& state) {
    for (std::size_t s = 0; s < state.segments.size(); ++s) {
      const auto end =
          s + 1 < state.segments.size() ? state.segments[s + 1].base_offset : state.end;
      work.push_back({path, topic, id, state.segments[s], end});
    }
  }

  // What the files hold by their own account.
  Status check_without_checkpoint() {
    std::vector<Work> work;
    for (const auto& folder : store_.partitions) {
      if (!folder.topic) continue;
      named_[folder.path] = *folder.topic;
      ++partitions_;
      const log::PartitionId id{*folder.topic, folder.index};
      MYELIN_TRY(rebuilt, rebuild(world_.disk, id, &folder, Told{}));
      for (const auto& piece : rebuilt.pieces)
        work.push_back({folder.path, folder.topic_name, id, piece.state, piece.accounted_to});
    }
    return verify(work);
  }

  Status verify(const std::vector<Work>& work) {
    std::uint64_t all = 0;
    for (const auto& segment : work) all += segment.state.log_bytes;
    std::uint64_t before = 0;
    for (const auto& segment : work) {
      MYELIN_TRY_VOID(verify(segment, before, all));
      before += segment.state.log_bytes;
    }
    return {};
  }

  Status verify(const Work& work, std::uint64_t before, std::uint64_t all) {
    log::SegmentVerifier verifier(files_, work.path, work.id, work.state, work.end,
                                  log::VerifyDepth::Records);
    ++segments_;
    const auto name = work.path.substr(work.path.rfind('/') + 1);
    for (bool more = true; more;) {
      MYELIN_TRY(left, verifier.step(kStepBytes));
      more = left;
      for (auto& damage : verifier.take_damage()) {
        findings_.push_back({Weight::Damage, to_string(damage), work.topic, work.id.partition.value,
                             std::move(damage)});
        print_finding(findings_.back());
      }
      progress_.show(before + verifier.bytes(), all, printable(name));
    }
    batches_ += verifier.batches();
    records_ += verifier.records();
    bytes_ += verifier.bytes();
    return {};
  }

  // Names, and what partition.metadata says.
  void check_names() {
    for (const auto& folder : store_.partitions) {
      const auto topic = named_.find(folder.path);
      if (topic == named_.end()) {
        find(folder.path + " belongs to no topic", Weight::Note);
        continue;
      }
      if (folder.metadata == MetadataFile::Missing && !folder.segments.empty())
        find(folder.path + "/partition.metadata is missing", Weight::Note);
      if (folder.metadata == MetadataFile::Damaged)
        find(folder.path + "/partition.metadata is damaged");
      if (folder.metadata == MetadataFile::Good && *folder.topic != topic->second)
        find(folder.path + "/partition.metadata is another topic's");
      for (const auto& path : folder.others) find(path + " is no file of a segment", Weight::Note);
      if (store_.checkpoint) check_segments(folder);
    }
    for (const auto& path : store_.strays) find(path + ": nothing names it", Weight::Note);
    for (const auto& path : store_.deleted)
      find(path + ": of a deleted topic; a running server removes it", Weight::Note);
  }

  void check_segments(const PartitionFolder& folder) {
    const auto id = named_.at(folder.path);
    const auto topic = start_.after.topics.find(id);
    if (topic == start_.after.topics.end()) return;
    const auto index = static_cast<std::size_t>(folder.index.value);
    if (index >= topic->second.partitions.size()) return;
    const auto& state = topic->second.partitions[index];
    for (const auto& files : folder.segments) {
      const bool named = std::ranges::any_of(state.segments, [&](const auto& segment) {
        return segment.base_offset == files.base_offset && segment.generation == files.generation;
      });
      const bool next = files.generation == 0 && files.base_offset >= state.end;
      if (named || next || !start_.journal_read) continue;
      find(log::segment_path(folder.path, files.base_offset, files.generation,
                             log::SegmentFile::Log) +
               ": neither checkpoint nor journal name this segment",
           Weight::Note);
    }
  }

  std::string journal_text() const {
    if (!store_.checkpoint) return "not read: nobody says where to begin";
    if (store_.checkpoint->clean) return "nothing behind the checkpoint (an orderly stop)";
    return fmt::format(
        "{} with {} behind the checkpoint{}", count_text(start_.replayed_frames, "frame"),
        count_text(start_.replayed_batches, "batch"), start_.journal_read ? "" : ", then damage");
  }

  void print_summary() {
    std::string text;
    if (!findings_.empty()) text += "\n";
    const auto line = [&](std::string_view name, const std::string& value) {
      text += fmt::format("{:<11} {}\n", name, value);
    };
    line("directory", printable(store_.directory));
    if (store_.checkpoint) {
      line("checkpoint",
           fmt::format("format {}, start {}, through commit {}", store_.checkpoint->format,
                       store_.checkpoint->incarnation, store_.checkpoint->through.value));
    } else {
      line("checkpoint", store_.checkpoint_fault);
    }
    line("journal", journal_text());
    if (topics_ > 0) line("topics", std::to_string(topics_));
    line("partitions", std::to_string(partitions_));
    line("segments", std::to_string(segments_));
    line("verified", fmt::format("{}, {}, {} in {:.1f} s", count_text(records_, "record"),
                                 count_text(batches_, "batch"), size_text(bytes_),
                                 static_cast<double>(took_.count()) / 1000));
    line("result", damaged_ == 0
                       ? "whole"
                       : fmt::format("{} of damage{}",
                                     count_text(static_cast<std::uint64_t>(damaged_), "finding"),
                                     start_.refusals.empty() && store_.checkpoint
                                         ? "; a server starts"
                                         : "; a server does not start"));
    print(world_.out, text);
  }

  void print_json() {
    std::string text;
    JsonWriter json(text, JsonWriter::Layout::Indented);
    json.begin_object();
    json.member("directory", store_.directory);
    json.member("whole", damaged_ == 0);
    json.member("starts", store_.checkpoint && start_.starts());
    json.member("topics", topics_);
    json.member("partitions", partitions_);
    json.member("segments", segments_);
    json.member("batches", batches_);
    json.member("records", records_);
    json.member("bytes", bytes_);
    json.member("journalFrames", start_.replayed_frames);
    json.member("journalRead", start_.journal_read);
    json.member("milliseconds", took_.count());
    json.key("findings");
    json.begin_array();
    for (const auto& finding : findings_) {
      json.begin_object();
      json.member("weight", finding.weight == Weight::Note ? "note" : "damage");
      json.member("text", finding.text);
      if (!finding.topic.empty()) write_range(json, finding);
      json.end_object();
    }
    json.end_array();
    json.end_object();
    print(world_.out, text + "\n");
  }

  static void write_range(JsonWriter& json, const Finding& finding) {
    const auto& damage = finding.damage;
    json.member("kind", to_string(damage.kind));
    json.member("topic", finding.topic);
    json.member("partition", finding.partition);
    json.member("path", damage.path);
    json.member("byte", damage.byte);
    json.member("bytes", damage.bytes);
    if (!damage.hides_records()) return;
    json.member("firstOffset", damage.first.value);
    json.member("lastOffset", damage.last.value);
  }

  World& world_;
  const Options& options_;
  const Store& store_;
  log::FilePool files_;
  Progress progress_;
  StartCheck start_;
  std::map<std::string, log::TopicId> named_;  // Partitions' paths.
  std::vector<Finding> findings_;
  std::int64_t damaged_ = 0;
  std::uint64_t topics_ = 0;
  std::uint64_t partitions_ = 0;
  std::uint64_t segments_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
  std::chrono::milliseconds took_{};
};

}  // namespace

Result<int> check(World& world, const Options& options, const Store& store) {
  return Checker(world, options, store).run();
}

}  // namespace myelin::cli::log_tools
