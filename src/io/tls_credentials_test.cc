#include "io/tls_credentials.h"

#include "io/tls_test_support.h"

namespace myelin::io {
namespace {

using testing::TestAuthority;
using testing::TestCertificate;
using testing::TlsFiles;
using Look = TlsCredentials::Look;

class TlsCredentialsTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<TlsCredentials>> load(const TlsSettings& settings) {
    return TlsCredentials::load(settings, "test", log_.logger());
  }
  std::string why_not(const TlsSettings& settings) {
    const auto loaded = load(settings);
    return loaded ? "it was loaded" : loaded.error().message();
  }
  std::size_t count(std::string_view word) {
    const std::string text = log_.text();
    std::size_t found = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  }
  static bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
  }

  testing::KeptLog log_;
  TestAuthority authority_;
  TestCertificate certificate_ = authority_.issue("one");
  TlsFiles files_;
};

TEST_F(TlsCredentialsTest, ALoadedCertificateTellsItsEnd) {
  const auto loaded = load(files_.write(authority_.issue("server", 7200)));
  ASSERT_TRUE(loaded);
  const auto left = (*loaded)->expires() - SystemClock().now();
  EXPECT_GT(left, std::chrono::minutes(115));
  EXPECT_LT(left, std::chrono::minutes(121));
  EXPECT_EQ(log_.text(), "");
}

TEST_F(TlsCredentialsTest, TakesTheKeyFromTheCertificatesFile) {
  const auto both =
      files_.write("both.pem", certificate_.key_pem() + certificate_.certificate_pem());
  EXPECT_TRUE(load({.certificate = both}));
}

TEST_F(TlsCredentialsTest, SendsTheChainAfterItsCertificate) {
  auto settings = files_.write(certificate_);
  files_.write("tls.crt", certificate_.certificate_pem() + authority_.own().certificate_pem());
  const auto loaded = load(settings);
  ASSERT_TRUE(loaded);
  STACK_OF(X509)* chain = nullptr;
  // NOLINTNEXTLINE(bugprone-multi-level-implicit-pointer-conversion): OpenSSL's macro.
  SSL_CTX_get0_chain_certs((*loaded)->current().get(), &chain);
  EXPECT_EQ(sk_X509_num(chain), 1);
}

TEST_F(TlsCredentialsTest, NamesTheSettingAndTheFileThatIsNoGood) {
  const auto good = files_.write(certificate_);
  auto settings = good;
  settings.certificate = files_.path("missing");
  EXPECT_EQ(why_not(settings), "tls.certificate: " + files_.path("missing") +
                                   ": cannot be read: No such file or directory");
  settings.certificate = files_.write("text", "no certificate\n");
  EXPECT_EQ(why_not(settings),
            "tls.certificate: " + files_.path("text") + ": holds no certificate in PEM");
  settings.certificate = files_.write("cut", certificate_.certificate_pem().substr(0, 200));
  EXPECT_EQ(why_not(settings),
            "tls.certificate: " + files_.path("cut") + ": certificate 1 cannot be read");
  settings.certificate = files_.write("large", std::string((1 << 20) + 1, 'x'));
  EXPECT_TRUE(contains(why_not(settings), "is larger than 1 MiB"));
  settings.certificate = files_.path("");
  EXPECT_TRUE(contains(why_not(settings), "cannot be read"));
  settings = good;
  settings.key = files_.write("empty", "");
  EXPECT_EQ(why_not(settings),
            "tls.key: " + files_.path("empty") + ": holds no private key in PEM that can be read");
  settings.key.clear();
  EXPECT_EQ(why_not(settings), "tls.certificate: " + settings.certificate +
                                   ": holds no private key in PEM that can be read");
}

TEST_F(TlsCredentialsTest, RefusesTheKeyOfAnotherCertificate) {
  auto settings = files_.write(certificate_);
  settings.key = files_.write("other.key", authority_.issue("other").key_pem());
  EXPECT_EQ(why_not(settings), "tls.key: " + settings.key +
                                   ": the key is not that of the certificate in " +
                                   settings.certificate);
}

TEST_F(TlsCredentialsTest, RefusesAKeyWithAPassphraseWithoutAskingForIt) {
  auto settings = files_.write(certificate_);
  files_.write("tls.key", certificate_.encrypted_key_pem());
  EXPECT_EQ(why_not(settings),
            "tls.key: " + settings.key + ": is encrypted: a key without a passphrase is wanted");
}

