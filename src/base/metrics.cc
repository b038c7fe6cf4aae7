#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"

namespace myelin::metrics {
namespace {

constexpr std::size_t kBucketsMax = 64;
constexpr std::string_view kOther = "other";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name(std::string_view name) {
  return !name.empty() && is_letter(name[0]) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
}

// A colon is legal in a metric's name but kept for recording rules.
void check_names(Kind kind, std::string_view name, std::span<const std::string_view> labels) {
  MYELIN_CHECK(is_name(name), "a metric's name is letters, digits and underscores");
  MYELIN_CHECK((kind == Kind::Counter) == name.ends_with("_total"),
               "counters, and only they, end in _total");
  for (const auto label : labels) {
    MYELIN_CHECK(is_name(label) && !label.starts_with("__"), "not a label's name");
    MYELIN_CHECK(kind != Kind::Histogram || label != "le", "le is the histogram's own label");
    MYELIN_CHECK(std::ranges::count(labels, label) == 1, "a label is named twice");
  }
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::Counter: return "counter";
    case Kind::Gauge: return "gauge";
    case Kind::Histogram: return "histogram";
  }
  return "untyped";
}

enum class Quotes : std::uint8_t { Escaped, Plain };

// HELP escapes backslash and line feed, a label value the double quote too. What is not UTF-8
// would make the whole scrape unreadable.
void append_escaped(std::string& out, std::string_view text, Quotes quotes) {
  while (!text.empty()) {
    const auto step = utf8_step(text);
    const char c = text[0];
    if (!step.valid) {
      out += "\xEF\xBF\xBD";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (c == '"' && quotes == Quotes::Escaped)) {
      out.append({'\\', c});
    } else {
      out.append(text.substr(0, step.bytes));
    }
    text.remove_prefix(step.bytes);
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

template <class Value>
void append_value(std::string& out, Value value) {
  if constexpr (std::integral<Value>) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    append_number(out, value);
  }
}

using Values = std::span<const std::string>;

// One sample line; `le` is the histogram's bound, or empty.
template <class Value>
void append_sample(std::string& out, std::string_view name, std::string_view suffix, Values labels,
                   Values values, std::string_view le, Value value) {
  out.append(name).append(suffix);
  char before = '{';
  const auto label = [&](std::string_view key, std::string_view text) {
    out.push_back(std::exchange(before, ','));
    out.append(key).append("=\"");
    append_escaped(out, text, Quotes::Escaped);
    out.push_back('"');
  };
  for (std::size_t i = 0; i < labels.size(); ++i) label(labels[i], values[i]);
  if (!le.empty()) label("le", le);
  if (before == ',') out.push_back('}');
  out.push_back(' ');
  append_value(out, value);
  out.push_back('\n');
}

void append_histogram(std::string& out, std::string_view name, Values labels, Values values,
                      const Histogram& histogram) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    below += histogram.bucket(i);
    std::string bound;
    append_number(bound, i < histogram.bounds().size() ? histogram.bounds()[i] : INFINITY);
    append_sample(out, name, "_bucket", labels, values, bound, below);
  }
  append_sample(out, name, "_sum", labels, values, {}, histogram.sum());
  // The sum of the buckets just written, so that a scrape is never at odds with itself.
  append_sample(out, name, "_count", labels, values, {}, below);
}

std::vector<std::string> to_strings(LabelValues values) {
  std::vector<std::string> strings;
  strings.reserve(values.size());
  for (const auto value : values) strings.emplace_back(utf8_prefix(value, kLabelBytesMax));
  return strings;
}

// Collects what a callback says, bounded as a family is.
class BoundedSamples final : public SampleSink {
 public:
  BoundedSamples(std::size_t labels, std::size_t sets_max) : labels_(labels), sets_max_(sets_max) {}

  void sample(LabelValues values, double value) override {
    MYELIN_CHECK(values.size() == labels_, "a sample needs a value for each label");
    auto key = to_strings(values);
    if (samples_.size() >= sets_max_ && !samples_.contains(key)) {
      samples_[std::vector<std::string>(labels_, std::string(kOther))] += value;
      return;
    }
    samples_[std::move(key)] = value;
  }
  const std::map<std::vector<std::string>, double>& samples() const { return samples_; }

