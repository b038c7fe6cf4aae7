// What TLS costs a connection: a stream from the server to one client and back, in portions of
// 64 KiB, plain and encrypted, and handshakes. Client and server share the machine; the client's
// half of the encryption is in the figures.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/logging.h"
#include "base/time.h"
#include "io/listener.h"
#include "io/runtime.h"

namespace {

using namespace myelin;
using namespace myelin::io;

constexpr std::size_t kPortion = 64 << 10;

// A certificate of its own, in a file that is gone with it.
class OwnCertificate {
 public:
  OwnCertificate() {
    const int descriptor = ::mkstemp(path_.data());
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                  EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), X509_free);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
    X509_set_pubkey(x509.get(), key.get());
    X509_sign(x509.get(), key.get(), EVP_sha256());
    std::FILE* const file = ::fdopen(descriptor, "w");
    PEM_write_X509(file, x509.get());
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }
  ~OwnCertificate() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/myelin-tls-bench-XXXXXX";
};

// Blocks; encrypted where there is a context.
class Peer {
 public:
  Peer(std::uint16_t port, SSL_CTX* context) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      std::abort();
    if (context == nullptr) return;
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, descriptor_);
    if (SSL_connect(ssl_) != 1) std::abort();
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    SSL_free(ssl_);
    ::close(descriptor_);
  }
  void read_portion(std::vector<char>& into) {
    for (std::size_t got = 0; got < into.size();) {
      const auto rest = into.size() - got;
      const auto count = ssl_ != nullptr ? SSL_read(ssl_, into.data() + got, static_cast<int>(rest))
                                         : ::recv(descriptor_, into.data() + got, rest, 0);
      if (count <= 0) std::abort();
      got += static_cast<std::size_t>(count);
    }
  }
  void write_portion(const std::vector<char>& from) {
    const auto count = ssl_ != nullptr
                           ? SSL_write(ssl_, from.data(), static_cast<int>(from.size()))
                           : ::send(descriptor_, from.data(), from.size(), MSG_NOSIGNAL);
    if (count != static_cast<ssize_t>(from.size())) std::abort();
  }

 private:
  const int descriptor_;
  SSL* ssl_ = nullptr;
};

Task<void> write_forever(std::unique_ptr<Connection> connection) {
  const std::vector<char> portion(kPortion, 'x');
  const std::string_view parts[] = {{portion.data(), 100},
                                    {portion.data() + 100, portion.size() - 100}};
  for (;;) {
    const auto written = co_await connection->write_all(parts);
    if (!written) co_return;
  }
}

Task<void> read_forever(std::unique_ptr<Connection> connection) {
  std::vector<char> into(kPortion);
  for (;;) {
    const auto count = co_await connection->read_shared(into);
    if (!count || *count == 0) co_return;
  }
}

// A listener, encrypted where range(0) is 1, and the context of its clients.
struct Bench {
  Bench(benchmark::State& state, TcpListener::Handler handler)
      : context(state.range(0) == 1 ? SSL_CTX_new(TLS_client_method()) : nullptr, SSL_CTX_free) {
    ListenerSettings settings;
    if (context) settings.tls.certificate = certificate.path();
    listener = TcpListener::bind(runtime, "bench", settings).value();
    listener->start(std::move(handler));
  }
  ~Bench() { listener->stop(std::chrono::seconds(10)); }

  SystemClock clock;
  Logger logger{{}, clock, STDERR_FILENO};
  Runtime runtime{logger, {.threads = 1}};
  OwnCertificate certificate;
  std::shared_ptr<SSL_CTX> context;
  std::unique_ptr<TcpListener> listener;
};

void server_sends(benchmark::State& state) {
  Bench bench(state, write_forever);
  Peer peer(bench.listener->local_port(), bench.context.get());
  std::vector<char> into(kPortion);
  for (auto _ : state) peer.read_portion(into);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kPortion));
}

void server_receives(benchmark::State& state) {
  Bench bench(state, read_forever);
  Peer peer(bench.listener->local_port(), bench.context.get());
  const std::vector<char> from(kPortion, 'x');
  for (auto _ : state) peer.write_portion(from);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kPortion));
}

void connections(benchmark::State& state) {
  Bench bench(state, read_forever);
  for (auto _ : state) Peer(bench.listener->local_port(), bench.context.get());
}

}  // namespace

// Processor time is the whole process's, client and server.
BENCHMARK(server_sends)->ArgName("tls")->Arg(0)->Arg(1)->UseRealTime()->MeasureProcessCPUTime();
BENCHMARK(server_receives)->ArgName("tls")->Arg(0)->Arg(1)->UseRealTime()->MeasureProcessCPUTime();
BENCHMARK(connections)->ArgName("tls")->Arg(0)->Arg(1)->UseRealTime()->MeasureProcessCPUTime();
