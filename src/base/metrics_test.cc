#include "base/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "base/phi.h"

namespace myelin::metrics {
namespace {

static_assert(!std::convertible_to<Phi, std::string_view>, "a label value is never patient data");

TEST(Metrics, WritesCountersAndGaugesSortedByName) {
  Registry registry;
  registry.gauge("b_bytes", "Size.").set(1.5);
  registry.counter("a_total", "Things.").increment(3);
  EXPECT_EQ(registry.prometheus_text(),
            "# HELP a_total Things.\n# TYPE a_total counter\na_total 3\n"
            "# HELP b_bytes Size.\n# TYPE b_bytes gauge\nb_bytes 1.5\n");
}

TEST(Metrics, GivesTheSameMetricForTheSameName) {
  Registry registry;
  registry.counter("a_total", "Things.").increment();
  registry.counter("a_total", "Things.").increment();
  EXPECT_EQ(registry.counter("a_total", "Things.").value(), 2u);
}

TEST(Metrics, EscapesHelpAndLabelValuesAsTheFormatAsks) {
  Registry registry;
  registry.counters("a_total", "Back\\slash \"quote\"\nline.", {"l"})
      .with({"a\\b\"c\nd\xFF"})
      .increment();
  EXPECT_EQ(registry.prometheus_text(),
            "# HELP a_total Back\\\\slash \"quote\"\\nline.\n# TYPE a_total counter\n"
            "a_total{l=\"a\\\\b\\\"c\\nd\uFFFD\"} 1\n");
}

TEST(Metrics, KeepsOneMetricForEachSetOfLabelValues) {
  Registry registry;
  auto& family = registry.gauges("depth", "Depth.", {"topic", "group"});
  family.with({"x", "1"}).set(1);
  family.with({"x", "2"}).set(2);
  family.with({"x", "1"}).add(10);
  EXPECT_EQ(registry.prometheus_text(),
            "# HELP depth Depth.\n# TYPE depth gauge\n"
            "depth{topic=\"x\",group=\"1\"} 11\ndepth{topic=\"x\",group=\"2\"} 2\n");
}

TEST(Metrics, CountsTheRestAsOtherBeyondTheLimit) {
  Registry registry;
  auto& family = registry.counters("a_total", "A.", {"peer"}, 2);
  for (const char* peer : {"a", "b", "c", "d", "a"}) family.with({peer}).increment();
  const auto text = registry.prometheus_text();
  EXPECT_NE(text.find("a_total{peer=\"a\"} 2\na_total{peer=\"b\"} 1\na_total{peer=\"other\"} 2\n"),
            std::string::npos);
}

TEST(Metrics, CutsALongLabelValueBetweenCharacters) {
  Registry registry;
  registry.counters("a_total", "A.", {"l"}).with({std::string(255, 'x') + "€"}).increment();
  EXPECT_NE(registry.prometheus_text().find("{l=\"" + std::string(255, 'x') + "\"} 1"),
            std::string::npos);
}

TEST(Histogram, PutsAnObservationAtABoundIntoThatBucket) {
  constexpr double kBounds[] = {1, 2};
  Histogram histogram(kBounds);
  for (const double value : {0.5, 1.0, 1.5, 2.0, 3.0}) histogram.observe(value);
  EXPECT_EQ(histogram.bucket(0), 2u);
  EXPECT_EQ(histogram.bucket(1), 2u);
  EXPECT_EQ(histogram.bucket(2), 1u);
  EXPECT_EQ(histogram.count(), 5u);
  EXPECT_DOUBLE_EQ(histogram.sum(), 8.0);
}

TEST(Histogram, IsNotSpoiledByNan) {
  constexpr double kBounds[] = {1};
  Histogram histogram(kBounds);
  histogram.observe(NAN);
  histogram.observe(0.5);
  EXPECT_EQ(histogram.bucket(1), 1u);
  EXPECT_DOUBLE_EQ(histogram.sum(), 0.5);
}

TEST(Histogram, WritesCumulativeBucketsSumAndCount) {
  Registry registry;
  constexpr double kBounds[] = {0.001, 1};
  auto& family = registry.histograms("t_seconds", "Time.", kBounds, {"op"});
  family.with({"read"}).observe(0.5);
  family.with({"read"}).observe(7);
  EXPECT_EQ(registry.prometheus_text(),
            "# HELP t_seconds Time.\n# TYPE t_seconds histogram\n"
            "t_seconds_bucket{op=\"read\",le=\"0.001\"} 0\n"
            "t_seconds_bucket{op=\"read\",le=\"1\"} 1\n"
            "t_seconds_bucket{op=\"read\",le=\"+Inf\"} 2\n"
            "t_seconds_sum{op=\"read\"} 7.5\nt_seconds_count{op=\"read\"} 2\n");
}

TEST(Callback, IsEvaluatedAtEachScrapeAndGoneAfterItsEnd) {
  Registry registry;
  double value = 1;
  {
    const auto callback = registry.gauge_callback("size_bytes", "Size.", [&] { return value; });
    EXPECT_NE(registry.prometheus_text().find("size_bytes 1\n"), std::string::npos);
    value = INFINITY;
    EXPECT_NE(registry.prometheus_text().find("size_bytes +Inf\n"), std::string::npos);
  }
  EXPECT_EQ(registry.prometheus_text(), "");
}

TEST(Callback, MayBeMovedAndReplaced) {
  Registry registry;
  auto callback = registry.gauge_callback("a", "A.", [] { return 1.0; });
  Callback other = std::move(callback);
  EXPECT_NE(registry.prometheus_text().find("a 1\n"), std::string::npos);
  other = registry.gauge_callback("b", "B.", [] { return 2.0; });
  EXPECT_EQ(registry.prometheus_text(), "# HELP b B.\n# TYPE b gauge\nb 2\n");
}

TEST(Callback, GivesABoundedNumberOfSamples) {
  Registry registry;
  const auto callback = registry.callback(
      Kind::Counter, "a_total", "A.", {"topic"},
      [](SampleSink& sink) {
        for (const char* topic : {"a", "b", "c", "d"}) sink.sample({topic}, 2);
      },
      2);
  EXPECT_EQ(registry.prometheus_text(),
            "# HELP a_total A.\n# TYPE a_total counter\n"
            "a_total{topic=\"a\"} 2\na_total{topic=\"b\"} 2\na_total{topic=\"other\"} 4\n");
}

TEST(MetricsDeathTest, RefusesNamesThatPrometheusWouldNotTake) {
  Registry registry;
  EXPECT_DEATH(registry.gauge("a-b", ""), "metric's name");
  EXPECT_DEATH(registry.gauge("1a", ""), "metric's name");
  EXPECT_DEATH(registry.gauge("", ""), "metric's name");
  EXPECT_DEATH(registry.counter("a", ""), "end in _total");
  EXPECT_DEATH(registry.gauges("a", "", {"__x"}), "label's name");
  EXPECT_DEATH(registry.gauges("a", "", {"x", "x"}), "named twice");
  EXPECT_DEATH(registry.histograms("a", "", latency_bounds(), {"le"}), "own label");
}

TEST(MetricsDeathTest, RefusesOneNameForTwoKinds) {
  Registry registry;
  registry.gauge("a", "A.");
  EXPECT_DEATH(registry.histogram("a", "A.", latency_bounds()), "another kind");
  EXPECT_DEATH(registry.gauges("a", "A.", {"x"}), "other labels");
  EXPECT_DEATH(static_cast<void>(registry.gauge_callback("a", "A.", [] { return 1.0; })),
               "exists already");
}

TEST(Metrics, AreCountedByManyThreadsWhileScraped) {
  Registry registry;
  auto& counter = registry.counter("a_total", "A.");
  auto& gauge = registry.gauge("b", "B.");
  auto& histogram = registry.histogram("c_seconds", "C.", latency_bounds());
  auto& family = registry.counters("d_total", "D.", {"t"}, 3);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const auto label = std::to_string(t);
      for (int i = 0; i < 1000; ++i) {
        counter.increment();
        gauge.add(1);
        histogram.observe(0.25);
        family.with({label}).increment();
        if (i % 100 == 0) {
          const auto callback = registry.gauge_callback("e_" + label, "E.", [&] { return i; });
          EXPECT_FALSE(registry.prometheus_text().empty());
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 4000u);
  EXPECT_EQ(gauge.value(), 4000);
  EXPECT_EQ(histogram.count(), 4000u);
  EXPECT_EQ(histogram.sum(), 1000.0);
  std::uint64_t sum = 0;
  family.for_each([&](const auto&, const Counter& one) { sum += one.value(); });
  EXPECT_EQ(sum, 4000u);
}

}  // namespace
}  // namespace myelin::metrics
