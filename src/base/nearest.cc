#include "base/nearest.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace myelin {
namespace {

constexpr std::size_t kNameBytesMax = 128;
using Row = std::array<std::size_t, kNameBytesMax + 1>;

// Damerau's distance (optimal string alignment): a swap of neighbours counts once.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  Row before{}, above{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view wanted, std::span<const std::string> known) {
  if (wanted.size() > kNameBytesMax) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, wanted.size() / 3) + 1;
  for (const std::string& name : known) {
    if (name.size() > kNameBytesMax) continue;
    const std::size_t distance = edit_distance(wanted, name);
    // A guess that shares nothing with what was written helps nobody.
    if (distance < best_distance && distance < name.size()) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view wanted, std::span<const std::string> known) {
  const auto name = nearest_name(wanted, known);
  return name.empty() ? std::string() : "; did you mean " + std::string(name) + "?";
}

}  // namespace myelin
