#include "log/file_pool.h"

namespace myelin::log {

std::shared_ptr<File> FilePool::find(const std::string& path) {
  MutexLock lock(mutex_);
  return find_locked(path);
}

Result<std::shared_ptr<File>> FilePool::get(const std::string& path) {
  MutexLock lock(mutex_);
  if (auto file = find_locked(path)) return file;
  return open(path, Create::No);
}

std::shared_ptr<File> FilePool::find_locked(const std::string& path) {
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->second;
}

Result<std::shared_ptr<File>> FilePool::create(const std::string& path, Create create) {
  forget(path);
  MutexLock lock(mutex_);
  return open(path, create);
}

void FilePool::forget(const std::string& path) {
  std::shared_ptr<File> closed;  // Outside of the lock.
  MutexLock lock(mutex_);
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return;
  closed = std::move(found->second->second);
  recent_.erase(found->second);
  by_path_.erase(found);
}

void FilePool::forget_below(std::string_view directory) {
  std::list<Item> closed;  // Outside of the lock.
  MutexLock lock(mutex_);
  for (auto it = recent_.begin(); it != recent_.end();) {
    const auto item = it++;
    if (!item->first.starts_with(directory)) continue;
    by_path_.erase(item->first);
    closed.splice(closed.end(), recent_, item);
  }
}

Result<std::shared_ptr<File>> FilePool::open(const std::string& path, Create create) {
  MYELIN_TRY(file, disk_.open(path, writes_, create));
  std::shared_ptr<File> shared = std::move(file);
  recent_.emplace_front(path, shared);
  by_path_[path] = recent_.begin();
  if (recent_.size() > open_max_) {
    by_path_.erase(recent_.back().first);
    recent_.pop_back();
  }
  return shared;
}

}  // namespace myelin::log
