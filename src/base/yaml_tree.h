// YamlTree: a YAML document as plain values with their places, for config.cc alone.
//
// Less than YAML on purpose: one document, text keys, no anchors, no aliases, no tags, no duplicate
// keys, no control characters; limits on size, depth and count. So no file can be small and
// mean something large.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace myelin {

struct YamlPlace {
  int line = 1;
  int column = 1;
};

struct YamlNode {
  enum class Kind : std::uint8_t { Null, Scalar, Sequence, Map };
  struct Entry;

  Kind kind = Kind::Null;
  YamlPlace place;
  std::string scalar;
  std::vector<YamlNode> items;
  std::vector<Entry> entries;  // In the order of the file.
};

struct YamlNode::Entry {
  std::string key;
  YamlPlace key_place;
  YamlNode value;
};

// "myelin.yaml:12:3: "
std::string yaml_place(std::string_view file_name, YamlPlace place);

// The document; Null when there is none. InvalidInput begins with file:line:column.
Result<YamlNode> parse_yaml(std::string_view file_name, const std::string& text, int depth_max);

}  // namespace myelin
