#include "log/space.h"

#include <algorithm>

namespace myelin::log {
namespace {

constexpr std::chrono::milliseconds kRefreshInterval{100};

}  // namespace

std::string_view to_string(SpaceState state) {
  switch (state) {
    case SpaceState::Ok: return "ok";
    case SpaceState::Low: return "low";
    case SpaceState::Full: return "full";
  }
  return "";
}

bool SpaceWatch::fits(std::size_t bytes) const {
  if (blocked_) return false;
  const auto share = total_bytes_ / 100 * (100 - std::min(limits_.refuse_percent, 100u));
  return reserved_ + bytes + std::max(limits_.free_bytes_min, share) <= free_bytes_;
}

bool SpaceWatch::fits_reserve(std::size_t bytes) const {
  return reserved_ + bytes + limits_.free_bytes_min / 4 <= free_bytes_;
}

// The figure is as old as the last flush; somebody may have made room. Asked for now and then, not
// by each append.
bool SpaceWatch::refresh_if_due() {
  const auto now = to_ms(clock_.now());
  auto refreshed = refreshed_ms_.load();
  const bool due = now - refreshed >= kRefreshInterval.count() || now < refreshed;
  if (!due || !refreshed_ms_.compare_exchange_strong(refreshed, now)) return false;
  refresh();
  return true;
}

bool SpaceWatch::has(std::size_t bytes) { return fits(bytes) || (refresh_if_due() && fits(bytes)); }

bool SpaceWatch::has_reserve(std::size_t bytes) {
  return fits_reserve(bytes) || (refresh_if_due() && fits_reserve(bytes));
}

void SpaceWatch::set_blocked(bool blocked) {
  if (blocked_.exchange(blocked) != blocked) refresh();
}

SpaceReport SpaceWatch::report() const {
  SpaceReport report;
  report.total_bytes = total_bytes_;
  report.free_bytes = free_bytes_;
  if (report.total_bytes > 0) {
    const auto used = report.total_bytes - std::min(report.free_bytes, report.total_bytes);
    report.used_percent = static_cast<std::uint32_t>(used * 100 / report.total_bytes);
  }
  report.state = !fits(0)                                      ? SpaceState::Full
                 : report.used_percent >= limits_.warn_percent ? SpaceState::Low
                                                               : SpaceState::Ok;
  return report;
}

void SpaceWatch::refresh() {
  const auto space = disk_.space(directory_);
  if (!space) return;
  free_bytes_ = space->free_bytes;
  total_bytes_ = space->total_bytes;
  const auto now = report();
  {
    MutexLock lock(mutex_);
    if (now.state == told_) return;
    told_ = now.state;
  }
  if (limits_.on_change) limits_.on_change(now);
}

}  // namespace myelin::log
