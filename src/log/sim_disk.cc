#include "log/sim_disk.h"

#include <fmt/format.h>

#include <algorithm>

namespace myelin::log {
namespace {

constexpr std::size_t kSectorBytes = 512;

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool is_below(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

Error not_found(const std::string& path) {
  return Error(ErrorCode::NotFound, "opening " + path + ": No such file or directory");
}

}  // namespace

class SimDisk::SimFile final : public File {
 public:
  SimFile(SimDisk& disk, std::shared_ptr<Inode> inode, std::string path, Writes writes)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), writes_(writes) {}

  Result<std::size_t> read_at(std::uint64_t position, char* to, std::size_t size) override {
    MutexLock lock(disk_.mutex_);
    if (disk_.fail_ && disk_.fail_("read", path_)) {
      return Error(ErrorCode::Unavailable, "read of " + path_ + ": Input/output error");
    }
    const auto& bytes = inode_->current;
    if (position >= bytes.size()) return std::size_t{0};
    const auto count = std::min<std::size_t>(size, bytes.size() - position);
    std::memcpy(to, bytes.data() + position, count);
    return count;
  }

  Status write_at(std::uint64_t position, std::string_view bytes) override {
    return change({Change::Kind::Write, position, std::string(bytes)}, "write");
  }
  Status truncate(std::uint64_t size) override {
    return change({Change::Kind::Truncate, size, {}}, "truncate");
  }
  Status allocate(std::uint64_t size) override {
    return change({Change::Kind::Allocate, size, {}}, "allocate");
  }

  Status sync() override {
    MutexLock lock(disk_.mutex_);
    MYELIN_TRY_VOID(disk_.step("sync", path_));
    disk_.sync_inode(*inode_);
    return disk_.step("synced", path_);
  }

  Result<std::uint64_t> size_bytes() override {
    MutexLock lock(disk_.mutex_);
    return std::uint64_t{inode_->current.size()};
  }

 private:
  Status change(Change change, std::string_view operation) {
    MutexLock lock(disk_.mutex_);
    if (disk_.fail_ && disk_.fail_(operation, path_)) {
      return Error(disk_.free_bytes_ == 0 ? ErrorCode::Exhausted : ErrorCode::Unavailable,
                   fmt::format("{} of {}: Input/output error", operation, path_));
    }
    apply(inode_->current, change);
    inode_->pending.push_back(std::move(change));
    MYELIN_TRY_VOID(disk_.step("in flight", path_));
    if (writes_ == Writes::Synced) disk_.sync_last_change(*inode_);
    return disk_.step("written", path_);
  }

