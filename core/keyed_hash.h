// A keyed hash: without the key, a client can neither predict a value nor choose inputs that
// collide. For tables whose keys a client chooses, and for ids that must not reveal how they were
// counted.
//
// The function is SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
// Its value depends on the key and the bytes alone, so it is the same on every machine. Pure
// functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace crier {

// A secret key: both halves are random and drawn once per process.
struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

std::uint64_t keyed_hash(const HashKey& key, std::string_view bytes);

// SipHash with 128 bits, for content where equal hashes are taken to mean equal content. Its halves
// are independent of each other and of keyed_hash().
struct WideHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const WideHash&, const WideHash&) = default;
};

WideHash keyed_wide_hash(const HashKey& key, std::string_view bytes);

}  // namespace crier
