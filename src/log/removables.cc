#include "log/removables.h"

#include <fmt/format.h>

namespace myelin::log {

std::vector<std::string> Removables::list() const {
  MutexLock lock(mutex_);
  if (is_held_()) return {};
  return {paths_.begin(), paths_.end()};
}

Status Removables::touch(const std::string& path, const std::function<Status()>& step) {
  MutexLock lock(mutex_);
  if (is_held_() || !paths_.contains(path))
    return Error(ErrorCode::Conflict, fmt::format("{} is not to be removed", path));
  return step();
}

void Removables::forget(const std::string& path) {
  MutexLock lock(mutex_);
  paths_.erase(path);
}

void Removables::add(std::string path) {
  MutexLock lock(mutex_);
  paths_.insert(std::move(path));
}

void Removables::add_if(std::string path, const std::function<bool()>& is_wanted) {
  MutexLock lock(mutex_);
  if (is_wanted()) paths_.insert(std::move(path));
}

Status Removables::move(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  MYELIN_TRY_VOID(disk_.rename(from, to));
  const auto below = from + "/";
  for (auto at = paths_.lower_bound(below); at != paths_.end() && at->starts_with(below);)
    at = paths_.erase(at);
  paths_.insert(to);
  return {};
}

}  // namespace myelin::log
