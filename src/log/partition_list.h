// PartitionList: the partitions of a topic, of which there may come to be more.
//
// One grows it at a time; everybody else reads meanwhile, without a lock. It never shrinks and
// nothing in it moves: what was found stays where it is as long as the topic lives.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <iterator>
#include <memory>
#include <vector>

#include "base/check.h"
#include "log/partition.h"

namespace myelin::log {

class PartitionList {
 public:
  using value_type = std::unique_ptr<Partition>;

  // Over those that there are as it is begun.
  class Iterator {
   public:
    using value_type = std::unique_ptr<Partition>;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;

    Iterator() = default;
    Iterator(const PartitionList& list, std::size_t at) : list_(&list), at_(at) {}
    const value_type& operator*() const { return (*list_)[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) {
      auto before = *this;
      ++at_;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const PartitionList* list_ = nullptr;
    std::size_t at_ = 0;
  };

  std::size_t size() const { return size_.load(std::memory_order_acquire); }
  // `index` is below a size() that the caller has seen.
  const value_type& operator[](std::size_t index) const {
    const auto block = block_of(index);
    return blocks_[block][index - first_of(block)];
  }
  const value_type& at(std::size_t index) const {
    MYELIN_CHECK(index < size(), "a partition that is not there");
    return (*this)[index];
  }
  const value_type& back() const { return at(size() - 1); }
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

  // All of them are there at once.
  void grow(std::vector<value_type> more) {
    auto count = size_.load(std::memory_order_relaxed);
    for (auto& partition : more) {
      const auto block = block_of(count);
      MYELIN_CHECK(block < blocks_.size(), "a topic of too many partitions");
      if (!blocks_[block]) blocks_[block] = std::make_unique<value_type[]>(std::size_t{1} << block);
      blocks_[block][count++ - first_of(block)] = std::move(partition);
    }
    size_.store(count, std::memory_order_release);
  }
  void push_back(value_type partition) {
    std::vector<value_type> one;
    one.push_back(std::move(partition));
    grow(std::move(one));
  }

 private:
  // Block n holds 2^n of them, so that none has to move.
  static std::size_t block_of(std::size_t index) {
    return static_cast<std::size_t>(std::bit_width(index + 1)) - 1;
  }
  static std::size_t first_of(std::size_t block) { return (std::size_t{1} << block) - 1; }

  std::array<std::unique_ptr<value_type[]>, 17> blocks_;  // 131,071 in all.
  std::atomic<std::size_t> size_ = 0;
};

}  // namespace myelin::log
