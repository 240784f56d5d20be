// A hash that somebody who does not know the key cannot steer: for tables whose keys a peer
// chooses, and for ids that should not tell how they were counted.
//
// SipHash-2-4, after Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). The value
// depends on the key and the bytes alone, so it is the same on every machine. A pure function: any
// thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace crier {

// Both halves random, drawn once per process and kept out of sight.
struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

std::uint64_t keyed_hash(const HashKey& key, std::string_view bytes);

// The paper's authors' variant of 128 bits, for what two equal values would be taken for the same:
// its halves have nothing in common with each other, nor with keyed_hash().
struct WideHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const WideHash&, const WideHash&) = default;
};

WideHash keyed_wide_hash(const HashKey& key, std::string_view bytes);

}  // namespace crier
