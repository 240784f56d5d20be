#include "core/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

// The one place that knows the kind of processor.
#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace crier {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Its lowest bit is the highest power.

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)

[[gnu::target("sse4.2")]] std::uint32_t crc32c_by_instruction(std::string_view bytes,
                                                              std::uint32_t crc_before) {
  std::uint64_t crc = ~crc_before;
  for (; bytes.size() >= sizeof(crc); bytes.remove_prefix(sizeof(crc))) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof(word));
    crc = _mm_crc32_u64(crc, word);
  }
  auto rest = static_cast<std::uint32_t>(crc);
  for (const char byte : bytes) rest = _mm_crc32_u8(rest, static_cast<unsigned char>(byte));
  return ~rest;
}

auto choose() {
  return __builtin_cpu_supports("sse4.2") != 0 ? &crc32c_by_instruction : &crc32c_by_table;
}

#elif defined(__aarch64__)

[[gnu::target("+crc")]] std::uint32_t crc32c_by_instruction(std::string_view bytes,
                                                            std::uint32_t crc_before) {
  std::uint32_t crc = ~crc_before;
  for (std::uint64_t word = 0; bytes.size() >= sizeof(word); bytes.remove_prefix(sizeof(word))) {
    std::memcpy(&word, bytes.data(), sizeof(word));
    crc = __crc32cd(crc, word);
  }
  for (const char byte : bytes) crc = __crc32cb(crc, static_cast<unsigned char>(byte));
  return ~crc;
}

auto choose() {
  return (::getauxval(AT_HWCAP) & HWCAP_CRC32) != 0 ? &crc32c_by_instruction : &crc32c_by_table;
}

#else

auto choose() {
  return &crc32c_by_table;
}

#endif

}  // namespace

std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t crc_before) {
  std::uint32_t crc = ~crc_before;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  }
  return ~crc;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc_before) {
  static const auto chosen = choose();
  return chosen(bytes, crc_before);
}

}  // namespace crier