 private:
  const std::size_t labels_;
  const std::size_t sets_max_;
  std::map<std::vector<std::string>, double> samples_;
};

}  // namespace

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()),
      counts_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1)) {
  MYELIN_CHECK(!bounds_.empty() && bounds_.size() <= kBucketsMax, "1 to 64 buckets");
  MYELIN_CHECK(std::ranges::adjacent_find(bounds_, std::greater_equal()) == bounds_.end() &&
                   std::isfinite(bounds_.front()) && std::isfinite(bounds_.back()),
               "bounds are finite and rise");
}

void Histogram::observe(double value) {
  const auto at = std::ranges::lower_bound(bounds_, value);
  const auto index = static_cast<std::size_t>(at - bounds_.begin());
  // NaN is in no bucket but the last, and must not spoil the sum for good.
  counts_[std::isnan(value) ? bounds_.size() : index].fetch_add(1, std::memory_order_relaxed);
  if (!std::isnan(value)) sum_.fetch_add(value, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) count += bucket(i);
  return count;
}

std::span<const double> latency_bounds() {
  static constexpr std::array kBounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                      0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};
  return kBounds;
}

std::span<const double> size_bounds() {
  static constexpr std::array kBounds{256.0,    1024.0,    4096.0,    16384.0,    65536.0,
                                      262144.0, 1048576.0, 4194304.0, 16777216.0, 67108864.0};
  return kBounds;
}

FamilyBase::FamilyBase(std::vector<std::string> label_names, std::size_t label_sets_max)
    : label_names_(std::move(label_names)), label_sets_max_(label_sets_max) {}

std::size_t FamilyBase::index_of(LabelValues values) {
  MYELIN_CHECK(values.size() == label_names_.size(), "a value for each label");
  auto key = to_strings(values);
  const auto found = indexes_.find(key);
  if (found != indexes_.end()) return found->second;
  if (indexes_.size() >= label_sets_max_) key.assign(label_names_.size(), std::string(kOther));
  return indexes_.try_emplace(std::move(key), indexes_.size()).first->second;
}

Callback& Callback::operator=(Callback&& other) noexcept {
  if (this == &other) return *this;
  reset();
  registry_ = std::exchange(other.registry_, nullptr);
  id_ = other.id_;
  return *this;
}

void Callback::reset() {
  if (registry_ != nullptr) std::exchange(registry_, nullptr)->remove_callback(id_);
}

struct Registry::Entry {
  Kind kind;
  std::string name;
  std::string help;
  std::vector<std::string> labels;
  // One of these, and a metric without labels is a family with one empty set.
  std::unique_ptr<Family<Counter>> counters = nullptr;
  std::unique_ptr<Family<Gauge>> gauges = nullptr;
  std::unique_ptr<Family<Histogram>> histograms = nullptr;
  std::function<void(SampleSink&)> collect = nullptr;
  std::uint64_t callback_id = 0;
  std::size_t label_sets_max = 0;

  bool in_use() const { return counters || gauges || histograms || collect; }

  void append_text(std::string& out) const {
    out.append("# HELP ").append(name).push_back(' ');
    append_escaped(out, help, Quotes::Plain);
    out.append("\n# TYPE ").append(name).append(" ").append(to_string(kind)).push_back('\n');
    const auto plain = [&](Values values, const auto& metric) {
      append_sample(out, name, {}, labels, values, {}, metric.value());
    };
    if (counters) counters->for_each(plain);
    if (gauges) gauges->for_each(plain);
    if (histograms) {
      histograms->for_each([&](Values values, const Histogram& histogram) {
        append_histogram(out, name, labels, values, histogram);
      });
    }
    if (collect) append_callback(out);
  }

  void append_callback(std::string& out) const {
    BoundedSamples samples(labels.size(), label_sets_max);
    collect(samples);
    for (const auto& [values, value] : samples.samples())
      append_sample(out, name, {}, labels, values, {}, value);
  }
};

