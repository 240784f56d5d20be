// CRC-32C (Castagnoli; RFC 3720, appendix B.4): a checksum that finds damage, not forgery.
//
// Where the processor has an instruction for it, the instruction is used. Pure functions; any
// thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace crier {

// Returns the checksum of the bytes of `before` followed by `bytes`; `crc_before` is the checksum
// of the former, 0 if there are none.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc_before = 0);

// The same on any processor.
std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t crc_before = 0);

}  // namespace crier
