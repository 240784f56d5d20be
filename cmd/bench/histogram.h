// Latencies in nanoseconds, log-linear: 128 steps per power of two, so a step is at most 0.8 %
// wide.
//
// Lives in memory shared between processes: one of them records and clears, any may read meanwhile.
// All zero bytes is an empty histogram. Values beyond about an hour count as the largest.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/counter.h"

namespace crier::bench {

class Histogram {
 public:
  Histogram() = default;
  Histogram(const Histogram& other) { merge(other); }
  Histogram& operator=(const Histogram&) = delete;

  void record(std::uint64_t nanoseconds) { counts_[bucket_of(nanoseconds)].add(); }
  void clear() {
    for (Counter& n : counts_) n.set(0);
  }

  void merge(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i].add(other.counts_[i].read());
  }

  std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const Counter& n : counts_) sum += n.read();
    return sum;
  }

  // How many values are below `edge`. Requires: no bucket lies on both sides of it, as is so for
  // powers of two and halves more.
  std::uint64_t below(std::uint64_t edge) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bucket_of(edge); ++i) sum += counts_[i].read();
    return sum;
  }

  // The upper edge of the bucket in which the given share (0 to 1) of all values is reached; 0 if
  // nothing was recorded.
  std::uint64_t percentile(double share) const {
    const std::uint64_t all = count();
    if (all == 0) return 0;
    const auto wanted = std::clamp<std::uint64_t>(
        static_cast<std::uint64_t>(share * static_cast<double>(all) + 0.999999), 1, all);
    std::uint64_t seen = 0;
    std::size_t i = 0;
    while ((seen += counts_[i].read()) < wanted && i + 1 < kBuckets) ++i;
    return upper_edge(i);
  }

  static constexpr std::size_t bucket_of(std::uint64_t value) {
    value = std::min(value, kLargest);
    if (value < kSteps) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits;
    return kSteps * shift + static_cast<std::size_t>(value >> shift);
  }

  static constexpr std::uint64_t upper_edge(std::size_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const std::size_t shift = bucket / kSteps - 1;
    return ((bucket - kSteps * shift + 1) << shift) - 1;
  }

 private:
  static constexpr unsigned kBits = 8;  // The leading bits of a value that choose its bucket.
  static constexpr std::size_t kSteps = std::size_t{1} << (kBits - 1);
  static constexpr std::uint64_t kLargest = (std::uint64_t{1} << 42) - 1;
  static constexpr std::size_t kBuckets = kSteps * (42 - kBits) + 2 * kSteps;

  std::array<Counter, kBuckets> counts_;
};

}  // namespace crier::bench