TEST_F(TlsCredentialsTest, RefusesAuthoritiesThatAreNone) {
  auto settings = files_.write(certificate_);
  settings.client_authentication = ClientAuthentication::Required;
  settings.client_ca = files_.write("ca", "");
  EXPECT_EQ(why_not(settings),
            "tls.client_ca: " + settings.client_ca + ": holds no certificate in PEM");
}

TEST_F(TlsCredentialsTest, WarnsOfACertificateThatHasExpiredAndTakesIt) {
  const auto loaded = load(files_.write(authority_.issue("old", -60)));
  EXPECT_TRUE(loaded);
  EXPECT_EQ(count("tls.certificate_expired"), 1u);
}

TEST_F(TlsCredentialsTest, TakesChangedFilesOnceTheyHaveStoppedChanging) {
  const auto loaded = load(files_.write(certificate_));
  ASSERT_TRUE(loaded);
  TlsCredentials& credentials = **loaded;
  EXPECT_EQ(credentials.look(), Look::Same);
  const auto before = credentials.current();
  files_.write(authority_.issue("two", 9000));
  EXPECT_EQ(credentials.look(), Look::Changing);
  EXPECT_EQ(credentials.current(), before);
  EXPECT_EQ(credentials.look(), Look::Reloaded);
  EXPECT_NE(credentials.current(), before);
  EXPECT_GT(credentials.expires() - SystemClock().now(), std::chrono::minutes(140));
  EXPECT_EQ(credentials.look(), Look::Same);
  EXPECT_EQ(count("tls.reloaded"), 1u);
}

TEST_F(TlsCredentialsTest, ACertificateThatChangesBeforeItsKeyIsNeverMet) {
  const auto loaded = load(files_.write(certificate_));
  ASSERT_TRUE(loaded);
  const auto next = authority_.issue("two");
  files_.write("tls.crt", next.certificate_pem());
  EXPECT_EQ((*loaded)->look(), Look::Changing);
  files_.write("tls.key", next.key_pem());
  EXPECT_EQ((*loaded)->look(), Look::Changing);
  EXPECT_EQ((*loaded)->look(), Look::Reloaded);
  EXPECT_EQ(count("tls.reload_failed"), 0u);
}

TEST_F(TlsCredentialsTest, KeepsWhatItHasWhileTheFilesAreNoGood) {
  const auto loaded = load(files_.write(certificate_));
  ASSERT_TRUE(loaded);
  TlsCredentials& credentials = **loaded;
  const auto before = credentials.current();
  files_.write("tls.key", authority_.issue("other").key_pem());
  EXPECT_EQ(credentials.look(), Look::Changing);
  EXPECT_EQ(credentials.look(), Look::Refused);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(credentials.look(), Look::Same);
  EXPECT_EQ(credentials.current(), before);
  EXPECT_EQ(count("tls.reload_failed"), 1u);
  std::filesystem::remove(files_.path("tls.key"));
  EXPECT_EQ(credentials.look(), Look::Changing);
  EXPECT_EQ(credentials.look(), Look::Refused);
  EXPECT_EQ(count("No such file"), 1u);
  files_.write("tls.key", certificate_.key_pem());
  EXPECT_EQ(credentials.look(), Look::Changing);
  EXPECT_EQ(credentials.look(), Look::Reloaded);
  EXPECT_EQ(count("tls.reloaded"), 1u);
  EXPECT_FALSE(contains(log_.text(), "PRIVATE KEY"));
}

TEST(TlsSettings, AreRefusedWhereOneNeedsAnother) {
  const auto why_not = [](const TlsSettings& settings) {
    const auto checked = check_tls(settings);
    return checked ? "" : checked.error().message();
  };
  EXPECT_EQ(why_not({}), "");
  EXPECT_EQ(why_not({.certificate = "c"}), "");
  EXPECT_EQ(why_not({.key = "k"}), "tls.key: tls.certificate is missing");
  EXPECT_EQ(why_not({.client_ca = "a"}), "tls.client_ca: tls.certificate is missing");
  EXPECT_EQ(why_not({.client_authentication = ClientAuthentication::Required}),
            "tls.client_authentication: tls.certificate is missing");
  EXPECT_EQ(why_not({.certificate = "c", .client_authentication = ClientAuthentication::Requested}),
            "tls.client_authentication: tls.client_ca is missing");
  EXPECT_EQ(why_not({.certificate = "c", .client_ca = "a"}),
            "tls.client_ca: tls.client_authentication is none; requested or required is wanted");
}

}  // namespace
}  // namespace myelin::io
