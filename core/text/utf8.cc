#include "core/text/utf8.h"

#include <cstdint>
#include <cstring>

#include "core/check.h"

namespace crier {
namespace {

// How many bytes follow a lead byte, and the bounds of the first of them.
struct Lead {
  std::size_t following;
  std::uint8_t low;
  std::uint8_t high;
};

Lead lead_of(std::uint8_t byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};  // Below: overlong.
  if (byte == 0xED) return {2, 0x80, 0x9F};  // Above: surrogates.
  if (byte >= 0xE1 && byte <= 0xEF) return {2, 0x80, 0xBF};
  if (byte == 0xF0) return {3, 0x90, 0xBF};  // Below: overlong.
  if (byte == 0xF4) return {3, 0x80, 0x8F};  // Above: beyond U+10FFFF.
  if (byte >= 0xF1 && byte <= 0xF3) return {3, 0x80, 0xBF};
  return {0, 0, 0};
}

bool eight_ascii_bytes(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & 0x8080808080808080) == 0;
}

}  // namespace

Utf8Step utf8_step(std::string_view text) {
  CRIER_CHECK(!text.empty());
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  if (byte(0) < 0x80) return {1, true};
  auto [following, low, high] = lead_of(byte(0));
  if (following == 0) return {1, false};
  for (std::size_t i = 1; i <= following; ++i) {
    if (i == text.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {following + 1, true};
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    if (text.size() >= 8 && eight_ascii_bytes(text.data())) {
      text.remove_prefix(8);
      continue;
    }
    const Utf8Step step = utf8_step(text);
    if (!step.valid) return false;
    text.remove_prefix(step.bytes);
  }
  return true;
}

bool valid_event_text(std::string_view text) {
  return text.find('\0') == std::string_view::npos && valid_utf8(text);
}

bool is_control_character(std::string_view character) {
  const char first = character.front();
  if (character.size() == 1) return static_cast<unsigned char>(first) < 0x20 || first == 0x7F;
  if (character.size() == 2 && first == '\xC2') {
    return static_cast<unsigned char>(character[1]) < 0xA0;
  }
  return character == "\xE2\x80\xA8" || character == "\xE2\x80\xA9";
}

}  // namespace crier
