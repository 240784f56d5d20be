// Numbers that one thread counts and any thread may read, without a locked instruction.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

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

  void observe(std::uint64_t value) {
    buckets_[bucket_of(value)].add();
    sum_.add(value);
  }

  // Many values at once, counted when it ends: neighbours in one bucket cost little more than one.
  class Several {
   public:
    explicit Several(Histogram& of) : of_(of) {}
    ~Several() { count(); }
    Several(const Several&) = delete;
    Several& operator=(const Several&) = delete;

    void observe(std::uint64_t value) {
      if (value < from_ || value > through_) {
        count();
        bucket_ = of_.bucket_of(value);
        from_ = bucket_ == 0 ? 0 : of_.bounds_[bucket_ - 1] + 1;
        through_ = bucket_ == N ? ~std::uint64_t{0} : of_.bounds_[bucket_];
      }
      ++times_;
      sum_ += value;
    }

   private:
    void count() {
      if (times_ == 0) return;
      of_.buckets_[bucket_].add(std::exchange(times_, 0));
      of_.sum_.add(std::exchange(sum_, 0));
    }

    Histogram& of_;
    std::size_t bucket_ = 0;
    std::uint64_t from_ = 1;  // Of the bucket; no value is within these two.
    std::uint64_t through_ = 0;
    std::uint64_t times_ = 0;
    std::uint64_t sum_ = 0;
  };

  const std::array<std::uint64_t, N>& bounds() const { return bounds_; }
  // Values in bucket i alone, not cumulative; i == N is +Inf.
  std::uint64_t bucket(std::size_t i) const { return buckets_[i].read(); }
  std::uint64_t sum() const { return sum_.read(); }
  std::uint64_t count() const {
    std::uint64_t count = 0;
    for (const Counter& bucket : buckets_) count += bucket.read();
    return count;
  }

 private:
  std::size_t bucket_of(std::uint64_t value) const {
    std::size_t i = 0;
    while (i < N && value > bounds_[i]) ++i;
    return i;
  }

  const std::array<std::uint64_t, N>& bounds_;
  std::array<Counter, N + 1> buckets_;
  Counter sum_;
};

}  // namespace crier
