// Random numbers for jitter, never for secrets: SplitMix64 (Steele, Lea, Flood 2014). One seed
// always gives the same sequence. Belongs to one thread.
#pragma once

#include <cstdint>

namespace crier {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  // Returns a number from low to high, both included, each equally likely. Requires: low <= high.
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + static_cast<std::uint32_t>(next() % (std::uint64_t{high} - low + 1));
  }

 private:
  std::uint64_t state_;
};

}  // namespace crier
