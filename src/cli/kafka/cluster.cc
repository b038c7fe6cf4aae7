#include "cli/kafka/cluster.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "cli/kafka/text.h"

namespace myelin::cli::kafka {

std::optional<std::int64_t> TopicView::span() const {
  std::int64_t sum = 0;
  for (const PartitionView& partition : partitions) {
    const auto span = partition.span();
    if (!span) return std::nullopt;
    sum += *span;
  }
  return sum;
}

const PartitionView* TopicView::find_partition(std::int32_t id) const {
  const auto found = std::ranges::find(partitions, id, &PartitionView::id);
  return found == partitions.end() ? nullptr : &*found;
}

const TopicView* ClusterView::find_topic(std::string_view name) const {
  const auto found = std::ranges::find(topics, name, &TopicView::name);
  return found == topics.end() ? nullptr : &*found;
}

Result<std::vector<TopicView>> ClusterView::select(const std::vector<std::string>& names) const {
  std::vector<TopicView> selected;
  for (const std::string& name : names) {
    const TopicView* topic = find_topic(name);
    if (topic == nullptr) {
      std::vector<std::string> known;
      for (const TopicView& other : topics) known.push_back(other.name);
      return Error(ErrorCode::NotFound, fmt::format("there is no topic {}, or it may not be seen{}",
                                                    one_line(name), did_you_mean(name, known)));
    }
    if (std::ranges::find(selected, name, &TopicView::name) == selected.end())
      selected.push_back(*topic);
  }
  return selected;
}

bool is_internal(std::string_view topic) { return topic.starts_with("__"); }

}  // namespace myelin::cli::kafka