Registry::Registry() = default;
Registry::~Registry() = default;

Registry::Entry& Registry::find_or_make(Kind kind, std::string_view name, std::string_view help,
                                        LabelNames labels) {
  check_names(kind, name, std::span(labels.begin(), labels.size()));
  auto& entry = entries_[std::string(name)];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>(
        Entry{.kind = kind,
              .name = std::string(name),
              .help = std::string(help),
              .labels = std::vector<std::string>(labels.begin(), labels.end())});
  }
  MYELIN_CHECK(entry->kind == kind && std::ranges::equal(entry->labels, labels),
               "a metric of this name exists with another kind or other labels");
  return *entry;
}

Family<Counter>& Registry::counters(std::string_view name, std::string_view help, LabelNames labels,
                                    std::size_t label_sets_max) {
  MutexLock lock(mutex_);
  Entry& entry = find_or_make(Kind::Counter, name, help, labels);
  MYELIN_CHECK(!entry.collect, "the metric is a callback");
  if (!entry.counters) {
    entry.counters = std::make_unique<Family<Counter>>(entry.labels, label_sets_max,
                                                       [] { return std::make_unique<Counter>(); });
  }
  return *entry.counters;
}

Family<Gauge>& Registry::gauges(std::string_view name, std::string_view help, LabelNames labels,
                                std::size_t label_sets_max) {
  MutexLock lock(mutex_);
  Entry& entry = find_or_make(Kind::Gauge, name, help, labels);
  MYELIN_CHECK(!entry.collect, "the metric is a callback");
  if (!entry.gauges) {
    entry.gauges = std::make_unique<Family<Gauge>>(entry.labels, label_sets_max,
                                                   [] { return std::make_unique<Gauge>(); });
  }
  return *entry.gauges;
}

Family<Histogram>& Registry::histograms(std::string_view name, std::string_view help,
                                        std::span<const double> bounds, LabelNames labels,
                                        std::size_t label_sets_max) {
  MutexLock lock(mutex_);
  Entry& entry = find_or_make(Kind::Histogram, name, help, labels);
  if (!entry.histograms) {
    std::vector<double> copy(bounds.begin(), bounds.end());
    entry.histograms = std::make_unique<Family<Histogram>>(
        entry.labels, label_sets_max,
        [copy = std::move(copy)] { return std::make_unique<Histogram>(copy); });
  }
  return *entry.histograms;
}

Counter& Registry::counter(std::string_view name, std::string_view help) {
  return counters(name, help, {}, 1).with({});
}

Gauge& Registry::gauge(std::string_view name, std::string_view help) {
  return gauges(name, help, {}, 1).with({});
}

Histogram& Registry::histogram(std::string_view name, std::string_view help,
                               std::span<const double> bounds) {
  return histograms(name, help, bounds, {}, 1).with({});
}

Callback Registry::callback(Kind kind, std::string_view name, std::string_view help,
                            LabelNames labels, std::function<void(SampleSink&)> collect,
                            std::size_t label_sets_max) {
  MutexLock lock(mutex_);
  MYELIN_CHECK(kind != Kind::Histogram, "a callback is a counter or a gauge");
  Entry& entry = find_or_make(kind, name, help, labels);
  MYELIN_CHECK(!entry.in_use(), "the metric exists already");
  entry.collect = std::move(collect);
  entry.callback_id = next_callback_++;
  entry.label_sets_max = label_sets_max;
  return Callback(*this, entry.callback_id);
}

Callback Registry::gauge_callback(std::string_view name, std::string_view help,
                                  std::function<double()> value) {
  return callback(Kind::Gauge, name, help, {},
                  [value = std::move(value)](SampleSink& sink) { sink.sample({}, value()); });
}

void Registry::remove_callback(std::uint64_t id) {
  MutexLock lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) { return entry.second->callback_id == id; });
}

std::string Registry::prometheus_text() const {
  MutexLock lock(mutex_);
  std::string out;
  for (const auto& [name, entry] : entries_) entry->append_text(out);
  return out;
}

}  // namespace myelin::metrics
