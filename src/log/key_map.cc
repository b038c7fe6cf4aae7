#include "log/key_map.h"

#include <algorithm>
#include <bit>

namespace myelin::log {
namespace {

constexpr std::size_t kSlotsMin = 1024;

}  // namespace

KeyMap::KeyMap(std::size_t bytes_max, const SipKey& key)
    : key_(key), slots_max_(std::max(kSlotsMin, std::bit_floor(bytes_max / sizeof(Slot)))) {
  clear();
}

void KeyMap::clear() {
  slots_.assign(kSlotsMin, Slot());
  slots_.shrink_to_fit();
  used_ = 0;
}

// Of the key's slot, or of the free one where it would go.
std::size_t KeyMap::place(const Hash128& hash) const {
  const auto mask = slots_.size() - 1;
  auto at = hash.low & mask;
  while (slots_[at].offset >= 0 && slots_[at].key != hash) at = (at + 1) & mask;
  return at;
}

void KeyMap::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const auto& slot : old) {
    if (slot.offset >= 0) slots_[place(slot.key)] = slot;
  }
}

bool KeyMap::put(std::string_view key, Offset offset) {
  const auto hash = siphash128(key_, key);
  auto at = place(hash);
  if (slots_[at].offset < 0) {
    // Three quarters full is as full as it gets.
    if ((used_ + 1) * 4 > slots_.size() * 3) {
      if (slots_.size() >= slots_max_) return false;
      grow();
      at = place(hash);
    }
    ++used_;
  }
  slots_[at] = {hash, std::max(slots_[at].offset, offset.value)};
  return true;
}

std::optional<Offset> KeyMap::find(std::string_view key) const {
  const auto& slot = slots_[place(siphash128(key_, key))];
  if (slot.offset < 0) return std::nullopt;
  return Offset(slot.offset);
}

}  // namespace myelin::log
