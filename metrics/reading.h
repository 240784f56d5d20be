// Reads a catalogue's families as numbers: sums, values by label, quantiles. For code that needs no
// text. Call Catalogue::refresh() first. Belongs to the thread that renders.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metrics/catalogue.h"

namespace crier::metrics {

// Returns the sum of the series' counters and readers, or nothing while one of them is unknown.
std::optional<double> read(const Series& series);

// Returns the sum of the family's histograms. Requires: the family is a histogram.
HistogramValues read_histogram(const Family& family);

// Returns the sum of all series that are known, or nothing if none is. Requires: not a histogram.
std::optional<double> sum(const Family& family);

// Returns the value of each known series by its only label, largest value first, without zeros.
// Requires: not a histogram; each series has one label.
std::vector<std::pair<std::string, double>> by_label(const Family& family);

// Returns the q-quantile in the unit of the family's name, interpolated within its bucket as
// Prometheus' histogram_quantile() does. Returns nothing without observations, and the last bound
// for a quantile beyond it. Requires: the family is a histogram; 0 <= q <= 1.
std::optional<double> quantile(const Family& family, double q);

}  // namespace crier::metrics
