// Numbers that one thread counts and any thread may read, without a locked instruction.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace crier {

class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// A histogram over fixed upper bounds, in the unit of the values it is given. The bounds are
// ascending and must outlive it; a value above the last one falls into the implicit +Inf bucket.
// One writer.
template <std::size_t N>
class Histogram {
 public:
  explicit constexpr Histogram(const std::array<std::uint64_t, N>& bounds) : bounds_(bounds) {}

  void observe(std::uint64_t value, std::uint64_t times = 1) {
    std::size_t i = 0;
    while (i < N && value > bounds_[i]) ++i;
    buckets_[i].add(times);
    sum_.add(value * times);
  }

  const std::array<std::uint64_t, N>& bounds() const { return bounds_; }
  // Values in bucket i alone, not cumulative; i == N is +Inf.
  std::uint64_t bucket(std::size_t i) const { return buckets_[i].read(); }
  std::uint64_t sum() const { return sum_.read(); }

 private:
  const std::array<std::uint64_t, N>& bounds_;
  std::array<Counter, N + 1> buckets_;
  Counter sum_;
};

}  // namespace crier
