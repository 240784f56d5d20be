// What a catalogue's families say at one moment, as numbers. Belongs to the thread that renders;
// call Catalogue::refresh() first.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/catalogue.h"

namespace crier::metrics {

// The series' counters and readers added up; nothing: not known just now.
std::optional<double> read(const Series& series);

// What the family's histograms hold together. Requires: the family is a histogram.
HistogramValues read_histogram(const Family& family);

// All series that are known added up; nothing if none is. Requires: no histogram.
std::optional<double> sum(const Family& family);

// The known series by the value of their only label, largest first, without zeros.
// Requires: no histogram; each series has one label.
std::vector<std::pair<std::string, double>> by_label(const Family& family);

// The q-quantile, interpolated within its bucket as Prometheus' histogram_quantile() does, in the
// unit of the family's name; nothing without observations. Beyond the last bound it is that bound.
// Requires: the family is a histogram; 0 <= q <= 1.
std::optional<double> quantile(const Family& family, double q);

}  // namespace crier::metrics
