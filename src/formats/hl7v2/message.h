// Message: an HL7 version 2 message as its bytes and flat tables of where segments and fields
// begin.
//
// Made by parse() (parse.h) and immutable from then on: any number of threads may read it. It holds
// the bytes, or views those of its maker (parse_view); repetitions, components and subcomponents
// are split when asked for (value.h). Segments and values are views: they live as long as the
// message stays where it is. The tables take at most 4 bytes a field and 16 a segment.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/hl7v2/delimiters.h"
#include "formats/hl7v2/deviation.h"
#include "formats/hl7v2/value.h"

namespace myelin::hl7v2 {

class Message;

namespace detail {

struct SegmentEntry {
  std::uint32_t begin;
  std::uint32_t end;      // Its line end begins here.
  std::uint32_t columns;  // Its first place in the message's starts_.
  // Columns are what the field separator separates; the id is the first. A header's second column
  // is its field 2, elsewhere it is field 1.
  std::uint32_t column_count : 31;
  std::uint32_t is_header : 1;
};

}  // namespace detail

class Segment {
 public:
  std::string_view id() const;   // "PID", as it was written: any text where a line has no id.
  std::string_view raw() const;  // Without its line end.
  std::size_t number() const;    // Its place in the message, counted from 1.
  // The number of the last field that is there, empty or not. 0: the id alone.
  std::size_t field_count() const;
  // Fields count from 1, as in HL7; one that is not there is empty. MSH-1 is the field separator
  // itself, MSH-2 the encoding characters, unsplit.
  Field field(std::size_t n) const;

 private:
  friend class Message;
  Segment(const Message& message, const detail::SegmentEntry& entry)
      : message_(&message), entry_(&entry) {}

  const Message* message_;
  const detail::SegmentEntry* entry_;
};

class Message {
 public:
  static constexpr std::size_t kDeviationsMax = 16;

  std::string_view raw() const { return owns_ ? std::string_view(owned_) : viewed_; }
  const Delimiters& delimiters() const { return delimiters_; }

  std::size_t segment_count() const { return segments_.size(); }
  // Counted from 0, in the message's order; the first is MSH.
  Segment segment(std::size_t index) const { return Segment(*this, segments_[index]); }
  Segment header() const { return segment(0); }
  // The n-th segment with this id, counted from 1. Case counts for nothing.
  std::optional<Segment> find_segment(std::string_view id, std::size_t n = 1) const;

  class Iterator {
   public:
    using value_type = Segment;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(const Message& message, std::size_t index) : message_(&message), index_(index) {}
    Segment operator*() const { return message_->segment(index_); }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    Iterator operator++(int) { return {*message_, index_++}; }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Message* message_ = nullptr;
    std::size_t index_ = 0;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, segments_.size()}; }

  // The first kDeviationsMax of them; deviation_count() counts them all.
  std::span<const Deviation> deviations() const {
    return {deviations_.data(), std::min<std::size_t>(deviation_count_, kDeviationsMax)};
  }
  std::size_t deviation_count() const { return deviation_count_; }

 private:
  friend class Segment;
  friend class Parser;

  using Entry = detail::SegmentEntry;

  Message() = default;

  std::string_view column(const Entry& entry, std::size_t n) const;

  std::string owned_;
  std::string_view viewed_;
  bool owns_ = false;
  Delimiters delimiters_;
  std::vector<Entry> segments_;
  // Where each column begins, segment by segment; after a segment's last, one past its end, so that
  // column n reaches up to start n + 1, less one.
  std::vector<std::uint32_t> starts_;
  std::array<Deviation, kDeviationsMax> deviations_;
  std::size_t deviation_count_ = 0;
};

// The message's bytes, put together again from its tables: what was parsed, byte for byte.
std::string write(const Message& message);

inline std::string_view Message::column(const Entry& entry, std::size_t n) const {
  const std::uint32_t* start = starts_.data() + entry.columns + n;
  return {raw().data() + start[0], start[1] - 1 - start[0]};
}

inline std::string_view Segment::id() const { return message_->column(*entry_, 0); }

inline std::string_view Segment::raw() const {
  return message_->raw().substr(entry_->begin, entry_->end - entry_->begin);
}

inline std::size_t Segment::number() const {
  return static_cast<std::size_t>(entry_ - message_->segments_.data()) + 1;
}

inline std::size_t Segment::field_count() const {
  return entry_->column_count - 1 + entry_->is_header;
}

inline Field Segment::field(std::size_t n) const {
  if (entry_->is_header && n <= 2) [[unlikely]] {
    if (n == 1) return Field(message_->raw().substr(entry_->begin + 3, 1), kVerbatim);
    if (n == 2) return Field(message_->column(*entry_, 1), kVerbatim);
  }
  const std::size_t column = n - entry_->is_header;
  if (n == 0 || column >= entry_->column_count) return Field({}, message_->delimiters_);
  return Field(message_->column(*entry_, column), message_->delimiters_);
}

}  // namespace myelin::hl7v2
