// SimDisk: a disk in memory whose power a test can cut.
//
// It keeps what a crash keeps: content that was synced, names whose directory was synced, and of
// the rest any part, torn at sectors and in any order. crash_image() gives such a disk. A write of
// a Synced file is in flight between two steps, so an image taken in between has it torn.
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "log/disk.h"

namespace myelin::log {

class SimDisk final : public Disk {
 public:
  SimDisk() = default;

  Result<std::unique_ptr<File>> open(const std::string& path, Writes writes,
                                     Create create) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Status sync_file_system(const std::string& path) override;
  Result<DiskSpace> space(const std::string& path) override;
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override;
  std::string describe_weakness(const std::string&) override { return {}; }

  // The disk as it may be after its power was cut now.
  std::unique_ptr<SimDisk> crash_image(std::uint64_t seed);
  // Takes the image by itself at the given step (each change of the disk is one or two).
  void crash_at_step(std::uint64_t step, std::uint64_t seed);
  bool image_taken() const;
  std::unique_ptr<SimDisk> take_image();

  std::uint64_t steps() const;
  // The step's operation fails ("write", "sync", "rename", …) when the hook says so.
  void fail_when(std::function<bool(std::string_view operation, const std::string& path)> hook);
  void set_free_bytes(std::uint64_t bytes);
  void set_total_bytes(std::uint64_t bytes);
  // Syncs do nothing any more: what a test of the test uses.
  void ignore_syncs();

  // For tests that damage a disk: the current content, by path.
  std::string content(const std::string& path) const;
  void set_content(const std::string& path, std::string content);
  std::vector<std::string> paths() const;

 private:
  struct Change {
    enum class Kind : std::uint8_t { Write, Truncate, Allocate };
    Kind kind = Kind::Write;
    std::uint64_t at = 0;
    std::string bytes;
  };
  struct Inode {
    bool directory = false;
    std::string durable;
    std::string current;
    std::vector<Change> pending;
  };
  struct NameChange {
    std::string path;
    std::shared_ptr<Inode> inode;  // Empty: the name is gone.
    std::string from;              // A rename: this name goes in the same step.
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  class SimFile;
  class SimLock;

  static void apply(std::string& content, const Change& change);
  static void apply(Names& names, const NameChange& change);
  static void move_below(Names& names, const std::string& from, const std::string& to);
  static void apply_torn(std::string& content, const Change& change, std::mt19937_64& random);
  Status step(std::string_view operation, const std::string& path) MYELIN_REQUIRES(mutex_);
  void rename_locked(NameChange change) MYELIN_REQUIRES(mutex_);
  void sync_inode(Inode& inode) MYELIN_REQUIRES(mutex_);
  void sync_last_change(Inode& inode) MYELIN_REQUIRES(mutex_);
  std::unique_ptr<SimDisk> make_image(std::uint64_t seed) MYELIN_REQUIRES(mutex_);

  mutable Mutex mutex_;
  Names names_ MYELIN_GUARDED_BY(mutex_);
  Names durable_names_ MYELIN_GUARDED_BY(mutex_);
  std::vector<NameChange> name_changes_ MYELIN_GUARDED_BY(mutex_);  // Not yet synced, in order.
  std::set<std::string> locks_ MYELIN_GUARDED_BY(mutex_);
  std::uint64_t steps_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::uint64_t crash_step_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::uint64_t crash_seed_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<SimDisk> image_ MYELIN_GUARDED_BY(mutex_);
  bool image_taken_ MYELIN_GUARDED_BY(mutex_) = false;
  std::function<bool(std::string_view, const std::string&)> fail_ MYELIN_GUARDED_BY(mutex_);
  std::uint64_t free_bytes_ MYELIN_GUARDED_BY(mutex_) = 1ull << 40;
  std::uint64_t total_bytes_ MYELIN_GUARDED_BY(mutex_) = 0;
  bool ignore_syncs_ MYELIN_GUARDED_BY(mutex_) = false;
};

}  // namespace myelin::log
