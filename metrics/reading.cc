#include "metrics/reading.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "core/check.h"

namespace crier::metrics {

std::optional<double> read(const Series& series) {
  std::uint64_t counted = 0;
  for (const Counter* counter : series.counters) counted += counter->read();
  double value = static_cast<double>(counted);
  for (const Reader& reader : series.readers) {
    const auto more = reader();
    if (!more) return std::nullopt;
    value += *more;
  }
  return value;
}

HistogramValues read_histogram(const Family& family) {
  CRIER_CHECK(family.kind == Kind::histogram);
  HistogramValues values;
  values.buckets.resize(family.bounds.size() + 1);
  for (const auto& add : family.histograms) add(values);
  return values;
}

std::optional<double> sum(const Family& family) {
  CRIER_CHECK(family.kind != Kind::histogram);
  std::optional<double> sum;
  for (const Series& series : family.series) {
    if (const auto value = read(series)) sum = sum.value_or(0) + *value;
  }
  return sum;
}

std::vector<std::pair<std::string, double>> by_label(const Family& family) {
  CRIER_CHECK(family.kind != Kind::histogram);
  std::vector<std::pair<std::string, double>> values;
  for (const Series& series : family.series) {
    CRIER_CHECK(series.labels.size() == 1);
    const auto value = read(series);
    if (value && *value != 0) values.emplace_back(series.labels[0].second, *value);
  }
  std::ranges::sort(values, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return values;
}

std::optional<double> quantile(const Family& family, double q) {
  CRIER_CHECK(q >= 0);
  CRIER_CHECK(q <= 1);
  const std::vector<std::uint64_t> buckets = read_histogram(family).buckets;
  const auto count = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
  if (count == 0) return std::nullopt;
  const double rank = q * static_cast<double>(count);
  double below = 0;  // Observations in the buckets before this one.
  double lower = 0;  // The bound of the bucket before this one.
  for (std::size_t i = 0; i < family.bounds.size(); ++i) {
    const double bound = static_cast<double>(family.bounds[i]) / family.units;
    const auto inside = static_cast<double>(buckets[i]);
    if (below + inside >= rank) {
      return inside == 0 ? bound : lower + (bound - lower) * (rank - below) / inside;
    }
    below += inside;
    lower = bound;
  }
  return lower;
}

}  // namespace crier::metrics
