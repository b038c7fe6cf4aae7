#include "cli/backup/server_snapshot.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "io/http_call.h"

namespace myelin::cli::backup {
namespace {

using std::chrono::milliseconds;

// A server that writes its checkpoint, or encodes it, may take its time.
constexpr milliseconds kPatience{120'000};
constexpr milliseconds kReleaseTime{5'000};
constexpr std::size_t kMessageBytesMax = 400;

bool plain(char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; }

// "code" and "message" of the error envelope, or the status alone.
Error error_of(const http::Response& answer) {
  const simdjson::padded_string padded(answer.body);
  simdjson::dom::parser parser;
  std::string_view message;
  if (parser.parse(padded).at_pointer("/error/message").get(message) != simdjson::SUCCESS)
    message = http::reason_of(answer.status);
  std::string text;
  for (const char c : message.substr(0, kMessageBytesMax)) text.push_back(plain(c) ? c : ' ');
  const auto code = answer.status == 403   ? ErrorCode::Forbidden
                    : answer.status == 404 ? ErrorCode::NotFound
                                           : ErrorCode::Unavailable;
  return Error(code, fmt::format("the server says {}: {}", answer.status, text));
}

Result<http::Response> ask(http::Call call) {
  call.headers.append("Myelin-Admin", "1");
  MYELIN_TRY(answer, http::call(call));
  if (answer.status >= 200 && answer.status < 300) return answer;
  return error_of(answer);
}

Error not_ours() {
  return Error(ErrorCode::InvalidInput, "what answers is not this version of Myelin");
}

}  // namespace

Result<std::unique_ptr<ServerSnapshot>> ServerSnapshot::take(const std::string& server) {
  std::unique_ptr<ServerSnapshot> snapshot(new ServerSnapshot(server));
  auto status = snapshot->begin();
  if (status) status = snapshot->read_state();
  if (!status) return std::move(status).error().with_context(server);
  return snapshot;
}

Status ServerSnapshot::begin() {
  const auto all = server_ + "/api/v1/admin/log/snapshots";
  MYELIN_TRY(answer, ask({.method = http::Method::Post, .url = all, .timeout = kPatience}));
  const simdjson::padded_string padded(answer.body);
  simdjson::dom::parser parser;
  simdjson::dom::object fields;
  std::string_view id;
  std::string_view directory;
  if (parser.parse(padded).get(fields) != simdjson::SUCCESS ||
      fields["id"].get(id) != simdjson::SUCCESS ||
      fields["dataDirectory"].get(directory) != simdjson::SUCCESS || !Uuid::parse(id) ||
      !directory.starts_with('/')) {
    return not_ours();
  }
  url_ = all + "/" + std::string(id);
  data_directory_ = directory;
  return {};
}

Status ServerSnapshot::read_state() {
  MYELIN_TRY(answer, ask({.url = url_ + "/checkpoint",
                          .timeout = kPatience,
                          .answer_bytes_max = log::kCheckpointBytesMax}));
  auto state = log::decode_checkpoint(answer.body);
  if (!state) return not_ours();
  state_ = std::move(*state);
  return {};
}

Status ServerSnapshot::check_held() {
  MYELIN_TRY_VOID(ask({.method = http::Method::Post, .url = url_ + "/renew"}));
  return {};
}

ServerSnapshot::~ServerSnapshot() {
  if (url_.empty()) return;
  // A server that does not hear it lets go of the snapshot by itself.
  (void)ask({.method = http::Method::Delete, .url = url_, .timeout = kReleaseTime});
}

}  // namespace myelin::cli::backup
