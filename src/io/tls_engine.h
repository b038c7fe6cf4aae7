// TlsEngine: one connection's TLS, over a socket that is never waited for.
//
// Owned by a Connection, on its io thread. No call blocks, and none has to be repeated with the
// same bytes: what has not come yet is nothing, and what the kernel does not take is kept here
// until flush(). The engine reads and writes the socket but does not own it. While nothing is on
// its way it holds no buffer. Errors of the peer throw Broken; after one, every further call does.
//
// TlsRecords: cuts what is to be written into as few records as it takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

namespace myelin::io {

// OpenSSL's SSL_CTX: certificate, key and rules, shared by the connections made with them.
using TlsContext = std::shared_ptr<ssl_ctx_st>;

// What one record carries at most.
inline constexpr std::size_t kTlsRecordBytes = 16'384;

class TlsEngine {
 public:
  // The server's side.
  TlsEngine(TlsContext context, int descriptor);
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;
  ~TlsEngine();

  // Goes as far as it can: true when it is done, false when the peer's next bytes are missing. The
  // error says why there is none, in words of ours and OpenSSL's, nothing of the peer's. Throws
  // Broken when the peer goes away without a byte.
  Result<bool> handshake();

  // Decrypts what is there; nothing when there is nothing yet, 0 at the peer's end, whether it said
  // so or just ended.
  std::optional<std::size_t> receive(std::span<char> into);

  // Encrypts one record and gives it to the kernel. Only when nothing is unsent.
  void write(std::string_view bytes);
  // Gives what is left to the kernel; true when nothing is.
  bool flush();
  bool has_unsent() const { return !unsent_.empty(); }

  // Tells the peer that no more comes, as far as the kernel takes it just now.
  void shutdown() noexcept;

 private:
  friend struct TlsBio;

  int pull(char* into, std::size_t size);
  int push(const char* bytes, std::size_t size);
  // What the kernel takes; a failure is in `socket_error_`.
  std::size_t send_now(std::string_view bytes);
  std::string reason() const;
  std::string handshake_reason() const;
  [[noreturn]] void fail();

  const TlsContext context_;
  const int descriptor_;
  ssl_st* const ssl_;
  bio_st* bio_ = nullptr;  // The SSL's.
  std::string unsent_;     // Records that the kernel has not taken.
  int socket_error_ = 0;
  bool shaken_ = false;
  bool failed_ = false;
  bool ended_ = false;  // The peer's side of the socket.
  std::optional<std::uint8_t> first_byte_;
};

class TlsRecords {
 public:
  explicit TlsRecords(std::span<const std::string_view> parts) : parts_(parts) {}

  // The next record's bytes, in a part or in `scratch`; empty when all are taken.
  std::string_view next(std::span<char, kTlsRecordBytes> scratch);

 private:
  std::string_view take(std::size_t size_max);

  std::span<const std::string_view> parts_;
  std::size_t taken_ = 0;  // Of the first part.
};

}  // namespace myelin::io
