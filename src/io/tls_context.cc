#include "io/tls_context.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <boost/system/error_code.hpp>
#include <cerrno>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/freed_by.h"

namespace myelin::io {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::string_view kSessionContext = "myelin";

using Certificate = std::unique_ptr<X509, FreedBy<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, FreedBy<BIO_free>>;
using Names = std::unique_ptr<STACK_OF(X509_NAME), FreedBy<[](STACK_OF(X509_NAME) * names) {
                                sk_X509_NAME_pop_free(names, X509_NAME_free);
                              }>>;

// A file's bytes, gone from memory with it: they may be a key.
struct FileText {
  std::string text;
  FileText() = default;
  FileText(FileText&& other) noexcept : text(std::exchange(other.text, {})) {}
  FileText& operator=(FileText&&) = delete;
  ~FileText() { OPENSSL_cleanse(text.data(), text.size()); }
  Memory open() const {
    return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  }
};

// What is wrong with the file of a setting.
struct Place {
  std::string_view setting;
  const std::string& path;
  Error error(std::string_view what) const {
    return Error(ErrorCode::InvalidInput, fmt::format("{}: {}: {}", setting, path, what));
  }
  // With OpenSSL's reason.
  Error refused(std::string_view what) const {
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    return error(fmt::format("{}: {}", what, reason == nullptr ? "OpenSSL says no" : reason));
  }
};

Result<FileText> read_file(const Place& place) {
  const auto system_error = [&place] {
    const boost::system::error_code error(errno, boost::system::system_category());
    return place.error("cannot be read: " + error.message());
  };
  const int descriptor = ::open(place.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return system_error();
  const std::unique_ptr<const int, FreedBy<[](const int* fd) { ::close(*fd); }>> closer(
      &descriptor);
  FileText file;
  // Reserved whole, so that no copy of a key is left behind by growing.
  file.text.resize(kFileBytesMax + 1);
  std::size_t size = 0;
  while (size < file.text.size()) {
    const auto count = ::read(descriptor, file.text.data() + size, file.text.size() - size);
    if (count == 0) break;
    if (count > 0) {
      size += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      return system_error();
    }
  }
  if (size > kFileBytesMax) return place.error("is larger than 1 MiB");
  file.text.resize(size);
  return file;
}

// There is nobody to ask for a passphrase; that one was wanted is all that is told.
int refuse_passphrase(char* /*into*/, int /*size*/, int /*writing*/, void* wanted) {
  if (wanted != nullptr) *static_cast<bool*>(wanted) = true;
  return -1;
}

Result<std::vector<Certificate>> read_certificates(const Place& place) {
  MYELIN_TRY(file, read_file(place));
  const Memory memory = file.open();
  std::vector<Certificate> certificates;
  for (;;) {
    ERR_clear_error();
    Certificate next(PEM_read_bio_X509(memory.get(), nullptr, refuse_passphrase, nullptr));
    if (!next) break;
    certificates.push_back(std::move(next));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) {
    return place.error(fmt::format("certificate {} cannot be read", certificates.size() + 1));
  }
  if (certificates.empty()) return place.error("holds no certificate in PEM");
  return certificates;
}

Result<PrivateKey> read_key(const Place& place) {
  MYELIN_TRY(file, read_file(place));
  const Memory memory = file.open();
  bool is_encrypted = false;
  PrivateKey key(PEM_read_bio_PrivateKey(memory.get(), nullptr, refuse_passphrase, &is_encrypted));
  ERR_clear_error();
  if (is_encrypted) return place.error("is encrypted: a key without a passphrase is wanted");
  if (!key) return place.error("holds no private key in PEM that can be read");
  return key;
}

Timestamp to_timestamp(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return timestamp_from_ms(static_cast<std::int64_t>(::timegm(&parts)) * 1000);
}

Status use_certificate(SSL_CTX* context, const TlsSettings& settings, LoadedTls& loaded) {
  const Place place{"tls.certificate", settings.certificate};
  const Place key_place{settings.key.empty() ? "tls.certificate" : "tls.key", key_file(settings)};
  MYELIN_TRY(certificates, read_certificates(place));
  MYELIN_TRY(key, read_key(key_place));
  if (X509_check_private_key(certificates.front().get(), key.get()) != 1) {
    ERR_clear_error();
    return key_place.error("the key is not that of the certificate in " + settings.certificate);
  }
  loaded.begins = to_timestamp(X509_get0_notBefore(certificates.front().get()));
  loaded.expires = to_timestamp(X509_get0_notAfter(certificates.front().get()));
  if (SSL_CTX_use_certificate(context, certificates.front().get()) != 1)
    return place.refused("the certificate is refused");
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, certificates[i].get()) != 1)
      return place.refused("the chain is refused");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return key_place.refused("the key is refused");
  return {};
}

Status use_client_ca(SSL_CTX* context, const TlsSettings& settings) {
  if (settings.client_authentication == ClientAuthentication::None) return {};
  const Place place{"tls.client_ca", settings.client_ca};
  MYELIN_TRY(authorities, read_certificates(place));
  Names names(sk_X509_NAME_new_null());
  MYELIN_CHECK(names != nullptr, "OpenSSL has no memory");
  for (const auto& authority : authorities) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1)
      return place.refused("an authority is refused");
    X509_NAME* const name = X509_NAME_dup(X509_get_subject_name(authority.get()));
    if (name == nullptr || sk_X509_NAME_push(names.get(), name) == 0)
      return place.refused("an authority is refused");
  }
  SSL_CTX_set_client_CA_list(context, names.release());
  const bool required = settings.client_authentication == ClientAuthentication::Required;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return {};
}

TlsContext new_context(const TlsSettings& settings) {
  const TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  MYELIN_CHECK(context != nullptr, "OpenSSL has no memory");
  SSL_CTX_set_min_proto_version(
      context.get(), settings.min_version == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A waiting connection holds no buffer; while it reads, one call of the kernel's brings a record.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context.get(), 1);
  // Sessions are resumed by tickets, which clients keep; nothing is kept here.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context.get(),
                                 reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                 static_cast<unsigned>(kSessionContext.size()));
  return context;
}

}  // namespace

const std::string& key_file(const TlsSettings& settings) {
  return settings.key.empty() ? settings.certificate : settings.key;
}

Status check_tls(const TlsSettings& settings) {
  const auto wrong = [](std::string_view what) {
    return Error(ErrorCode::InvalidInput, std::string(what));
  };
  const bool asks_clients = settings.client_authentication != ClientAuthentication::None;
  if (!settings.enabled()) {
    if (!settings.key.empty()) return wrong("tls.key: tls.certificate is missing");
    if (!settings.client_ca.empty()) return wrong("tls.client_ca: tls.certificate is missing");
    if (asks_clients) return wrong("tls.client_authentication: tls.certificate is missing");
  }
  if (asks_clients && settings.client_ca.empty())
    return wrong("tls.client_authentication: tls.client_ca is missing");
  if (!asks_clients && !settings.client_ca.empty())
    return wrong(
        "tls.client_ca: tls.client_authentication is none; requested or required is wanted");
  return {};
}

Result<LoadedTls> load_tls(const TlsSettings& settings) {
  LoadedTls loaded{.context = new_context(settings), .begins = {}, .expires = {}};
  MYELIN_TRY_VOID(use_certificate(loaded.context.get(), settings, loaded));
  MYELIN_TRY_VOID(use_client_ca(loaded.context.get(), settings));
  ERR_clear_error();
  return loaded;
}

}  // namespace myelin::io
