// Trace ids of W3C Trace Context: 128 bits, written as 32 lower-case hexadecimal digits.
//
// Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crier {

struct TraceId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const TraceId&, const TraceId&) = default;
};

// Returns nothing unless the text is 32 lower-case hexadecimal digits, the form that to_string()
// writes.
std::optional<TraceId> parse_trace_id(std::string_view text);

std::string to_string(const TraceId& id);

}  // namespace crier
