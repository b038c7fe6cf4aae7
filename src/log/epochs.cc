#include "log/epochs.h"

#include <algorithm>

#include "base/bytes.h"

namespace myelin::log {

std::int32_t leader_epoch(std::string_view batch) {
  return load_be<std::int32_t>(batch.data() + 12);
}

void note_epoch(std::vector<EpochStart>& epochs, const BatchRef& batch) {
  const auto epoch = leader_epoch(batch.bytes);
  if (epochs.empty() || epochs.back().epoch < epoch) epochs.push_back({epoch, batch.base_offset});
}

void forget_epochs(std::vector<EpochStart>& epochs, Offset start) {
  const auto next = std::find_if(epochs.begin(), epochs.end(),
                                 [&](const EpochStart& at) { return at.start > start; });
  if (next == epochs.begin()) return;
  epochs.erase(epochs.begin(), next - 1);
  epochs.front().start = std::max(epochs.front().start, start);
}

}  // namespace myelin::log
