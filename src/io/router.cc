#include "io/router.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/check.h"
#include "io/http_target.h"

namespace myelin::http {
namespace {

constexpr std::array kMethods = {Method::Get,   Method::Head,   Method::Post,   Method::Put,
                                 Method::Patch, Method::Delete, Method::Options};

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // The slash.
    const auto slash = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash);
  }
  return segments;
}

}  // namespace

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;
  std::map<Method, Handler> handlers;
  // Of the parameters on the way to this node, in order; a path may be named differently under
  // another method's pattern, the first pattern's names count.
  std::vector<std::string> names;
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

void Router::add(Method method, std::string_view pattern, Handler handler) {
  MYELIN_CHECK(pattern.starts_with('/'), "a route does not begin with a slash");
  Node* node = root_.get();
  std::vector<std::string> names;
  const auto segments = split_path(pattern);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string& segment = segments[i];
    const bool is_parameter = segment.starts_with('{') && segment.ends_with('}');
    const bool is_rest = is_parameter && segment.ends_with("...}");
    MYELIN_CHECK(!is_rest || i + 1 == segments.size(), "a route's rest is not its end");
    if (is_parameter) {
      const std::string name = segment.substr(1, segment.size() - (is_rest ? 5 : 2));
      MYELIN_CHECK(!name.empty(), "a route's parameter has no name");
      names.push_back(name);
    }
    auto& next = is_rest ? node->rest : is_parameter ? node->parameter : node->literals[segment];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  MYELIN_CHECK(node->handlers.empty() || node->names == names,
               "two routes name the same path's parameters differently");
  node->names = std::move(names);
  MYELIN_CHECK(node->handlers.emplace(method, std::move(handler)).second, "a route is added twice");
}

bool Router::find(const Node& node, std::span<const std::string> segments, Match& match) {
  if (segments.empty()) {
    if (!node.handlers.empty()) {
      match.node = &node;
      return true;
    }
  } else {
    const auto literal = node.literals.find(segments.front());
    if (literal != node.literals.end() && find(*literal->second, segments.subspan(1), match))
      return true;
    if (node.parameter && !segments.front().empty()) {
      match.values.push_back(segments.front());
      if (find(*node.parameter, segments.subspan(1), match)) return true;
      match.values.pop_back();
    }
  }
  if (!node.rest || node.rest->handlers.empty()) return false;
  std::string joined;
  for (const std::string& segment : segments)
    joined += (&segment == &segments.front() ? "" : "/") + segment;
  match.values.push_back(std::move(joined));
  match.node = node.rest.get();
  return true;
}

const Handler* Router::pick(const Node& node, Method method) {
  auto found = node.handlers.find(method);
  if (found == node.handlers.end() && method == Method::Head)
    found = node.handlers.find(Method::Get);
  return found == node.handlers.end() ? nullptr : &found->second;
}

std::string Router::allow(const Node& node) {
  std::string methods;
  for (const Method method : kMethods) {
    if (method != Method::Options && pick(node, method) == nullptr) continue;
    if (!methods.empty()) methods += ", ";
    methods += to_string(method);
  }
  return methods;
}

Task<void> Router::handle(Request& request, ResponseWriter& writer) const {
  std::vector<std::string> segments = split_path(request.path == "*" ? "" : request.path);
  for (std::string& segment : segments) {
    auto decoded = percent_decode(segment);
    if (!decoded) {
      (void)co_await writer.send_error(decoded.error());
      co_return;
    }
    segment = std::move(decoded).value();
  }
  Match match;
  if (!find(*root_, segments, match)) {
    (void)co_await writer.send_error(404, "not-found", "there is nothing at this path");
    co_return;
  }
  for (std::size_t i = 0; i < match.values.size(); ++i)
    request.route.append(match.node->names[i], std::move(match.values[i]));
  if (const Handler* handler = pick(*match.node, request.method)) {
    co_await (*handler)(request, writer);
    co_return;
  }
  const bool asked = request.method == Method::Options;
  Response response{
      .status = asked ? 204 : 405,
      .headers = {{"Allow", allow(*match.node)}},
      .content_type = asked ? "" : "application/json; charset=utf-8",
      .body = asked ? "" : error_body("method-not-allowed", "the path has no such method")};
  (void)co_await writer.send(std::move(response));
}

Handler Router::as_handler() const {
  return [this](Request& request, ResponseWriter& writer) { return handle(request, writer); };
}

}  // namespace myelin::http