  SimDisk& disk_;
  const std::shared_ptr<Inode> inode_;
  const std::string path_;
  const Writes writes_;
};

class SimDisk::SimLock final : public DirectoryLock {
 public:
  SimLock(SimDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  ~SimLock() override {
    MutexLock lock(disk_.mutex_);
    disk_.locks_.erase(path_);
  }

 private:
  SimDisk& disk_;
  const std::string path_;
};

Status SimDisk::step(std::string_view operation, const std::string& path) {
  if (fail_ && fail_(operation, path)) {
    return Error(ErrorCode::Unavailable,
                 fmt::format("{} of {}: Input/output error", operation, path));
  }
  if (++steps_ == crash_step_ && !image_taken_) {
    image_ = make_image(crash_seed_);
    image_taken_ = true;
  }
  return {};
}

void SimDisk::apply(std::string& content, const Change& change) {
  switch (change.kind) {
    case Change::Kind::Truncate: content.resize(change.at); return;
    case Change::Kind::Allocate:
      if (content.size() < change.at) content.resize(change.at);
      return;
    case Change::Kind::Write:
      if (content.size() < change.at + change.bytes.size())
        content.resize(change.at + change.bytes.size());
      content.replace(change.at, change.bytes.size(), change.bytes);
      return;
  }
}

void SimDisk::apply_torn(std::string& content, const Change& change, std::mt19937_64& random) {
  if (change.kind != Change::Kind::Write) return apply(content, change);
  std::size_t done = 0;
  while (done < change.bytes.size()) {
    const auto in_sector = kSectorBytes - (change.at + done) % kSectorBytes;
    const auto count = std::min(in_sector, change.bytes.size() - done);
    if (random() % 2 == 0)
      apply(content, {Change::Kind::Write, change.at + done, change.bytes.substr(done, count)});
    done += count;
  }
}

void SimDisk::apply(Names& names, const NameChange& change) {
  if (!change.from.empty()) {
    names.erase(change.from);
    if (change.inode->directory) move_below(names, change.from, change.path);
  }
  if (change.inode) {
    names[change.path] = change.inode;
  } else {
    names.erase(change.path);
  }
}

// What is in a directory goes with it.
void SimDisk::move_below(Names& names, const std::string& from, const std::string& to) {
  Names moved;
  for (auto it = names.lower_bound(from + "/"); it != names.end() && is_below(it->first, from);
       it = names.erase(it)) {
    moved[to + it->first.substr(from.size())] = it->second;
  }
  names.merge(moved);
}

void SimDisk::rename_locked(NameChange change) {
  apply(names_, change);
  name_changes_.push_back(std::move(change));
}

void SimDisk::sync_inode(Inode& inode) {
  if (ignore_syncs_) return;
  for (const auto& change : inode.pending) apply(inode.durable, change);
  inode.pending.clear();
}

// A synced write takes its own bytes and the sizes that the file had to the disk, and no other
// bytes.
void SimDisk::sync_last_change(Inode& inode) {
  if (ignore_syncs_) return;
  auto& pending = inode.pending;
  for (auto it = pending.begin(); it != pending.end();) {
    const bool last = it + 1 == pending.end();
    if (!last && it->kind == Change::Kind::Write) {
      ++it;
      continue;
    }
    apply(inode.durable, *it);
    it = pending.erase(it);
  }
}

std::unique_ptr<SimDisk> SimDisk::make_image(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  // By seed: nothing unsynced survives, everything does, or any part.
  const auto mode = random() % 4;
  const auto survives = [&] { return mode == 0 ? false : mode == 1 ? true : random() % 2 == 0; };
  Names names = durable_names_;
  // Changes of directories' names keep their order: what rests on one that is lost is lost too.
  std::vector<std::string> lost;
  const auto is_lost = [&](const std::string& path) {
    return std::any_of(lost.begin(), lost.end(), [&](const std::string& directory) {
      return path == directory || is_below(path, directory);
    });
  };
  for (const auto& change : name_changes_) {
    const bool possible = (change.from.empty() || names.contains(change.from)) &&
                          !is_lost(change.path) && !is_lost(change.from);
    if (possible && survives()) {
      apply(names, change);
    } else if (change.inode && change.inode->directory) {
      lost.push_back(change.path);
      if (!change.from.empty()) lost.push_back(change.from);
    }
  }
  auto image = std::make_unique<SimDisk>();
  MutexLock lock(image->mutex_);
  for (const auto& [path, inode] : names) {
    // Names come in order: a parent before what is in it. The test's root has none.
    const auto parent = parent_of(path);
    if (!parent.empty() && !image->names_.contains(parent)) continue;
    auto copy = std::make_shared<Inode>();
    copy->directory = inode->directory;
    copy->durable = inode->durable;
    for (const auto& change : inode->pending) {
      if (!survives()) continue;
      if (mode == 1) {
        apply(copy->durable, change);
      } else {
        apply_torn(copy->durable, change, random);
      }
    }
    copy->current = copy->durable;
    image->names_[path] = copy;
  }
  image->durable_names_ = image->names_;
  return image;
}

std::unique_ptr<SimDisk> SimDisk::crash_image(std::uint64_t seed) {
  MutexLock lock(mutex_);
  return make_image(seed);
}

void SimDisk::crash_at_step(std::uint64_t step, std::uint64_t seed) {
  MutexLock lock(mutex_);
  crash_step_ = step;
  crash_seed_ = seed;
}

bool SimDisk::image_taken() const {
  MutexLock lock(mutex_);
  return image_taken_;
}

std::unique_ptr<SimDisk> SimDisk::take_image() {
  MutexLock lock(mutex_);
  return std::move(image_);
}

std::uint64_t SimDisk::steps() const {
  MutexLock lock(mutex_);
  return steps_;
}

void SimDisk::fail_when(std::function<bool(std::string_view, const std::string&)> hook) {
  MutexLock lock(mutex_);
  fail_ = std::move(hook);
}

void SimDisk::set_free_bytes(std::uint64_t bytes) {
  MutexLock lock(mutex_);
  free_bytes_ = bytes;
}

void SimDisk::set_total_bytes(std::uint64_t bytes) {
  MutexLock lock(mutex_);
  total_bytes_ = bytes;
}

void SimDisk::ignore_syncs() {
  MutexLock lock(mutex_);
  ignore_syncs_ = true;
}

std::string SimDisk::content(const std::string& path) const {
  MutexLock lock(mutex_);
  const auto found = names_.find(path);
  return found == names_.end() ? std::string() : found->second->current;
}

void SimDisk::set_content(const std::string& path, std::string content) {
  MutexLock lock(mutex_);
  auto& inode = names_[path];
  if (!inode) inode = std::make_shared<Inode>();
  inode->current = inode->durable = std::move(content);
  inode->pending.clear();
  durable_names_[path] = inode;
}

std::vector<std::string> SimDisk::paths() const {
  MutexLock lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, inode] : names_) {
    if (!inode->directory) paths.push_back(path);
  }
  return paths;
}

