// Matcher: which topics a subscription is about.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "broker/types.h"

namespace myelin::broker {

struct Matcher {
  std::string tenant;
  std::vector<std::string> patterns;

  bool matches(const TopicName& name) const {
    return name.tenant == tenant && !is_internal(name.name) &&
           std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
             return matches_pattern(pattern, name.name);
           });
  }
};

}  // namespace myelin::broker
