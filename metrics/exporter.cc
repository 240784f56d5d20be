#include "metrics/exporter.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <utility>
#include <vector>

#include "metrics/reading.h"

namespace crier::metrics {
namespace {

// The prometheus type of each Kind, in the order of the enum.
constexpr prometheus::MetricType kTypes[] = {prometheus::MetricType::Counter,
                                             prometheus::MetricType::Gauge,
                                             prometheus::MetricType::Histogram};

prometheus::ClientMetric metric_of(Kind kind, const Series& series, double value) {
  prometheus::ClientMetric metric;
  for (const auto& [name, label] : series.labels) metric.label.push_back({name, label});
  (kind == Kind::counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

prometheus::ClientMetric histogram_of(const Family& family) {
  const HistogramValues values = read_histogram(family);
  prometheus::ClientMetric metric;
  auto& histogram = metric.histogram;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < values.buckets.size(); ++i) {
    cumulative += values.buckets[i];
    // Divides, because 250 / 1e6 is exactly the number that "0.00025" reads as, and 250 * 1e-6 is
    // not.
    const double bound = i < family.bounds.size()
                             ? static_cast<double>(family.bounds[i]) / family.units
                             : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({.cumulative_count = cumulative, .upper_bound = bound});
  }
  histogram.sample_count = cumulative;
  histogram.sample_sum = static_cast<double>(values.sum) / family.units;
  return metric;
}

}  // namespace

std::string render(const Catalogue& catalogue) {
  std::vector<prometheus::MetricFamily> families;
  for (const Family& family : catalogue.families()) {
    prometheus::MetricFamily made{.name = family.name,
                                  .help = family.help,
                                  .type = kTypes[static_cast<std::size_t>(family.kind)],
                                  .metric = {}};
    if (!family.histograms.empty()) made.metric.push_back(histogram_of(family));
    for (const Series& series : family.series) {
      if (const auto value = read(series)) {
        made.metric.push_back(metric_of(family.kind, series, *value));
      }
    }
    if (!made.metric.empty()) families.push_back(std::move(made));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace crier::metrics
