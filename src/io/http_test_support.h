// For tests of what speaks HTTP: a server on a free port and a client of one request.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "io/http_server.h"
#include "io/test_support.h"

namespace myelin::http::testing {

class HttpTest : public io::testing::IoTest {
 protected:
  using Client = io::testing::Client;

  void start(Handler handler, ServerSettings settings = {}) {
    settings.listener.port = 0;
    auto server = Server::bind(runtime_, "http", settings);
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(server).value();
    server_->start(std::move(handler));
  }
  std::uint16_t port() const { return server_->local_port(); }
  // The Host field that the server takes for its own.
  std::string host() const { return "Host: localhost:" + std::to_string(port()) + "\r\n"; }
  std::string get_text(std::string_view path) const {
    return "GET " + std::string(path) + " HTTP/1.1\r\n" + host() + "\r\n";
  }
  std::string ask(std::string_view request) {
    Client client(port());
    client.send(request);
    return client.read_answer();
  }
  std::string get(std::string_view path) { return ask(get_text(path)); }

  static int status_of_answer(std::string_view answer) {
    return answer.size() < 12 ? 0 : std::stoi(std::string(answer.substr(9, 3)));
  }
  static std::string body_of(std::string_view answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string_view::npos ? "" : std::string(answer.substr(end + 4));
  }
  static bool has_field(std::string_view answer, std::string_view field) {
    return answer.substr(0, answer.find("\r\n\r\n") + 2)
               .find("\r\n" + std::string(field) + "\r\n") != std::string_view::npos;
  }

  std::unique_ptr<Server> server_;
};

}  // namespace myelin::http::testing
