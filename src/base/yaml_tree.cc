#include "base/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "base/utf8.h"

namespace myelin {
namespace {

constexpr std::size_t kNodesMax = 100'000;
constexpr std::size_t kKeysMax = 2000;  // Of one map: they are compared with each other.

YamlPlace to_place(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

// Leaves yaml-cpp's parser, which knows no other way out.
struct Refused {
  YamlPlace place;
  std::string message;
};

// Builds the tree from yaml-cpp's events. `open_` is the containers not yet closed, with the key
// that waits for its value when the container is a map.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(int depth_max) : depth_max_(static_cast<std::size_t>(depth_max)) {}

  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw Refused{to_place(mark), "expected one document, not several"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "?", anchor);
    add(make(YamlNode::Kind::Null, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{to_place(mark), "anchors and aliases are not taken here"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    auto node = make(is_null(tag, value) ? YamlNode::Kind::Null : YamlNode::Kind::Scalar, mark);
    node.scalar = value;
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    open(YamlNode::Kind::Sequence, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    open(YamlNode::Kind::Map, mark);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    std::optional<YamlNode> key = std::nullopt;
  };

  static bool is_null(const std::string& tag, const std::string& value) {
    return tag == "?" && (value.empty() || value == "~" || value == "null");
  }

  // A plain scalar has the tag "?", a quoted one "!", a container written without a tag "?" or "".
  static void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      throw Refused{to_place(mark), "anchors and aliases are not taken here"};
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Refused{to_place(mark), "tags are not taken here"};
  }

  YamlNode make(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (++nodes_ > kNodesMax) throw Refused{to_place(mark), "too many values"};
    YamlNode node;
    node.kind = kind;
    node.place = to_place(mark);
    return node;
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (open_.size() >= depth_max_) throw Refused{to_place(mark), "nested too deep"};
    if (expects_key()) throw Refused{to_place(mark), "expected a key that is text"};
    open_.push_back({make(kind, mark)});
  }

  void close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::Map && !open_.back().key;
  }

  void add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::Sequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      check_key(parent.node, node);
      parent.key = std::move(node);
    } else {
      // What is not there has no place; its key has.
      if (node.kind == YamlNode::Kind::Null) node.place = parent.key->place;
      parent.node.entries.push_back(
          {std::move(parent.key->scalar), parent.key->place, std::move(node)});
      parent.key.reset();
    }
  }

  static void check_key(const YamlNode& map, const YamlNode& key) {
    if (key.kind != YamlNode::Kind::Scalar) throw Refused{key.place, "expected a key that is text"};
    if (map.entries.size() >= kKeysMax) throw Refused{key.place, "too many keys"};
    const auto same = std::ranges::find(map.entries, key.scalar, &YamlNode::Entry::key);
    if (same != map.entries.end()) {
      throw Refused{key.place, "this key is already on line " +
                                   std::to_string(same->key_place.line) + " of the same group"};
    }
  }

  const std::size_t depth_max_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
  std::vector<Open> open_;
  YamlNode root_;
};

// yaml-cpp takes byte 4 for the end of the input and other encodings than UTF-8 for what they are:
// what it would not show must not be in the file.
std::optional<Refused> check_characters(std::string_view text) {
  YamlPlace place;
  while (!text.empty()) {
    const auto step = utf8_step(text);
    const auto byte = static_cast<std::uint8_t>(text[0]);
    if (!step.valid) return Refused{place, "expected UTF-8"};
    if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f)
      return Refused{place, "expected no control characters"};
    ++place.column;
    if (byte == '\n') place = {place.line + 1, 1};
    text.remove_prefix(step.bytes);
  }
  return std::nullopt;
}

Error to_error(std::string_view file_name, const Refused& refused) {
  return Error(ErrorCode::InvalidInput, yaml_place(file_name, refused.place) + refused.message);
}

}  // namespace

std::string yaml_place(std::string_view file_name, YamlPlace place) {
  return std::string(file_name) + ":" + std::to_string(place.line) + ":" +
         std::to_string(place.column) + ": ";
}

Result<YamlNode> parse_yaml(std::string_view file_name, const std::string& text, int depth_max) {
  if (const auto refused = check_characters(text)) return to_error(file_name, *refused);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    TreeBuilder builder(depth_max);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take();
  } catch (const Refused& refused) {
    return to_error(file_name, refused);
  } catch (const YAML::Exception& failure) {
    return to_error(file_name, {to_place(failure.mark), "not YAML: " + failure.msg});
  }
}

}  // namespace myelin