Result<std::unique_ptr<File>> SimDisk::open(const std::string& path, Writes writes, Create create) {
  MutexLock lock(mutex_);
  auto found = names_.find(path);
  if (found == names_.end()) {
    if (create == Create::No || !names_.contains(parent_of(path))) return not_found(path);
    MYELIN_TRY_VOID(step("create", path));
    rename_locked({path, std::make_shared<Inode>(), {}});
    found = names_.find(path);
  } else if (create == Create::Empty) {
    const Change change{Change::Kind::Truncate, 0, {}};
    apply(found->second->current, change);
    found->second->pending.push_back(change);
    MYELIN_TRY_VOID(step("truncate", path));
  }
  return std::unique_ptr<File>(std::make_unique<SimFile>(*this, found->second, path, writes));
}

Status SimDisk::rename(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  const auto found = names_.find(from);
  if (found == names_.end()) return not_found(from);
  MYELIN_TRY_VOID(step("rename", from));
  // As the system call: a directory takes no other's place that has something in it.
  const auto within = names_.lower_bound(to + "/");
  if (within != names_.end() && within->first.starts_with(to + "/"))
    return Error(ErrorCode::Conflict, fmt::format("cannot rename {}: {} is not empty", from, to));
  rename_locked({to, found->second, from});
  return step("renamed", to);
}

Status SimDisk::remove(const std::string& path) {
  MutexLock lock(mutex_);
  if (!names_.contains(path)) return not_found(path);
  MYELIN_TRY_VOID(step("remove", path));
  rename_locked({path, nullptr, {}});
  return {};
}

Status SimDisk::make_directory(const std::string& path) {
  MutexLock lock(mutex_);
  if (names_.contains(path)) return {};
  MYELIN_TRY_VOID(step("mkdir", path));
  auto inode = std::make_shared<Inode>();
  inode->directory = true;
  // The test's own root is there before the test.
  if (!names_.contains(parent_of(path))) durable_names_[path] = inode;
  rename_locked({path, std::move(inode), {}});
  return {};
}

Result<std::vector<DirectoryEntry>> SimDisk::list(const std::string& path) {
  MutexLock lock(mutex_);
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, inode] : names_) {
    if (name != path && parent_of(name) == path) {
      entries.push_back({name.substr(path.size() + 1), inode->directory});
    }
  }
  return entries;
}

Result<bool> SimDisk::exists(const std::string& path) {
  MutexLock lock(mutex_);
  return names_.contains(path);
}

Status SimDisk::sync_directory(const std::string& path) {
  MutexLock lock(mutex_);
  MYELIN_TRY_VOID(step("sync directory", path));
  if (ignore_syncs_) return {};

  std::vector<NameChange> left;
  for (auto& change : name_changes_) {
    if (parent_of(change.path) == path) {
      apply(durable_names_, change);
      if (!change.from.empty() && change.inode->directory) {
        for (auto& earlier : left) {
          if (is_below(earlier.path, change.from))
            earlier.path = change.path + earlier.path.substr(change.from.size());
        }
      }
    } else {
      left.push_back(std::move(change));
    }
  }
  name_changes_ = std::move(left);
  return step("synced directory", path);
}

Status SimDisk::sync_file_system(const std::string& path) {
  MutexLock lock(mutex_);
  MYELIN_TRY_VOID(step("sync file system", path));
  if (ignore_syncs_) return {};
  for (auto& [name, inode] : names_) sync_inode(*inode);
  for (const auto& change : name_changes_) apply(durable_names_, change);
  name_changes_.clear();
  return {};
}

Result<DiskSpace> SimDisk::space(const std::string&) {
  MutexLock lock(mutex_);
  return DiskSpace{free_bytes_, total_bytes_};
}

Result<std::unique_ptr<DirectoryLock>> SimDisk::lock(const std::string& path) {
  MutexLock lock(mutex_);
  if (!locks_.insert(path).second) return Error(ErrorCode::Conflict, "in use by a running server");
  if (!names_.contains(path)) rename_locked({path, std::make_shared<Inode>(), {}});
  return std::unique_ptr<DirectoryLock>(std::make_unique<SimLock>(*this, path));
}

}  // namespace myelin::log
