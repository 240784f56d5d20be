#include "core/keyed_hash.h"

#include <array>
#include <set>
#include <string>

#include "tests/support/catch.h"

using crier::HashKey;
using crier::keyed_hash;

namespace {

// The key of the paper's appendix: bytes 00 to 0f, read as two little-endian words.
constexpr HashKey kPaperKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

// The paper's message of n bytes: 00 01 02 …
std::string counting_bytes(std::size_t n) {
  std::string bytes;
  for (std::size_t i = 0; i < n; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

}  // namespace

TEST_CASE("keyed_hash is SipHash-2-4") {
  CHECK(keyed_hash(kPaperKey, counting_bytes(15)) ==
        0xa129ca6149be45e5);  // The paper's, appendix A.

  // The first of the reference implementation's vectors: every count of bytes in the last word.
  const std::array<std::uint64_t, 9> expected = {
      0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
      0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
      0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462};
  for (std::size_t n = 0; n < expected.size(); ++n) {
    INFO("bytes " << n);
    CHECK(keyed_hash(kPaperKey, counting_bytes(n)) == expected[n]);
  }
}

TEST_CASE("keyed_hash depends on both halves of the key and on every byte") {
  std::set<std::uint64_t> seen;
  std::string text = "orders.eu.created";
  seen.insert(keyed_hash({1, 2}, text));
  seen.insert(keyed_hash({2, 2}, text));
  seen.insert(keyed_hash({1, 3}, text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = static_cast<char>(other[i] ^ 1);
    seen.insert(keyed_hash({1, 2}, other));
  }
  CHECK(seen.size() == 3 + text.size());
}

TEST_CASE("keyed_hash does not depend on the alignment of the bytes") {
  const std::string text = "a topic that is longer than one word";
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const std::string shifted = std::string(shift, ' ') + text;
    CHECK(keyed_hash(kPaperKey, std::string_view(shifted).substr(shift)) ==
          keyed_hash(kPaperKey, text));
  }
}

TEST_CASE("keyed_wide_hash is SipHash-2-4 with 128 bits") {
  // The first of the reference implementation's vectors, as two little-endian words.
  const std::array<crier::WideHash, 3> expected = {{{0xe6a825ba047f81a3, 0x930255c71472f66d},
                                                    {0x44af996bd8c187da, 0x45fc229b11597634},
                                                    {0xc75da4a48d227781, 0xe4ff0af6de8ba3fc}}};
  for (std::size_t n = 0; n < expected.size(); ++n) {
    INFO("bytes " << n);
    CHECK(crier::keyed_wide_hash(kPaperKey, counting_bytes(n)) == expected[n]);
  }
}
