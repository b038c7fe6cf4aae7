// TlsCredentials: a listener's certificate, key and client authorities, read again when their files
// change.
//
// Owned by a TcpListener. Thread-safe; current() touches memory only, load() and look() read files
// and may block. Connections keep the context that they began with. Neither errors nor log lines
// hold anything of a key.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/logging.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "io/tls_context.h"
#include "io/tls_engine.h"
#include "io/tls_settings.h"

namespace myelin::io {

class TlsCredentials {
 public:
  // The error names the setting and the file, and what is wrong. An expired certificate is a
  // warning. `listener` is for log lines. The logger outlives the credentials.
  static Result<std::unique_ptr<TlsCredentials>> load(TlsSettings settings, std::string listener,
                                                      Logger& logger);

  // For a new connection.
  TlsContext current() const;
  // When the certificate ends.
  Timestamp expires() const;

  enum class Look : std::uint8_t {
    Same,
    Changing,  // Something differs from the last look: it may be half written.
    Reloaded,
    Refused,  // What is there is no good; the old ones stay. Logged once for each change.
  };
  // Looks at the files, and reads them when they have changed and are again as they were at the
  // look before. One caller at a time.
  Look look();

 private:
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = -1;  // There is none.
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::array<Stamp, 3>;

  TlsCredentials(TlsSettings settings, std::string listener, Logger& logger);
  Stamps stamps() const;
  void warn_of_dates(const LoadedTls& loaded);

  const TlsSettings settings_;
  const std::string listener_;
  Logger& logger_;
  Stamps loaded_stamps_;  // Of what was read last, good or not.
  Stamps seen_stamps_;    // Of the last look.
  mutable Mutex mutex_;
  LoadedTls loaded_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::io
