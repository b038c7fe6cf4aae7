#include "io/tls_engine.h"

#include <sys/socket.h>

#include "io/task.h"
#include "io/tls_context.h"
#include "io/tls_test_support.h"

namespace myelin::io {
namespace {

using testing::TestAuthority;
using testing::TlsFiles;

std::vector<std::string> records_of(const std::vector<std::string_view>& parts) {
  TlsRecords records(parts);
  std::vector<std::string> taken;
  std::array<char, kTlsRecordBytes> scratch;
  for (auto record = records.next(scratch); !record.empty(); record = records.next(scratch))
    taken.emplace_back(record);
  return taken;
}

TEST(TlsRecords, PutSmallPartsIntoOneRecord) {
  EXPECT_EQ(records_of({"", "ab", "", "c", "def", ""}), std::vector<std::string>{"abcdef"});
  EXPECT_TRUE(records_of({}).empty());
  EXPECT_TRUE(records_of({"", ""}).empty());
}

TEST(TlsRecords, CarryTheBytesInOrderInAsFewRecordsAsCanBe) {
  const std::string bytes = [] {
    std::string made;
    for (int i = 0; i < 100'000; ++i) made += static_cast<char>(i * 31 % 251);
    return made;
  }();
  for (const std::size_t part : {1u, 7u, 16'383u, 16'384u, 16'385u, 40'000u, 100'000u}) {
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; at < bytes.size(); at += part)
      parts.push_back(std::string_view(bytes).substr(at, part));
    const auto records = records_of(parts);
    EXPECT_EQ(records.size(), (bytes.size() + kTlsRecordBytes - 1) / kTlsRecordBytes) << part;
    std::string joined;
    for (const auto& record : records) joined += record;
    EXPECT_TRUE(joined == bytes) << part;
  }
}

TEST(TlsRecords, OfLargePartsAreNotCopied) {
  const std::string large(kTlsRecordBytes * 2, 'x');
  const std::vector<std::string_view> parts = {large, "tail"};
  TlsRecords records(parts);
  std::array<char, kTlsRecordBytes> scratch;
  EXPECT_EQ(records.next(scratch).data(), large.data());
  EXPECT_EQ(records.next(scratch).data(), large.data() + kTlsRecordBytes);
  EXPECT_EQ(records.next(scratch), "tail");
}

// An engine and OpenSSL as its client, the socket between them small.
class TlsEngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets_.data()), 0);
    const int small = 1;
    ::setsockopt(sockets_[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    auto loaded = load_tls(files_.write(authority_.issue("server")));
    ASSERT_TRUE(loaded);
    engine_.emplace(loaded->context, sockets_[0]);
    client_context_ = {SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
    client_ = {SSL_new(client_context_.get()), SSL_free};
    SSL_set_bio(client_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client_.get());
  }
  void TearDown() override {
    for (const int descriptor : sockets_) ::close(descriptor);
  }

  // What the engine sent goes into the client, what the client wrote to the engine.
  void carry() {
    char bytes[4096];
    for (ssize_t count = 0; (count = ::recv(sockets_[1], bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
      BIO_write(SSL_get_rbio(client_.get()), bytes, static_cast<int>(count));
    for (int count = 0; (count = BIO_read(SSL_get_wbio(client_.get()), bytes, sizeof bytes)) > 0;)
      ASSERT_EQ(::send(sockets_[1], bytes, static_cast<std::size_t>(count), 0), count);
  }
  void shake_hands() {
    bool done = false;
    for (int i = 0; i < 100 && !done; ++i) {
      const int outcome = SSL_do_handshake(client_.get());
      carry();
      const auto shaken = engine_->handshake();
      ASSERT_TRUE(shaken);
      done = outcome == 1 && *shaken && engine_->flush();
    }
    ASSERT_TRUE(done);
    carry();
  }

  TestAuthority authority_;
  TlsFiles files_;
  std::array<int, 2> sockets_{};
  std::optional<TlsEngine> engine_;
  std::shared_ptr<SSL_CTX> client_context_;
  std::shared_ptr<SSL> client_;
};

TEST_F(TlsEngineTest, KeepsWhatTheKernelDoesNotTakeUntilItDoes) {
  shake_hands();
  const std::string bytes(kTlsRecordBytes, 'x');
  engine_->write(bytes);
  EXPECT_TRUE(engine_->has_unsent());
  EXPECT_FALSE(engine_->flush());
  for (int i = 0; i < 100 && !engine_->flush(); ++i) carry();
  carry();
  EXPECT_FALSE(engine_->has_unsent());
  std::string read(bytes.size(), '\0');
  EXPECT_EQ(SSL_read(client_.get(), read.data(), static_cast<int>(read.size())),
            static_cast<int>(bytes.size()));
  EXPECT_TRUE(read == bytes);
}

TEST_F(TlsEngineTest, EndsAPeerThatMakesItAnswerAndReadsNoAnswer) {
  shake_hands();
  std::array<char, 16> into;
  int asked = 0;
  const auto flood = [&] {
    for (; asked < 100'000; ++asked) {
      ASSERT_EQ(SSL_key_update(client_.get(), SSL_KEY_UPDATE_REQUESTED), 1);
      ASSERT_EQ(SSL_do_handshake(client_.get()), 1);
      char bytes[4096];
      const int count = BIO_read(SSL_get_wbio(client_.get()), bytes, sizeof bytes);
      ASSERT_EQ(::send(sockets_[1], bytes, static_cast<std::size_t>(count), 0), count);
      EXPECT_FALSE(engine_->receive(into));
    }
  };
  EXPECT_THROW(flood(), Broken);
  EXPECT_LT(asked, 100'000);
}

}  // namespace
}  // namespace myelin::io
