#include "cmd/bench/marker.h"

#include <cstdio>

namespace crier::bench {
namespace {

constexpr std::array<std::uint8_t, 256> hex_values() {
  std::array<std::uint8_t, 256> values{};
  for (std::uint8_t i = 0; i < 10; ++i) values['0' + std::size_t{i}] = i;
  for (std::uint8_t i = 0; i < 6; ++i) {
    values['a' + std::size_t{i}] = values['A' + std::size_t{i}] = static_cast<std::uint8_t>(10 + i);
  }
  return values;
}

constexpr std::array<std::uint8_t, 256> kHex = hex_values();

std::uint32_t number(std::string_view digits) {
  std::uint32_t value = 0;
  for (const char c : digits) value = value << 4 | kHex[static_cast<unsigned char>(c)];
  return value;
}

}  // namespace

std::string marked_data(Mark mark, std::size_t size) {
  std::array<char, kMarkBytes + 1> text{};
  std::snprintf(text.data(), text.size(), "~%1x%07x%06x", mark.group & 0xfU,
                mark.event & kEventsEver, mark.topic & kTopicsMax);
  std::string data(text.data(), kMarkBytes);
  data.resize(std::max(size, kMarkBytes), '.');
  return data;
}

Mark parse_mark(std::string_view text) {
  return {.group = number(text.substr(1, 1)),
          .event = number(text.substr(2, 7)),
          .topic = number(text.substr(9, 6))};
}

}  // namespace crier::bench
