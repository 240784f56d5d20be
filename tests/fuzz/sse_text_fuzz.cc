// The parser reads the encoder's text back unchanged, every second event with a checksum that is
// right, and its result does not depend on how a stream is cut into pieces.
//
// Input: a byte for the size of the pieces, a byte for the bound of an event, then text. The text
// is used as names and data in turns, each ended by NUL, and as a stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "core/text/sse_parser.h"
#include "core/text/sse_text.h"
#include "core/text/utf8.h"

namespace {

struct Seen {
  std::string event, data, id, checksum;
  friend bool operator==(const Seen&, const Seen&) = default;
};

struct Reading {
  std::vector<Seen> events;
  std::string last_event_id;
  std::optional<std::uint32_t> retry_ms;
  bool ok = true;
  friend bool operator==(const Reading&, const Reading&) = default;
};

Reading read(std::string_view stream, std::size_t piece_bytes, std::size_t event_bytes_max) {
  Reading reading;
  crier::SseParser parser(event_bytes_max);
  while (!stream.empty() && reading.ok) {
    reading.ok = parser.feed(stream.substr(0, piece_bytes), [&](const crier::SseMessage& m) {
      reading.events.push_back({m.event, m.data, m.last_event_id, m.crc32c});
    });
    stream.remove_prefix(std::min(piece_bytes, stream.size()));
  }
  reading.last_event_id = parser.last_event_id();
  reading.retry_ms = parser.retry_ms();
  return reading;
}

std::string with_lf(std::string_view text) {
  std::string normalised;
  bool after_cr = false;
  for (const char c : text) {
    if (c != '\n' || !after_cr) normalised.push_back(c == '\r' ? '\n' : c);
    after_cr = c == '\r';
  }
  return normalised;
}

std::string_view take_until_nul(std::string_view& rest) {
  const std::string_view piece = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(piece.size() + 1, rest.size()));
  return piece;
}

void round_trip(std::string_view text, std::size_t piece_bytes) {
  std::string stream;
  std::vector<Seen> expected;
  while (!text.empty()) {
    const std::string_view name = take_until_nul(text);
    const std::string_view data = take_until_nul(text);
    if (!crier::allowed_event_name(name) || !crier::valid_event_text(data)) continue;
    const std::string id = std::to_string(expected.size());
    const bool checksum = expected.size() % 2 == 1;
    crier::append_sse_event(
        stream, {.id = id, .name = name, .data = data, .retry_ms = 7, .checksum = checksum});
    const std::string sum = checksum ? crier::event_checksum(id, name, with_lf(data)) : "";
    expected.push_back({std::string(name.empty() ? "message" : name), with_lf(data), id, sum});
  }
  const std::size_t plenty = stream.size() + 1;
  const Reading whole = read(stream, plenty, plenty);
  CRIER_CHECK(whole.ok);
  CRIER_CHECK(whole.events == expected);
  CRIER_CHECK(whole.retry_ms.has_value() == !expected.empty());
  CRIER_CHECK(whole == read(stream, piece_bytes, plenty));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece_bytes = bytes[0] % 32 + 1U;
  const std::size_t event_bytes_max = bytes[1];
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 2, size - 2);

  round_trip(text, piece_bytes);
  CRIER_CHECK(read(text, size, event_bytes_max) == read(text, piece_bytes, event_bytes_max));
  return 0;
}
