// For tests of what speaks TLS: an authority that lives for a test, the certificates that it signs,
// and a client that blocks, whose records can be cut, damaged and left out.
#pragma once

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/test_support.h"
#include "io/tls_settings.h"

namespace myelin::io::testing {

struct TestCertificate {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
  std::string certificate_pem() const {
    return pem([this](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); });
  }
  std::string key_pem() const {
    return pem([this](BIO* out) {
      return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  std::string encrypted_key_pem() const {
    return pem([this](BIO* out) {
      return PEM_write_bio_PKCS8PrivateKey(out, key.get(), EVP_aes_128_cbc(), "phrase", 6, nullptr,
                                           nullptr);
    });
  }

 private:
  template <class Write>
  static std::string pem(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    EXPECT_EQ(write(out.get()), 1);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
  }
};

class TestAuthority {
 public:
  TestAuthority() : own_(make("test authority", nullptr, 3600)) {}

  const TestCertificate& own() const { return own_; }
  // Ends so many seconds from now; in the past it has expired.
  TestCertificate issue(const std::string& name, long expires_in = 3600) const {
    return make(name, &own_, expires_in);
  }

 private:
  static TestCertificate make(const std::string& name, const TestCertificate* issuer,
                              long expires_in) {
    static std::atomic<long> serial = 1;
    TestCertificate made{{X509_new(), X509_free}, {EVP_EC_gen("P-256"), EVP_PKEY_free}};
    X509* const x509 = made.certificate.get();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x509), -7200);
    X509_gmtime_adj(X509_getm_notAfter(x509), expires_in);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    const TestCertificate& by = issuer == nullptr ? made : *issuer;
    X509_set_issuer_name(x509, X509_get_subject_name(by.certificate.get()));
    X509_set_pubkey(x509, made.key.get());
    if (issuer == nullptr) {
      X509_EXTENSION* const is_ca =
          X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
      X509_add_ext(x509, is_ca, -1);
      X509_EXTENSION_free(is_ca);
    }
    EXPECT_GT(X509_sign(x509, by.key.get(), EVP_sha256()), 0);
    return made;
  }

  TestCertificate own_;
};

// A directory with the files of a listener.
class TlsFiles {
 public:
  TlsFiles() {
    static std::atomic<int> number = 0;
    folder_ = ::testing::TempDir() + "myelin-tls-" + std::to_string(::getpid()) + "-" +
              std::to_string(number++);
    std::filesystem::create_directories(folder_);
  }
  ~TlsFiles() { std::filesystem::remove_all(folder_); }
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  // In one step, as tools that renew certificates do.
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name) + ".new", std::ios::binary) << text;
    std::filesystem::rename(path(name) + ".new", path(name));
    return path(name);
  }
  TlsSettings write(const TestCertificate& certificate) const {
    return {.certificate = write("tls.crt", certificate.certificate_pem()),
            .key = write("tls.key", certificate.key_pem())};
  }

 private:
  std::string folder_;
};

// Trusts every server: whom it met is asked with server_name().
class TlsClient {
 public:
  struct Options {
    int version_max = 0;
    const TestCertificate* own = nullptr;
    int receive_buffer = 0;
  };
  explicit TlsClient(std::uint16_t port) : TlsClient(port, Options{}) {}
  TlsClient(std::uint16_t port, const Options& options)
      : socket_(port, options.receive_buffer),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX_set_max_proto_version(context_.get(), options.version_max);
    if (options.own != nullptr) {
      SSL_CTX_use_certificate(context_.get(), options.own->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), options.own->key.get());
    }
    ssl_ = {SSL_new(context_.get()), SSL_free};
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
  }

  Client& socket() { return socket_; }
  SSL* ssl() { return ssl_.get(); }

  bool handshake() {
    for (;;) {
      const int outcome = SSL_do_handshake(ssl_.get());
      if (!socket_.send(records())) return false;
      if (outcome == 1) return true;
      if (SSL_get_error(ssl_.get(), outcome) != SSL_ERROR_WANT_READ || !receive()) return false;
    }
  }
  // What OpenSSL has written and nobody has sent.
  std::string records() {
    std::string bytes(BIO_ctrl_pending(SSL_get_wbio(ssl_.get())), '\0');
    if (!bytes.empty())
      BIO_read(SSL_get_wbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }
  std::string encrypt(std::string_view bytes) {
    EXPECT_GT(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())), 0);
    return records();
  }
  bool send(std::string_view bytes) { return socket_.send(encrypt(bytes)); }
  // Says that no more comes, and ends.
  void end() {
    SSL_shutdown(ssl_.get());
    socket_.send(records());
    socket_.end();
  }

  std::string read_bytes(std::size_t count) {
    while (pending_.size() < count && read_some()) {
    }
    const auto taken = pending_.substr(0, count);
    pending_.erase(0, count);
    return taken;
  }
  // Until the server says that no more comes, or just ends.
  std::string read_all() {
    while (read_some()) {
    }
    return std::exchange(pending_, {});
  }
  bool was_told_the_end() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  std::string server_name() const {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        SSL_get1_peer_certificate(ssl_.get()), &X509_free);
    char name[256] = "";
    if (certificate) {
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name,
                                sizeof name);
    }
    return name;
  }

 private:
  bool receive() {
    char bytes[16384];
    const auto count = ::recv(socket_.fd(), bytes, sizeof bytes, 0);
    return count > 0 &&
           BIO_write(SSL_get_rbio(ssl_.get()), bytes, static_cast<int>(count)) == count;
  }
  bool read_some() {
    char bytes[16384];
    for (;;) {
      ERR_clear_error();
      const int count = SSL_read(ssl_.get(), bytes, sizeof bytes);
      if (count > 0) {
        pending_.append(bytes, static_cast<std::size_t>(count));
        return true;
      }
      if (SSL_get_error(ssl_.get(), count) != SSL_ERROR_WANT_READ || !receive()) return false;
    }
  }

  Client socket_;
  std::shared_ptr<SSL_CTX> context_;
  std::shared_ptr<SSL> ssl_;
  std::string pending_;
};

}  // namespace myelin::io::testing
