// Renders a catalogue as Prometheus text (version 0.0.4). Call Catalogue::refresh() first.
//
// Families appear in the order of the catalogue, so two readings can be compared line by line. A
// family without any known number is left out. Numbers are read one after the other while other
// threads count, so each number is right, but two of them may differ by what happened in between.
// The buckets of a histogram are read once, so its count equals its +Inf bucket.
//
// A reading takes well under a millisecond and runs on the control loop. Nothing is kept between
// two readings.
#pragma once

#include <string>
#include <string_view>

#include "metrics/catalogue.h"

namespace crier::metrics {

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

std::string render(const Catalogue& catalogue);

}  // namespace crier::metrics
