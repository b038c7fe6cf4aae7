// Field, Repetition, Component, Subcomponent: what a segment holds, as views that split on demand.
//
// All are views into the bytes of a Message (or of whoever gave the text) and into its delimiters;
// they live as long as those. Nothing is allocated but by text().
#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

#include "formats/hl7v2/delimiters.h"
#include "formats/hl7v2/escape.h"

namespace myelin::hl7v2 {

class Value {
 public:
  Value(std::string_view raw, const Delimiters& delimiters) : raw_(raw), delimiters_(&delimiters) {}

  std::string_view raw() const { return raw_; }  // As it stands in the message.
  bool empty() const { return raw_.empty(); }    // Nothing is said about it.
  bool is_null() const { return raw_ == kNull; }
  std::string text() const { return unescape(raw_, *delimiters_); }
  void append_text(std::string& out) const {
    if (!raw_.empty()) append_unescaped(out, raw_, *delimiters_);
  }
  const Delimiters& delimiters() const { return *delimiters_; }

 private:
  std::string_view raw_;
  const Delimiters* delimiters_;
};

// The parts of a value; an empty value is one empty part. Part names its separator.
template <class Part>
class Parts {
 public:
  Parts(std::string_view raw, const Delimiters& delimiters) : raw_(raw), delimiters_(&delimiters) {}

  class Iterator {
   public:
    using value_type = Part;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    Iterator(std::string_view raw, const Delimiters& delimiters)
        : at_(raw.data()), end_(raw.data() + raw.size()), delimiters_(&delimiters), more_(true) {
      stop_ = find();
    }
    Part operator*() const {
      return Part(std::string_view(at_, static_cast<std::size_t>(stop_ - at_)), *delimiters_);
    }
    Iterator& operator++() {
      more_ = stop_ != end_;
      if (more_) {
        at_ = stop_ + 1;
        stop_ = find();
      }
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const {
      return more_ == other.more_ && at_ == other.at_;
    }
    bool operator==(std::default_sentinel_t) const { return !more_; }

   private:
    const char* find() const {
      const char separator = Part::separator(*delimiters_);
      if (separator == 0) return end_;
      const char* p = at_;
      while (p != end_ && *p != separator) ++p;
      return p;
    }

    const char* at_ = nullptr;
    const char* stop_ = nullptr;
    const char* end_ = nullptr;
    const Delimiters* delimiters_ = nullptr;
    bool more_ = false;
  };

  Iterator begin() const { return Iterator(raw_, *delimiters_); }
  std::default_sentinel_t end() const { return {}; }

  std::size_t count() const {
    std::size_t n = 0;
    for (auto it = begin(); it != end(); ++it) ++n;
    return n;
  }
  // The n-th, counted from 1; empty when there are fewer.
  Part nth(std::size_t n) const {
    for (auto it = begin(); it != end() && n > 0; ++it) {
      if (--n == 0) return *it;
    }
    return Part({}, *delimiters_);
  }

 private:
  std::string_view raw_;
  const Delimiters* delimiters_;
};

class Subcomponent : public Value {
 public:
  using Value::Value;
  static char separator(const Delimiters& delimiters) { return delimiters.subcomponent; }
};

class Component : public Value {
 public:
  using Value::Value;
  static char separator(const Delimiters& delimiters) { return delimiters.component; }

  Parts<Subcomponent> subcomponents() const { return {raw(), delimiters()}; }
  Subcomponent subcomponent(std::size_t n) const { return subcomponents().nth(n); }
};

class Repetition : public Value {
 public:
  using Value::Value;
  static char separator(const Delimiters& delimiters) { return delimiters.repetition; }

  Parts<Component> components() const { return {raw(), delimiters()}; }
  Component component(std::size_t n) const { return components().nth(n); }
};

class Field : public Value {
 public:
  using Value::Value;

  Parts<Repetition> repetitions() const { return {raw(), delimiters()}; }
  Repetition repetition(std::size_t n) const { return repetitions().nth(n); }
  // Of the first repetition.
  Component component(std::size_t n) const { return repetition(1).component(n); }
};

}  // namespace myelin::hl7v2
