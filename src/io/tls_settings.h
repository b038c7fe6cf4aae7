// TlsSettings: what can be set for a listener that speaks TLS.
//
// A door that can speak TLS shows them as a group of its settings; without a certificate its
// listener is plain. Ciphers and curves are OpenSSL's defaults.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace myelin::io {

enum class ClientAuthentication : std::uint8_t { None, Requested, Required };
enum class TlsVersion : std::uint8_t { Tls12, Tls13 };

constexpr std::array<std::pair<std::string_view, ClientAuthentication>, 3> setting_names(
    ClientAuthentication) {
  return {{{"none", ClientAuthentication::None},
           {"requested", ClientAuthentication::Requested},
           {"required", ClientAuthentication::Required}}};
}
constexpr std::array<std::pair<std::string_view, TlsVersion>, 2> setting_names(TlsVersion) {
  return {{{"1.2", TlsVersion::Tls12}, {"1.3", TlsVersion::Tls13}}};
}

struct TlsSettings {
  std::string certificate = {};
  std::string key = {};
  std::string client_ca = {};
  ClientAuthentication client_authentication = ClientAuthentication::None;
  TlsVersion min_version = TlsVersion::Tls12;

  bool enabled() const { return !certificate.empty(); }

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("certificate", certificate,
                  "PEM file with the certificate and its chain; empty: no TLS. Read again when it "
                  "changes.");
    visitor.field("key", key,
                  "PEM file with the private key, without a passphrase; empty: it is in the "
                  "certificate's file.");
    visitor.field("client_ca", client_ca,
                  "PEM file with the authorities that clients' certificates must come from.");
    visitor.field("client_authentication", client_authentication,
                  "Whether clients must show a certificate: none, requested, required.");
    visitor.field("min_version", min_version, "Older versions of TLS are refused: 1.2 or 1.3.");
  }
};

}  // namespace myelin::io
