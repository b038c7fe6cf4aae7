// Certificate, key and client authorities from their files, as what connections are made with.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "io/tls_engine.h"
#include "io/tls_settings.h"

namespace myelin::io {

struct LoadedTls {
  TlsContext context;
  // Of the server's own certificate.
  Timestamp begins;
  Timestamp expires;
};

// InvalidInput names a setting that needs another one, or does not go with it.
Status check_tls(const TlsSettings& settings);

// Reads files, and may block. The error names the setting and the file, and what is wrong with it;
// it holds nothing of the file.
Result<LoadedTls> load_tls(const TlsSettings& settings);

// Where the private key is.
const std::string& key_file(const TlsSettings& settings);

}  // namespace myelin::io
