// Numbers of a variable size: seven bits a byte, the lowest first, and the top bit set on all bytes
// but the last. Small numbers take one byte. Each number has one spelling. Pure functions; any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crier {

inline void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// Takes a number off the front of `bytes`. Returns false if no number, or one with a longer
// spelling than it needs, is there.
[[nodiscard]] inline bool take_varint(std::string_view& bytes, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) return false;
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    if (shift == 63 && byte > 1) return false;  // More than 64 bits.
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return byte != 0 || shift == 0;
  }
  return false;
}

}  // namespace crier
