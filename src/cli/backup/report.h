// What `myelin backup` and `myelin restore` tell: progress while it goes, then a summary, as
// sentences or as one JSON object on standard output. What is wrong is on standard error in any
// case, which is what cron mails. Nothing of what records hold.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cli/backup/restore.h"
#include "cli/backup/verify_set.h"

namespace myelin::cli::backup {

// "1.5 GiB".
std::string size_text(std::uint64_t bytes);

// On a terminal one line that changes; elsewhere a line now and then, so that a log shows that a
// long run lives. One thread.
class ProgressLine final : public BackUpProgress {
 public:
  ProgressLine(std::FILE* to, bool silent, const Clock& clock);
  ~ProgressLine() override { clear(); }

  void begins(std::uint64_t bytes) override;
  void copied(std::uint64_t bytes) override { done(bytes, "copied"); }
  void verified(std::uint64_t bytes) override;
  // What is to be verified and not copied is what the line tells of.
  void tell_verified() { tells_verified_ = true; }
  void clear();

 private:
  void done(std::uint64_t bytes, std::string_view what);

  std::FILE* const to_;
  const bool silent_;
  const bool on_terminal_;
  const Clock& clock_;
  bool tells_verified_ = false;
  std::uint64_t all_ = 0;
  std::uint64_t done_ = 0;
  SteadyTime began_;
  SteadyTime told_;
  std::size_t shown_ = 0;  // Characters of the line on the terminal.
};

class Report {
 public:
  Report(bool json, std::string_view command, std::FILE* out, std::FILE* err)
      : json_(json), command_(command), out_(out), err_(err) {}

  void backed_up(const BackUpSummary& summary, const std::string& set,
                 std::chrono::milliseconds took);
  void verified(const VerifySummary& summary, const std::string& set);
  void listed(const std::vector<Manifest>& backups);
  void restored(const RestoreSummary& summary, const std::string& data);
  void failed(const Error& error, std::string_view note);

 private:
  void tell(std::string_view text);
  void tell_damage(const std::vector<std::string>& damage, std::uint64_t count,
                   std::string_view where);

  const bool json_;
  const std::string command_;
  std::FILE* const out_;
  std::FILE* const err_;
};

}  // namespace myelin::cli::backup
