// Router: method and path → handler.
//
// A pattern is literal segments, "{name}" for one segment and, last, "{name...}" for the rest
// (which may be empty). A literal wins over "{name}", that over "{name...}". HEAD falls back to
// GET; OPTIONS of a known path answers Allow; a known path with another method is 405 with Allow;
// an unknown path is 404. Built before the server starts, read by all io threads afterwards.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/http.h"

namespace myelin::http {

class Router {
 public:
  Router();
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Ends the process for a malformed pattern, or one that is there already: both are in our own
  // code.
  void add(Method method, std::string_view pattern, Handler handler);

  // Runs the handler, or answers itself.
  Task<void> handle(Request& request, ResponseWriter& writer) const;
  // For the server.
  Handler as_handler() const;

 private:
  struct Node;
  struct Match {
    const Node* node = nullptr;
    std::vector<std::string> values;  // Of the parameters, in order.
  };

  static bool find(const Node& node, std::span<const std::string> segments, Match& match);
  static std::string allow(const Node& node);
  static const Handler* pick(const Node& node, Method method);

  std::unique_ptr<Node> root_;
};

}  // namespace myelin::http
