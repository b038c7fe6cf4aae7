// Removables: the files and directories that no durable checkpoint names any more, until whoever
// removes them has done so.
//
// Owned by the log; thread-safe. The paths of a deleted topic may be those of the next topic of its
// name: so nothing is opened or removed while a directory leaves its name, and what lay below that
// name is no longer removable. Nothing is, while there is a snapshot.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "log/disk.h"

namespace myelin::log {

class Removables {
 public:
  // `is_held`: whether there is a snapshot. It takes no lock that is held around a call of this.
  Removables(Disk& disk, std::function<bool()> is_held)
      : disk_(disk), is_held_(std::move(is_held)) {}

  std::vector<std::string> list() const;
  // Does `step`, which opens or removes the path, or returns Conflict when that is not removable,
  // any more or just now.
  Status touch(const std::string& path, const std::function<Status()>& step);
  // It is gone, or somebody is about to write to it.
  void forget(const std::string& path);
  void add(std::string path);
  // Only if `is_wanted` says so, asked while no directory leaves its name.
  void add_if(std::string path, const std::function<bool()>& is_wanted);
  // The directory leaves its name, and is removable under the other.
  Status move(const std::string& from, const std::string& to);

 private:
  Disk& disk_;
  const std::function<bool()> is_held_;
  mutable Mutex mutex_;
  std::set<std::string> paths_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::log
