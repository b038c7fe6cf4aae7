// What Connection does when it speaks TLS.
#include <array>
#include <utility>

#include "io/connection.h"
#include "io/runtime.h"

namespace myelin::io {
namespace {

// A mebibyte, or a millisecond of encrypting.
constexpr int kRecordsAtOnce = 64;

}  // namespace

Task<Status> Connection::accept_tls(TlsContext context, std::chrono::milliseconds time) {
  tls_ = std::make_unique<TlsEngine>(std::move(context), socket_.native_handle());
  if (time.count() > 0) read_deadline_ = write_deadline_ = std::chrono::steady_clock::now() + time;
  auto shaken = co_await shake_hands();
  read_deadline_ = write_deadline_ = kNever;
  // What comes now from the peer is not decrypted any more.
  if (!shaken) tls_.reset();
  co_return shaken;
}

Task<Status> Connection::shake_hands() {
  for (;;) {
    check_open();
    MYELIN_CO_TRY(done, tls_->handshake());
    if (!tls_->flush()) {
      MYELIN_CO_TRY_VOID(co_await wait_writable());
    } else if (done) {
      co_return Status();
    } else {
      MYELIN_CO_TRY_VOID(co_await wait_readable());
    }
  }
}

Task<Result<std::size_t>> Connection::read_some_tls(std::span<char> into) {
  // A peer that always has something to read is not to outlast its deadline.
  const auto now = std::chrono::steady_clock::now();
  if (read_due(now) <= now) {
    co_return Error(ErrorCode::Unavailable, "the peer did not send in time");
  }
  co_return co_await read_shared(into);
}

bool Connection::push(TlsRecords& records) {
  check_open();
  std::array<char, kTlsRecordBytes> scratch;
  for (int i = 0; i < kRecordsAtOnce; ++i) {
    if (!tls_->flush()) return false;
    const auto record = records.next(scratch);
    if (record.empty()) return true;
    tls_->write(record);
    bytes_written_ += record.size();
  }
  return false;
}

Task<Status> Connection::write_tls(std::string_view bytes) {
  const std::string_view parts[] = {bytes};
  co_return co_await write_tls(parts);
}

Task<Status> Connection::write_tls(Parts parts) {
  TlsRecords records(parts);
  if (++writes_at_once_ >= kRecordsAtOnce) {
    writes_at_once_ = 0;
    co_await yield();
  }
  for (;;) {
    const bool all_gone = push(records);
    if (all_gone) co_return Status();
    if (tls_->has_unsent()) {
      MYELIN_CO_TRY_VOID(co_await wait_writable());
    } else {
      co_await yield();
    }
  }
}

}  // namespace myelin::io
