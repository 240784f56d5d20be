#include "cmd/daemon/link/trace_id.h"

#include <string_view>

#include "net/http/negotiate.h"

namespace crier::cmd {

std::string trace_id_text(std::uint64_t high, std::uint64_t low) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t half : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(half >> shift) & 0xf];
  }
  return text;
}

std::string TraceIds::make() {
  const std::uint64_t high = random_.next();
  return trace_id_text(high, random_.next());
}

std::string TraceIds::of(const net::Request& request) {
  const std::string_view own = net::trace_id_of(request);
  return own.empty() ? make() : std::string(own);
}

}  // namespace crier::cmd
