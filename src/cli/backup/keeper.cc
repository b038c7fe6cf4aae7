#include "cli/backup/keeper.h"

#include <csignal>
#include <ctime>

#include <chrono>

namespace myelin::cli::backup {
namespace {

using std::chrono::steady_clock;

// A snapshot lives for five minutes.
constexpr std::chrono::seconds kRenewInterval{60};
constexpr timespec kTick{.tv_sec = 0, .tv_nsec = 50'000'000};

sigset_t stop_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
  return signals;
}

}  // namespace

Keeper::Keeper() {
  const auto signals = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this] { watch(); });
}

Keeper::~Keeper() {
  done_ = true;
  thread_.join();
}

void Keeper::watch() {
  const auto signals = stop_signals();
  auto renewed = steady_clock::now();
  while (!done_) {
    if (::sigtimedwait(&signals, nullptr, &kTick) > 0) stop_ = true;
    if (steady_clock::now() - renewed < kRenewInterval) continue;
    renewed = steady_clock::now();
    renew();
  }
}

void Keeper::keep(HeldSnapshot& snapshot) {
  MutexLock lock(mutex_);
  snapshot_ = &snapshot;
}

void Keeper::forget() {
  MutexLock lock(mutex_);
  snapshot_ = nullptr;
}

void Keeper::renew() {
  MutexLock lock(mutex_);
  if (snapshot_ == nullptr) return;
  const auto held = snapshot_->check_held();
  // A server that does not answer may do so again; before the end it has to.
  if (held || held.error().code() != ErrorCode::NotFound) return;
  lost_ = true;
  stop_ = true;
}

}  // namespace myelin::cli::backup
