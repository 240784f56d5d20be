// A catalogue's numbers, now, as Prometheus text (version 0.0.4). Call Catalogue::refresh() first.
//
// Families appear in the order of the catalogue, so two readings can be compared line by line; one
// without any known number is left out. Numbers are read one after the other while others count on:
// each is right, their sum may be off by what happened in between. Within a histogram the buckets
// are read once, so its count always is that of its +Inf bucket.
//
// A reading takes well under a millisecond and is made on the control loop; nothing is kept between
// two.
#pragma once

#include <string>
#include <string_view>

#include "metrics/catalogue.h"

namespace crier::metrics {

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

std::string render(const Catalogue& catalogue);

}  // namespace crier::metrics
