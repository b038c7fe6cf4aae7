#include "io/tls_credentials.h"

#include <sys/stat.h>

#include <utility>

namespace myelin::io {

TlsCredentials::TlsCredentials(TlsSettings settings, std::string listener, Logger& logger)
    : settings_(std::move(settings)), listener_(std::move(listener)), logger_(logger) {}

Result<std::unique_ptr<TlsCredentials>> TlsCredentials::load(TlsSettings settings,
                                                             std::string listener, Logger& logger) {
  std::unique_ptr<TlsCredentials> credentials(
      new TlsCredentials(std::move(settings), std::move(listener), logger));
  // Before the files are read: what changes meanwhile is seen at the next look.
  credentials->loaded_stamps_ = credentials->seen_stamps_ = credentials->stamps();
  MYELIN_TRY(loaded, load_tls(credentials->settings_));
  credentials->warn_of_dates(loaded);
  {
    const MutexLock lock(credentials->mutex_);
    credentials->loaded_ = std::move(loaded);
  }
  return credentials;
}

TlsContext TlsCredentials::current() const {
  const MutexLock lock(mutex_);
  return loaded_.context;
}

Timestamp TlsCredentials::expires() const {
  const MutexLock lock(mutex_);
  return loaded_.expires;
}

TlsCredentials::Stamps TlsCredentials::stamps() const {
  Stamps stamps;
  const std::array<const std::string*, 3> files = {&settings_.certificate, &settings_.key,
                                                   &settings_.client_ca};
  for (std::size_t i = 0; i < files.size(); ++i) {
    struct stat found{};
    if (files[i]->empty() || ::stat(files[i]->c_str(), &found) != 0) continue;
    stamps[i] = {.device = found.st_dev,
                 .inode = found.st_ino,
                 .size = found.st_size,
                 .seconds = found.st_mtim.tv_sec,
                 .nanoseconds = found.st_mtim.tv_nsec};
  }
  return stamps;
}

void TlsCredentials::warn_of_dates(const LoadedTls& loaded) {
  const auto now = SystemClock().now();
  if (loaded.begins <= now && now < loaded.expires) return;
  logger_.warn(now < loaded.begins ? "tls.certificate_not_yet_valid" : "tls.certificate_expired",
               {{"listener", listener_},
                {"certificate", settings_.certificate},
                {"begins", format_rfc3339(loaded.begins)},
                {"expires", format_rfc3339(loaded.expires)}});
}

TlsCredentials::Look TlsCredentials::look() {
  const Stamps now = stamps();
  const Stamps before = std::exchange(seen_stamps_, now);
  if (now == loaded_stamps_) return Look::Same;
  if (now != before) return Look::Changing;
  loaded_stamps_ = now;
  auto loaded = load_tls(settings_);
  if (!loaded) {
    logger_.error("tls.reload_failed", {{"listener", listener_},
                                        {"reason", loaded.error().message()},
                                        {"note", "the certificate read before stays in use"}});
    return Look::Refused;
  }
  warn_of_dates(*loaded);
  logger_.info("tls.reloaded", {{"listener", listener_},
                                {"certificate", settings_.certificate},
                                {"expires", format_rfc3339(loaded->expires)}});
  const MutexLock lock(mutex_);
  loaded_ = std::move(*loaded);
  return Look::Reloaded;
}

}  // namespace myelin::io
