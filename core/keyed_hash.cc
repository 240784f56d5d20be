#include "core/keyed_hash.h"

#include <bit>
#include <cstddef>
#include <cstring>

namespace crier {
namespace {

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  std::uint64_t finish() {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }

  void absorb(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

// Reads up to eight bytes as a little-endian word, as the paper defines it. Missing bytes are zero.
std::uint64_t little_endian_word(const char* bytes, std::size_t count) {
  std::uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, bytes, count);
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
  }
  return word;
}

State initial(const HashKey& key) {
  // The constants spell "somepseudorandomlygeneratedbytes".
  return {key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d, key.k0 ^ 0x6c7967656e657261,
          key.k1 ^ 0x7465646279746573};
}

void absorb_all(State& state, std::string_view bytes) {
  const std::uint64_t size = bytes.size();
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    state.absorb(little_endian_word(bytes.data(), 8));
  }
  std::uint64_t last = size << 56;
  if (!bytes.empty()) last |= little_endian_word(bytes.data(), bytes.size());
  state.absorb(last);
}

}  // namespace

std::uint64_t keyed_hash(const HashKey& key, std::string_view bytes) {
  State state = initial(key);
  absorb_all(state, bytes);
  state.v2 ^= 0xff;
  return state.finish();
}

WideHash keyed_wide_hash(const HashKey& key, std::string_view bytes) {
  State state = initial(key);
  state.v1 ^= 0xee;
  absorb_all(state, bytes);
  state.v2 ^= 0xee;
  const std::uint64_t low = state.finish();
  state.v1 ^= 0xdd;
  return {low, state.finish()};
}

}  // namespace crier
