// Metrics: counters, gauges and histograms, and their text for Prometheus.
//
// app owns the Registry and hands it down by reference; it outlives whoever uses it. A metric is
// made once, kept by reference, and updated without a lock from any thread. A family has a metric
// for each set of label values, and takes no more sets than it was told: beyond that, all share one
// whose labels are "other". Names are literals of ours and are checked when a metric is made
// (MYELIN_CHECK); asked for again with the same kind, a name gives the same metric. Label values
// are never patient data (Phi does not convert).
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace myelin::metrics {

class Counter {
 public:
  void increment(std::uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double by) { value_.fetch_add(by, std::memory_order_relaxed); }
  void subtract(double by) { add(-by); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  // Upper bounds, rising; +Inf is added. At most 64.
  explicit Histogram(std::span<const double> bounds);

  void observe(double value);
  std::uint64_t count() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }
  std::span<const double> bounds() const { return bounds_; }
  // Observations in bucket i alone (not those below it); i == bounds().size() is +Inf.
  std::uint64_t bucket(std::size_t i) const { return counts_[i].load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  const std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;
  std::atomic<double> sum_{0};
};

// 100 µs to 10 s, in seconds.
std::span<const double> latency_bounds();
// 256 bytes to 64 MiB.
std::span<const double> size_bounds();

using LabelValues = std::initializer_list<std::string_view>;
inline constexpr std::size_t kLabelSetsMax = 200;
inline constexpr std::size_t kLabelBytesMax = 256;  // Longer values are cut.

enum class Kind : std::uint8_t { Counter, Gauge, Histogram };

// A family's label sets and where each one's metric is. What the templates share.
class FamilyBase {
 public:
  FamilyBase(std::vector<std::string> label_names, std::size_t label_sets_max);

  std::span<const std::string> label_names() const { return label_names_; }

 protected:
  // The set's index, or the overflow set's.
  std::size_t index_of(LabelValues values) MYELIN_REQUIRES(mutex_);

  const std::vector<std::string> label_names_;
  const std::size_t label_sets_max_;
  mutable Mutex mutex_;
  std::map<std::vector<std::string>, std::size_t> indexes_ MYELIN_GUARDED_BY(mutex_);
};

template <class Metric>
class Family : public FamilyBase {
 public:
  using Make = std::function<std::unique_ptr<Metric>()>;
  Family(std::vector<std::string> label_names, std::size_t label_sets_max, Make make)
      : FamilyBase(std::move(label_names), label_sets_max), make_(std::move(make)) {}

  // The metric of these values, in the order of the label names. Takes a lock: keep the reference
  // where it is used often.
  Metric& with(LabelValues values) {
    MutexLock lock(mutex_);
    const std::size_t index = index_of(values);
    if (index == metrics_.size()) metrics_.push_back(make_());
    return *metrics_[index];
  }

  // Calls use(label values, metric) for each set, in their order.
  template <class Use>
  void for_each(Use use) const {
    MutexLock lock(mutex_);
    for (const auto& [values, index] : indexes_) use(values, *metrics_[index]);
  }

 private:
  const Make make_;
  std::vector<std::unique_ptr<Metric>> metrics_ MYELIN_GUARDED_BY(mutex_);
};

// Takes what a callback has to say at a scrape; sets beyond the family's limit are dropped and
// counted as the sample "other".
class SampleSink {
 public:
  virtual ~SampleSink() = default;
  virtual void sample(LabelValues values, double value) = 0;
};

class Registry;

// Keeps a callback registered; its end waits for a scrape that is calling it. Whoever owns what the
// callback reads owns this too, declared after it.
class [[nodiscard]] Callback {
 public:
  Callback() = default;
  Callback(Registry& registry, std::uint64_t id) : registry_(&registry), id_(id) {}
  Callback(Callback&& other) noexcept : registry_(std::exchange(other.registry_, nullptr)) {
    id_ = other.id_;
  }
  Callback& operator=(Callback&& other) noexcept;
  ~Callback() { reset(); }
  void reset();

 private:
  Registry* registry_ = nullptr;
  std::uint64_t id_ = 0;
};

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter& counter(std::string_view name, std::string_view help);
  Gauge& gauge(std::string_view name, std::string_view help);
  Histogram& histogram(std::string_view name, std::string_view help,
                       std::span<const double> bounds);

  using LabelNames = std::initializer_list<std::string_view>;
  Family<Counter>& counters(std::string_view name, std::string_view help, LabelNames labels,
                            std::size_t label_sets_max = kLabelSetsMax);
  Family<Gauge>& gauges(std::string_view name, std::string_view help, LabelNames labels,
                        std::size_t label_sets_max = kLabelSetsMax);
  Family<Histogram>& histograms(std::string_view name, std::string_view help,
                                std::span<const double> bounds, LabelNames labels,
                                std::size_t label_sets_max = kLabelSetsMax);

  // Evaluated at each scrape, one after the other, under the registry's lock: quick, and without
  // calling the registry. A name has one callback at a time.
  Callback gauge_callback(std::string_view name, std::string_view help,
                          std::function<double()> value);
  // The same for a metric that somebody else counts, of either kind, with a sample a label set.
  Callback callback(Kind kind, std::string_view name, std::string_view help, LabelNames labels,
                    std::function<void(SampleSink&)> collect,
                    std::size_t label_sets_max = kLabelSetsMax);

  // The Prometheus text exposition format, version 0.0.4, sorted by name.
  std::string prometheus_text() const;

 private:
  friend class Callback;
  struct Entry;

  Entry& find_or_make(Kind kind, std::string_view name, std::string_view help, LabelNames labels)
      MYELIN_REQUIRES(mutex_);
  void remove_callback(std::uint64_t id);

  mutable Mutex mutex_;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_ MYELIN_GUARDED_BY(mutex_);
  std::uint64_t next_callback_ MYELIN_GUARDED_BY(mutex_) = 1;
};

}  // namespace myelin::metrics
