#include "io/tls_engine.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/system/error_code.hpp>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/check.h"
#include "io/task.h"

namespace myelin::io {
namespace {

constexpr std::uint8_t kHandshakeRecord = 0x16;
// What one receive() decrypts, so that a peer that sends much does not keep the thread.
constexpr std::size_t kReceiveBytesMax = 64 << 10;
// A peer makes us answer without reading the answers: a flood of key updates, say.
constexpr std::size_t kUnsentBytesMax = 128 << 10;
constexpr std::size_t kUnsentBytesKept = 256;

}  // namespace

// OpenSSL's way to the socket. Writing never fails for want of room, so that no call of OpenSSL's
// is ever left half done.
struct TlsBio {
  static TlsEngine& engine(BIO* bio) { return *static_cast<TlsEngine*>(BIO_get_data(bio)); }
  static int read(BIO* bio, char* into, int size) {
    return engine(bio).pull(into, static_cast<std::size_t>(std::max(size, 0)));
  }
  static int write(BIO* bio, const char* bytes, int size) {
    return engine(bio).push(bytes, static_cast<std::size_t>(std::max(size, 0)));
  }
  static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* const fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
      MYELIN_CHECK(fresh != nullptr, "OpenSSL has no memory");
      BIO_meth_set_read(fresh, read);
      BIO_meth_set_write(fresh, write);
      BIO_meth_set_ctrl(fresh, control);
      return fresh;
    }();
    return made;
  }
};

TlsEngine::TlsEngine(TlsContext context, int descriptor)
    : context_(std::move(context)), descriptor_(descriptor), ssl_(SSL_new(context_.get())) {
  bio_ = BIO_new(TlsBio::method());
  MYELIN_CHECK(ssl_ != nullptr && bio_ != nullptr, "OpenSSL has no memory");
  BIO_set_data(bio_, this);
  BIO_set_init(bio_, 1);
  SSL_set_bio(ssl_, bio_, bio_);
  SSL_set_accept_state(ssl_);
}

TlsEngine::~TlsEngine() { SSL_free(ssl_); }

int TlsEngine::pull(char* into, std::size_t size) {
  BIO_clear_retry_flags(bio_);
  while (!ended_) {
    const auto count = ::recv(descriptor_, into, size, MSG_DONTWAIT);
    if (count > 0) {
      if (!first_byte_) first_byte_ = static_cast<std::uint8_t>(into[0]);
      return static_cast<int>(count);
    }
    if (count == 0) {
      ended_ = true;
      break;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    if (errno == EINTR) continue;
    socket_error_ = errno;
    return -1;
  }
  // An end is told to OpenSSL as "nothing yet": our side may still write.
  BIO_set_retry_read(bio_);
  return -1;
}

int TlsEngine::push(const char* bytes, std::size_t size) {
  BIO_clear_retry_flags(bio_);
  const std::size_t sent = unsent_.empty() ? send_now({bytes, size}) : 0;
  if (socket_error_ != 0) return -1;
  if (unsent_.size() + size - sent > kUnsentBytesMax) {
    socket_error_ = ENOBUFS;
    return -1;
  }
  unsent_.append(bytes + sent, size - sent);
  return static_cast<int>(size);
}

std::size_t TlsEngine::send_now(std::string_view bytes) {
  std::size_t gone = 0;
  while (gone < bytes.size()) {
    const auto sent =
        ::send(descriptor_, bytes.data() + gone, bytes.size() - gone, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      gone += static_cast<std::size_t>(sent);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) socket_error_ = errno;
    break;
  }
  return gone;
}

bool TlsEngine::flush() {
  if (unsent_.empty()) return true;
  unsent_.erase(0, send_now(unsent_));
  if (socket_error_ != 0) fail();
  if (!unsent_.empty()) return false;
  if (unsent_.capacity() > kUnsentBytesKept) unsent_.shrink_to_fit();
  return true;
}

std::string TlsEngine::reason() const {
  if (socket_error_ != 0) {
    return boost::system::error_code(socket_error_, boost::system::system_category()).message();
  }
  const auto code = ERR_peek_last_error();
  const char* const text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text == nullptr ? "TLS is broken" : text;
}

std::string TlsEngine::handshake_reason() const {
  if (ended_) return "the peer closed the connection";
  if (first_byte_ && *first_byte_ != kHandshakeRecord) return "the peer does not speak TLS";
  const auto verified = SSL_get_verify_result(ssl_);
  if (verified == X509_V_OK) return reason();
  return std::string("its certificate is refused: ") + X509_verify_cert_error_string(verified);
}

void TlsEngine::fail() {
  failed_ = true;
  throw Broken(reason());
}

Result<bool> TlsEngine::handshake() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_);
  if (outcome == 1) {
    shaken_ = true;
    return true;
  }
  if (SSL_get_error(ssl_, outcome) == SSL_ERROR_WANT_READ && !ended_) return false;
  failed_ = true;
  if (!first_byte_) throw Broken("the peer said nothing");
  return Error(ErrorCode::InvalidInput, handshake_reason());
}

std::optional<std::size_t> TlsEngine::receive(std::span<char> into) {
  if (failed_) throw Broken("TLS is broken");
  flush();
  into = into.first(std::min(into.size(), kReceiveBytesMax));
  std::size_t got = 0;
  while (got < into.size()) {
    ERR_clear_error();
    std::size_t count = 0;
    if (SSL_read_ex(ssl_, into.data() + got, into.size() - got, &count) == 1) {
      got += count;
      // Without this the socket would be asked once more, in vain, after each small message.
      if (SSL_has_pending(ssl_) == 0) break;
      continue;
    }
    const int why = SSL_get_error(ssl_, 0);
    if (got > 0) break;  // Whatever it is, it is still so at the next call.
    if (why == SSL_ERROR_ZERO_RETURN || (why == SSL_ERROR_WANT_READ && ended_)) return 0;
    if (why == SSL_ERROR_WANT_READ) return std::nullopt;
    fail();
  }
  return got;
}

void TlsEngine::write(std::string_view bytes) {
  if (failed_) throw Broken("TLS is broken");
  MYELIN_CHECK(unsent_.empty(), "a record before the last one has gone");
  ERR_clear_error();
  std::size_t written = 0;
  if (SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) != 1) fail();
  MYELIN_CHECK(written == bytes.size(), "OpenSSL wrote a part of a record");
}

void TlsEngine::shutdown() noexcept {
  // Said twice, OpenSSL would wait for the peer's.
  if (!shaken_ || failed_ || (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

std::string_view TlsRecords::take(std::size_t size_max) {
  const auto bytes = parts_.front().substr(taken_, size_max);
  taken_ += bytes.size();
  if (taken_ == parts_.front().size()) {
    parts_ = parts_.subspan(1);
    taken_ = 0;
  }
  return bytes;
}

std::string_view TlsRecords::next(std::span<char, kTlsRecordBytes> scratch) {
  while (!parts_.empty() && parts_.front().empty()) parts_ = parts_.subspan(1);
  if (parts_.empty()) return {};
  if (parts_.size() == 1 || parts_.front().size() - taken_ >= kTlsRecordBytes)
    return take(kTlsRecordBytes);
  std::size_t filled = 0;
  while (filled < kTlsRecordBytes && !parts_.empty()) {
    const auto bytes = take(kTlsRecordBytes - filled);
    std::ranges::copy(bytes, scratch.begin() + static_cast<std::ptrdiff_t>(filled));
    filled += bytes.size();
  }
  return {scratch.data(), filled};
}

}  // namespace myelin::io
